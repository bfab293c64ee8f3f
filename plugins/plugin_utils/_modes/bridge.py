# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mode bridge: a veth pair, the host's end on a bridge; the container has a link layer of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import Any

from .. import _names as names
from .._draft import HostDraft, filled
from .._types import DEFAULT_VLAN, Interface, Member, Network, Vlans
from . import _lan as lan
from . import _pair as pair
from . import _published as published
from . import _rates as rates
from ._mode import Mode
from ._uplink import way_out


class Bridge(Mode):
    devices = ("veth", "netkit")
    interface_keys = ("vlans", "publish")

    def check(self, network: Network) -> Iterator[tuple[str, str]]:
        if _anycast(network) and network.uplink and network.host_addresses:
            yield "host_addresses", "with an anycast gateway all bridges have one MAC: others would not find this host"
        if network.isolated and network.uplink and network.uplink.vxlan:
            yield "isolated", "with VXLAN, containers of different hosts would reach each other all the same"
        if network.vlan_filtering and network.uplink and network.uplink.vxlan:
            yield "vlan_filtering", "a VXLAN carries one segment: make a network, with a number of its own, for each VLAN"
        if network.masquerade and not lan.gateways_of_host(network):
            yield "masquerade", "nothing leaves by the host: it is not the gateway of this network"

    def check_interface(self, interface: Interface) -> Iterator[tuple[str, str]]:
        yield from published.check(interface, {gateway.family for gateway in lan.gateways_of_host(interface.network)})
        if interface.vlans:
            yield from self._check_vlans(interface, interface.vlans)

    @staticmethod
    def _check_vlans(interface: Interface, vlans: Vlans) -> Iterator[tuple[str, str]]:
        network = interface.network
        if not network.vlan_filtering:
            yield "vlans", f"the bridge of network {network.name} does not look at VLANs: say vlan_filtering: true there"
        if vlans.tagged and network.spoofing == "block":
            yield "vlans.trunk", f"spoofing: block lets no tag pass; say spoofing: allow for network {network.name}"
        if vlans.untagged is None and interface.addresses:
            yield "addresses", "what the interface itself sends has no tag: name the VLAN of these addresses as vlans.native"
        if vlans.untagged not in (None, DEFAULT_VLAN.untagged) and lan.addresses_of_host(network):
            yield "vlans", f"the host itself is in VLAN {DEFAULT_VLAN.untagged} alone: say gateway_on: outside, or gateway: []"

    def default_routes(self, member: Member) -> Collection[int]:
        return {gateway.family for gateway in lan.gateways(member)}

    def join(self, draft: HostDraft, member: Member, defaults: Collection[int]) -> dict[str, Any]:
        interface, network = member.interface, member.network
        bridge, end = names.bridge(network.name), names.host_end(interface.container, interface.name)
        _bridge(draft, bridge, network)
        _filter(draft, bridge, end, member)
        draft.publish(member, bridge)
        draft.link(
            interface.path,
            end,
            {
                **pair.to_container(interface, "l2"),
                "master": bridge,
                "port": _port(interface),
                **rates.on_host(draft, interface),
            },
        )
        inside = filled({**pair.to_host(network, end, "l2"), "mac": member.mac, "addresses": lan.addresses(member)})
        return {"links": {interface.name: inside}, "routes": lan.routes(member, defaults)}


def _port(interface: Interface) -> dict[str, Any]:
    """Said also where it is the default: the network may have been another before."""
    network = interface.network
    port: dict[str, Any] = {"isolated": network.isolated}
    if network.spoofing == "allow":
        port["group_fwd_mask"] = 0
    if network.vlan_filtering:
        port["vlans"] = _vlans(interface.port)
    return port


def _vlans(vlans: Vlans) -> list[dict[str, Any]]:
    untagged = [{"id": vlans.untagged, "pvid": True, "untagged": True}] if vlans.untagged else []
    return untagged + [{"id": first if first == last else f"{first}-{last}"} for first, last in _spans(vlans.tagged)]


def _spans(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run in an ascending sequence."""
    for _distance, run in groupby(enumerate(numbers), lambda place: place[1] - place[0]):
        values = [number for _index, number in run]
        yield values[0], values[-1]


def _bridge(draft: HostDraft, name: str, network: Network) -> None:
    if not draft.first_time(network):
        return
    path = f"{draft.host}: netns_networks.{network.name}"
    ours = lan.addresses_of_host(network)
    # An anycast gateway is one and the same to the containers, on whichever host they are.
    mac = names.mac(names.BRIDGE_MAC, "" if _anycast(network) else draft.host, network.name)
    taken = {"addresses_of": network.uplink.link} if network.uplink and network.uplink.move_addresses else {}
    bridge = {
        "kind": "bridge",
        "bridge": {"vlan_filtering": network.vlan_filtering, **taken},  # whether it does is said in any case, as in _port
        "mac": mac,
        "mtu": network.mtu,
        "addresses": [lan.cidr(network, address) for address in ours],
    }
    draft.link(path, name, filled(bridge))
    if network.uplink:
        port = f"is a port of {name}"
        trunk = {"port": {"vlans": _vlans(draft.trunk(network))}} if network.vlan_filtering else {}
        link = way_out(draft, network, network.uplink, {"frames": port, "packets": port}, master=name, **trunk)
        if _anycast(network):
            draft.anycast(link, mac, network.gateways)
    lan.forward(draft, network)


def _anycast(network: Network) -> bool:
    return network.gateway_on == "anycast" and bool(network.gateways)


def _filter(draft: HostDraft, bridge: str, end: str, member: Member) -> None:
    network = member.network
    ours = [address.text for address in lan.addresses_of_host(network)]
    if network.spoofing == "block":
        draft.guard(end, member)
    if network.isolated and ours:  # the bridge keeps its isolated ports apart, but the host would be the way round
        draft.isolate(network, end, destinations=[subnet.text for subnet in network.subnets], **{"except": ours})
    if network.isolated and member.interface.publish:  # nor would one reach another by what it publishes
        draft.isolate(network, bridge)
    if network.masquerade:
        draft.masquerade(f"{draft.host}: netns_networks.{network.name}", network, bridge)
