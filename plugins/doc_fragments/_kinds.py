# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dictionaries of the link kinds, by kind. Private to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  veth:
    description:
      - The pair. Required with O(kind=veth).
    type: dict
    suboptions:
      peer:
        description:
          - Name of the other end. It is made with the kernel's defaults if it is not there.
        type: str
        required: true
      namespace:
        description:
          - Network namespace of the other end.
        type: str
        default: host
  bridge:
    description:
      - The bridge, with O(kind=bridge). What is omitted stays as the kernel has it.
    type: dict
    suboptions:
      vlan_filtering:
        description:
          - Whether frames are filtered by their VLAN.
        type: bool
      stp:
        description:
          - Whether the spanning tree protocol runs.
        type: bool
      forward_delay:
        description:
          - Time in seconds that a port listens, and then learns, before it forwards.
        type: int
      mcast_snooping:
        description:
          - Whether multicast goes only to ports that asked for it.
        type: bool
      ageing_time:
        description:
          - Time in seconds after which a learnt MAC address is forgotten.
        type: int
      vlans:
        description:
          - All VLANs of the bridge itself as a port towards the host, where it filters them (O(bridge.vlan_filtering)).
          - What is not listed does not pass.
          - If omitted, they stay as they are. The kernel begins with VLAN 1, C(pvid) and C(untagged).
        type: list
        elements: dict
        suboptions:
          id:
            description:
              - Number of the VLAN, or a range such as V(100-199).
            type: str
            required: true
          pvid:
            description:
              - Whether frames that arrive without a tag belong to it.
            type: bool
          untagged:
            description:
              - Whether its frames leave without a tag.
            type: bool
      addresses_of:
        description:
          - A link of the host that becomes a port of the bridge. The bridge takes its addresses and the routes that lead by it, in one
            message to the kernel, and the link gets them back when it is not declared any more. Link-local addresses stay.
          - Addresses of DHCP or router advertisements are refused. Have what configures the link configure the bridge instead.
        type: str
  vlan:
    description:
      - One VLAN of another link. Required with O(kind=vlan).
      - It comes up and goes down with that link.
    type: dict
    suboptions:
      link:
        description:
          - The link whose frames carry the tag.
        type: str
        required: true
      namespace:
        description:
          - Network namespace of O(vlan.link). If omitted, that of the link itself.
        type: str
      id:
        description:
          - Number of the VLAN, 1 to 4094.
        type: int
        required: true
      protocol:
        description:
          - Kind of the tag. If omitted, V(802.1Q).
        type: str
        choices: ["802.1Q", "802.1ad"]
  vxlan:
    description:
      - The overlay. Required with O(kind=vxlan).
    type: dict
    suboptions:
      id:
        description:
          - VXLAN network identifier, 1 to 16777215.
        type: int
        required: true
      link:
        description:
          - Link that carries the overlay.
        type: str
      namespace:
        description:
          - Network namespace of O(vxlan.link). If omitted, that of the link itself.
        type: str
      local:
        description:
          - Source address of the outer packets.
        type: str
      group:
        description:
          - Multicast group of the overlay. Needs O(vxlan.link).
        type: str
      remotes:
        description:
          - Addresses of the other hosts of the overlay. Broadcast goes to each of them (head-end replication).
          - Others that it has stay; in a document of M(weft.netns.topology) they go.
        type: list
        elements: str
      port:
        description:
          - UDP port. If omitted, 4789, the port assigned to VXLAN (not the kernel's own default, 8472).
        type: int
      learning:
        description:
          - Whether MAC addresses are learnt from what arrives.
        type: bool
  macvlan:
    description:
      - The sub-interface. Required with O(kind=macvlan).
    type: dict
    suboptions:
      link:
        description:
          - Parent of the sub-interface.
        type: str
        required: true
      namespace:
        description:
          - Network namespace of O(macvlan.link). If omitted, that of the link itself.
        type: str
      mode:
        description:
          - Who on the same parent may talk to whom, in the words of C(ip-link(8\)).
          - If omitted, V(bridge).
        type: str
        choices: [bridge, private, vepa, passthru, source]
      sources:
        description:
          - MAC addresses of those who may send to it in mode V(source). If omitted, they stay as they are; a new link has none.
        type: list
        elements: str
  ipvlan:
    description:
      - The sub-interface with the MAC of its parent. Required with O(kind=ipvlan).
    type: dict
    suboptions:
      link:
        description:
          - Parent of the sub-interface. All on one parent have the same mode and flag.
        type: str
        required: true
      namespace:
        description:
          - Network namespace of O(ipvlan.link). If omitted, that of the link itself.
        type: str
      mode:
        description:
          - V(l2) looks at the destination's MAC, V(l3) routes in the parent's namespace, V(l3s) does so and passes its netfilter.
          - If omitted, V(l3).
        type: str
        choices: [l2, l3, l3s]
      flag:
        description:
          - Who on the same parent may talk to whom, in the words of C(ip-link(8\)).
          - If omitted, V(bridge).
        type: str
        choices: [bridge, private, vepa]
  netkit:
    description:
      - The pair. Required with O(kind=netkit). Needs Linux 6.7.
    type: dict
    suboptions:
      peer:
        description:
          - Name of the other end.
        type: str
        required: true
      namespace:
        description:
          - Network namespace of the other end.
        type: str
        default: host
      mode:
        description:
          - V(l3) carries packets without a link layer, V(l2) frames. If omitted, V(l3).
        type: str
        choices: [l2, l3]
  vrf:
    description:
      - The routing domain. Required with O(kind=vrf).
      - The first one in a namespace makes the kernel add two rules at priority 1000, which stay when it goes.
    type: dict
    suboptions:
      table:
        description:
          - Number of the routing table of the links that have the VRF as their O(master).
        type: str
        required: true
  wireguard:
    description:
      - The tunnel, with O(kind=wireguard). What is omitted stays as it is.
      - Keys are read from files on the host, and appear in no output.
    type: dict
    suboptions:
      namespace:
        description:
          - Network namespace of its socket. If omitted, that of the link itself.
          - With the link in a container and the socket in V(host), the tunnel is the container's only way out.
        type: str
      private_key_file:
        description:
          - File on the host with the private key, as C(wg genkey) prints it.
        type: path
      listen_port:
        description:
          - UDP port. If omitted, the kernel chooses one.
        type: int
      fwmark:
        description:
          - Mark of the packets that its socket sends; 0 is none.
        type: int
      peers:
        description:
          - All peers. Those that are not listed go; one that is not changed keeps its session.
        type: list
        elements: dict
        suboptions:
          public_key:
            description:
              - Public key of the peer.
            type: str
            required: true
          preshared_key_file:
            description:
              - File on the host with a preshared key.
            type: path
          endpoint:
            description:
              - Address and port where the peer is at first, V(192.0.2.1:51820) or V([2001:db8::1]:51820).
              - The kernel follows a peer that moves. It is set back only when what is declared here changes.
            type: str
          allowed_ips:
            description:
              - Prefixes that the peer may send from, and that are sent to it.
            type: list
            elements: str
          persistent_keepalive:
            description:
              - Seconds between packets that keep a way through NAT open. If omitted, none are sent.
            type: int
  physical:
    description:
      - The device of the host that is moved in, with O(kind=physical). It is given back when the link or its namespace is
        not declared any more, under its old name and with its old state, MTU, MAC, master and addresses.
      - Either O(physical.interface) or O(physical.permanent_mac).
    type: dict
    suboptions:
      interface:
        description:
          - Name of the device on the host.
        type: str
      permanent_mac:
        description:
          - MAC address that the hardware has, whatever the device's present one.
        type: str
  tun:
    description:
      - The tunnel to a process, with O(kind=tun).
    type: dict
    suboptions:
      mode:
        description:
          - V(tun) carries packets, V(tap) frames. V(tun) if omitted.
        type: str
        choices: [tun, tap]
      owner:
        description:
          - Number of the user who may open the device. Root only if omitted.
        type: int
"""
