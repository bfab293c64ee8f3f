# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mode bridge: a veth pair, the host's end on a bridge; the container has a link layer of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .. import _names as names
from .. import _unsupported as unsupported
from .._draft import HostDraft, filled
from .._types import Address, Member, Network
from ._uplink import way_out


class Bridge:
    refused: Mapping[str, str] = {}

    def check(self, network: Network) -> Iterator[tuple[str, str]]:
        if network.gateway_on == "anycast" and network.uplink and network.gateways:
            yield "gateway_on", f"{unsupported.message('gateway_on: anycast with an uplink')}; say host or outside, or gateway: []"
        if network.isolated and network.uplink and network.uplink.vxlan:
            yield "isolated", "with VXLAN, containers of different hosts would reach each other all the same"
        if network.masquerade and not _gateways_of_host(network):
            yield "masquerade", "nothing leaves by the host: it is not the gateway of this network"

    def default_routes(self, member: Member) -> Collection[int]:
        return {gateway.family for gateway in _gateways(member)}

    def join(self, draft: HostDraft, member: Member, defaults: Collection[int]) -> dict[str, Any]:
        interface, network = member.interface, member.network
        bridge, end = names.bridge(network.name), names.host_end(interface.container, interface.name)
        mtu = {"mtu": network.mtu} if network.mtu else {}
        _bridge(draft, bridge, network)
        _filter(draft, bridge, end, member)
        draft.link(
            interface.path,
            end,
            {
                "kind": "veth",
                "veth": {"peer": interface.name, "namespace": interface.container},
                "master": bridge,
                **mtu,
                # Said also where it is the default: the network may have been another before.
                "port": {"isolated": network.isolated, **({} if network.spoofing == "block" else {"group_fwd_mask": 0})},
            },
        )
        inside = {
            "kind": "veth",
            "veth": {"peer": end, "namespace": "host"},
            "mac": member.mac,
            "addresses": _prefixed(network, member),
            **mtu,
        }
        routes = [{"destination": "default", "gateway": gateway.text} for gateway in _gateways(member) if gateway.family in defaults]
        return {"links": {interface.name: inside}, "routes": routes}


def _bridge(draft: HostDraft, name: str, network: Network) -> None:
    if not draft.first_time(network):
        return
    path = f"{draft.host}: netns_networks.{network.name}"
    ours = _gateways_of_host(network)
    # An anycast gateway is one and the same to the containers, on whichever host they are.
    where = "" if ours and network.gateway_on == "anycast" else draft.host
    bridge = {
        "kind": "bridge",
        "mac": names.mac(names.BRIDGE_MAC, where, network.name),
        "mtu": network.mtu,
        "addresses": [_cidr(network, gateway) for gateway in ours],
    }
    draft.link(path, name, filled(bridge))
    if network.uplink:
        port = f"is a port of {name}"
        way_out(draft, network, network.uplink, {"frames": port, "packets": port}, master=name)
    for family in sorted({gateway.family for gateway in ours}):
        draft.forward(path, family)


def _filter(draft: HostDraft, bridge: str, end: str, member: Member) -> None:
    network = member.network
    ours = [gateway.text for gateway in _gateways_of_host(network)]
    if network.spoofing == "block":
        draft.guard(end, member)
    if network.isolated and ours:  # the bridge keeps its isolated ports apart, but their gateway would be the way round
        draft.isolate(network, end, destinations=[subnet.text for subnet in network.subnets], **{"except": ours})
    if network.masquerade:
        draft.masquerade(f"{draft.host}: netns_networks.{network.name}", network, bridge)


def _gateways_of_host(network: Network) -> tuple[Address, ...]:
    return network.gateways if network.gateway_on != "outside" else ()


def _gateways(member: Member) -> list[Address]:
    """For each family the gateway in the subnet of the interface's first address there."""
    firsts = (member.first(family) for family in (4, 6))
    subnets = [member.network.subnet_of(address) for address in firsts if address]
    return [gateway for subnet in subnets if subnet for gateway in member.network.gateways if gateway in subnet]


def _prefixed(network: Network, member: Member) -> list[str]:
    return [_cidr(network, address) for address in member.addresses]


def _cidr(network: Network, address: Address) -> str:
    subnet = network.subnet_of(address)
    return f"{address}/{subnet.prefixlen}" if subnet else address.single
