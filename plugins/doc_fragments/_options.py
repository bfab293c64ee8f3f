# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules, one fragment per object. Private to the collection.

Each fragment has its argument spec, under the same name in module_utils/_options.py.
"""

from __future__ import annotations


class ModuleDocFragment:
    STATE = r"""
options:
  state:
    description:
      - V(present) makes it, or changes it until it is as declared.
      - V(absent) removes it, if this collection made it. It is an error if somebody else did, and no error if it is not there.
    type: str
    choices: [present, absent]
    default: present
"""

    IN_NAMESPACE = r"""
options:
  namespace:
    description:
      - Network namespace on the target, a name under C(/run/netns). V(host) is the target's own.
      - It must exist.
    type: str
    default: host
"""

    NAMESPACE = r"""
options:
  name:
    description:
      - Name of the network namespace, a file name under C(/run/netns).
      - V(host) is reserved for the target's own namespace.
    type: str
    required: true
  pid:
    description:
      - Adopt the network namespace of this process, for example of a running container. Its name is made, the namespace itself is not.
      - A namespace that was adopted is never deleted; O(state=absent) only takes its name away.
    type: int
  path:
    description:
      - Adopt the network namespace at this absolute path, for example C(/proc/4711/ns/net). Otherwise like O(pid).
    type: path
  sysctls:
    description:
      - Kernel parameters inside the namespace. Keys begin with C(net.).
      - A C(/) stands for a dot inside a component, as in C(net.ipv4.conf.eth0/100.forwarding).
    type: dict
  in_use:
    description:
      - What O(state=absent) does while processes live in the namespace.
      - V(refuse) is an error that names the processes.
      - V(force) takes the name away; the kernel keeps the namespace until the last of them ends.
    type: str
    choices: [refuse, force]
    default: refuse
"""

    VETH = r"""
options:
  name:
    description:
      - Name of one end, at most 15 bytes.
    type: str
    required: true
  namespace:
    description:
      - Network namespace of that end. It must exist. V(host) is the target's own.
    type: str
    default: host
  peer:
    description:
      - Name of the other end, at most 15 bytes. Required with O(state=present).
    type: str
  peer_namespace:
    description:
      - Network namespace of the other end. It must exist. V(host) is the target's own.
    type: str
    default: host
  mac:
    description:
      - MAC address of the end O(name). The kernel chooses one if this is omitted.
    type: str
  peer_mac:
    description:
      - MAC address of the end O(peer). The kernel chooses one if this is omitted.
    type: str
  mtu:
    description:
      - Largest packet of both ends, in bytes. The kernel's default is 1500.
    type: int
"""

    LINK = r"""
options:
  name:
    description:
      - Name of the link, at most 15 bytes.
    type: str
    required: true
  kind:
    description:
      - Kind of the link, in the kernel's words.
      - Omit it for a link that exists already, a network card or C(lo). Then only what is given here is managed.
    type: str
    choices: [bridge, dummy, ifb, ipvlan, macvlan, netkit, physical, tun, veth, vlan, vrf, vxlan, wireguard]
  admin_state:
    description:
      - Whether the link is up or down. C(state) of the link in a host document.
      - If omitted, a link with a O(kind) is up, and one without stays as it is.
    type: str
    choices: [up, down]
  mtu:
    description:
      - Largest packet, in bytes.
    type: int
  mac:
    description:
      - MAC address. Not for a link that has none of its own (V(ipvlan), V(netkit) in mode V(l3), V(wireguard)).
    type: str
  master:
    description:
      - The bridge or VRF, in the same namespace, that the link is a port of.
    type: str
  txqueuelen:
    description:
      - Length of the transmit queue, in packets.
    type: int
  addresses:
    description:
      - Addresses that the link has, in CIDR notation. Others that it has stay; M(weft.netns.address) takes one away.
    type: list
    elements: str
  rate:
    description:
      - What the link sends at most, in the words of C(tc(8\)), as in V(100mbit). It is changed in place; a queueing discipline
        of somebody else is refused.
      - If omitted, it stays as it is; in a document of M(weft.netns.topology) it goes.
    type: str
  redirect:
    description:
      - Name of an ifb, in the same namespace, through whose queue goes what arrives on the link. With the O(rate) of the ifb it
        holds what the link receives.
      - If omitted, it stays as it is; in a document of M(weft.netns.topology) it goes.
    type: str
  port:
    description:
      - What the link is like as a port of its O(master).
    type: dict
    suboptions:
      isolated:
        description:
          - Whether the port may talk only to ports that are not isolated.
        type: bool
      learning:
        description:
          - Whether MAC addresses are learnt from what arrives at the port.
        type: bool
      neigh_suppress:
        description:
          - Whether the bridge answers ARP and neighbour discovery for hosts behind the port that it knows.
        type: bool
      hairpin:
        description:
          - Whether frames may leave by the port they came from.
        type: bool
      group_fwd_mask:
        description:
          - Which frames to C(01:80:C2:00:00:0x) are forwarded instead of being kept from the bridge; bit x stands for each.
          - The filter of a host document sets it on a guarded port, because a bridge learns from such frames unless it
            forwards them.
        type: int
      vlans:
        description:
          - All VLANs that the port lets pass, where the bridge filters them (O(bridge.vlan_filtering)).
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
"""

    ADDRESS = r"""
options:
  link:
    description:
      - Name of the link. It must exist.
    type: str
    required: true
  address:
    description:
      - Address in CIDR notation, IPv4 or IPv6.
    type: str
    required: true
"""

    ROUTE = r"""
options:
  destination:
    description:
      - Destination in CIDR notation, or V(default).
    type: str
    required: true
  family:
    description:
      - Address family. Needed for O(destination=default) where no gateway tells it.
    type: str
    choices: [ipv4, ipv6]
  gateway:
    description:
      - Address of the next hop. An IPv4 route may have an IPv6 one.
    type: str
  link:
    description:
      - Link the packets leave by. It must exist. The kernel finds it from the gateway if it is omitted.
    type: str
  nexthops:
    description:
      - Several next hops, between which the traffic is divided. Instead of O(gateway), O(link) and O(onlink).
    type: list
    elements: dict
    suboptions:
      gateway:
        description:
          - Address of the next hop.
        type: str
      link:
        description:
          - Link the packets leave by.
        type: str
      weight:
        description:
          - Share of the traffic relative to the other next hops, 1 to 256. 1 if omitted.
        type: int
      onlink:
        description:
          - Take the gateway as reachable on the link, even if no address of the link says so.
        type: bool
  source:
    description:
      - Address the host uses for packets of its own on this route, or the name of a link that has it.
    type: str
  metric:
    description:
      - Preference; the lowest wins. If omitted, 0 for IPv4, 1024 for IPv6.
    type: int
  table:
    description:
      - Routing table, by number or as V(main), V(local) or V(default). If omitted, V(main), and V(local) with O(type=local).
    type: str
  onlink:
    description:
      - Take the gateway as reachable on the link, even if no address of the link says so.
    type: bool
  type:
    description:
      - What becomes of the packets, in the words of C(ip-route(8\)). V(unicast) if omitted.
    type: str
    choices: [unicast, blackhole, unreachable, prohibit, local, throw]
"""

    RULE = r"""
options:
  priority:
    description:
      - Rules are tried from the lowest priority to the highest.
    type: int
    required: true
  family:
    description:
      - Address family. Needed where neither O(from) nor O(to) tells it.
    type: str
    choices: [ipv4, ipv6]
  from:
    description:
      - Source of the packets, in CIDR notation, or V(all).
    type: str
  to:
    description:
      - Destination of the packets, in CIDR notation, or V(all).
    type: str
  iif:
    description:
      - Link the packets arrive by. C(lo) stands for packets of the host itself.
    type: str
  oif:
    description:
      - Link the packets leave by, for sockets bound to it.
    type: str
  fwmark:
    description:
      - Mark of the packets, with a mask if wanted, as in V(0x1/0xff).
    type: str
  table:
    description:
      - Routing table to look in, by number or as V(main), V(local) or V(default).
    type: str
  type:
    description:
      - What becomes of the packets. V(lookup), looking in O(table), if omitted.
    type: str
    choices: [lookup, blackhole, unreachable, prohibit]
"""

    JAIL = r"""
options:
  name:
    description:
      - Name of the jail. Letters, digits, C(_) and C(-), at most 64.
    type: str
    required: true
  addresses:
    description:
      - What the jail may use. The first one of each family is what the wildcard address means inside.
      - Required with O(state=present).
    type: list
    elements: str
  ports:
    description:
      - Ports that may be bound, numbers and ranges such as V(8000-8099). All of them if omitted.
      - Jails that have an address in common each need their own.
    type: list
    elements: str
  loopback:
    description:
      - With V(own), C(127.0.0.1) and C(::1) are reached from inside this jail only.
      - With V(host) they are those of the host.
    type: str
    choices: [own, host]
    default: own
  cgroup:
    description:
      - The cgroup that is held, a path below the mount of cgroup v2. It is made if it is not there.
      - If neither this nor O(unit) is given, it is C(weft/) and the name.
    type: str
  unit:
    description:
      - A service or a slice of systemd that is held. A service gets a drop-in, which puts it into a slice of the jail when it is
        started the next time.
    type: str
  link:
    description:
      - Link that gets the addresses. On C(lo) an IPv6 address is not announced to the neighbours of the host.
    type: str
    default: lo
"""

    NEIGHBOUR = r"""
options:
  link:
    description:
      - Name of the link. It must exist.
    type: str
    required: true
  address:
    description:
      - Address of the neighbour, IPv4 or IPv6.
    type: str
    required: true
  mac:
    description:
      - MAC address of the neighbour. The entry is permanent.
    type: str
  proxy:
    description:
      - Answer for O(address) on the link (proxy ARP, proxy ND) instead.
    type: bool
  probe:
    description:
      - With O(proxy=true), before the entry is made, ask on the link whether somebody has O(address), and fail if so.
        That takes 1.6 seconds, for all addresses of a run together.
      - What is there already is not asked for, nor is anything at boot.
    type: bool
"""
