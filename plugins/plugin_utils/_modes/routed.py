# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mode routed: a veth pair without a bridge; the container has addresses, and the host is its gateway."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ...module_utils._engine.schema import TABLES, boolean, table
from .. import _names as names
from .._draft import HostDraft, filled, sysctl_component
from .._types import Address, Interface, Member, Network
from . import _pair as pair
from . import _published as published
from . import _rates as rates
from ._mode import Mode
from ._uplink import WITH_ADDRESSES

GATEWAYS: Mapping[int, str] = {4: "169.254.1.1", 6: "fe80::1"}
ON_THE_HOST: Mapping[int, str] = {4: "169.254.1.1/32", 6: "fe80::1/64"}
FIRST = 1  # of the rules, but for that of the host's own addresses, which has 0


def own_table(value: Any) -> int:
    number = table(value)
    if number in TABLES.values():
        raise ValueError(f"{value} has routes of others: give a number that nobody uses")
    return number


class Routed(Mode):
    options: Mapping[str, Any] = {"probe": boolean, "table": own_table}
    devices = ("veth", "netkit")
    interface_keys: Collection[str] = ("publish",)

    def refused(self, options: Mapping[str, Any]) -> Mapping[str, str]:
        return {
            **dict.fromkeys(("gateway", "gateway_on"), "mode routed has none: the host is the gateway, as 169.254.1.1 and fe80::1"),
            "host_addresses": "mode routed has none: the host is reached at every address that it has",
        }

    def refuses_mac(self, network: Network) -> str:
        return "a netkit of layer 3 has none" if network.device == "netkit" else ""

    def asks(self, network: Network) -> bool:
        return bool(network.options.get("probe", True))

    def check(self, network: Network) -> Iterator[tuple[str, str]]:
        if not network.subnets:
            yield "subnets", "mode routed needs at least one"
        if network.uplink and (network.uplink.vlan or network.uplink.vxlan):
            yield "uplink", "mode routed answers on a link with addresses of the host: name that link as interface"

    def check_interface(self, interface: Interface) -> Iterator[tuple[str, str]]:
        return published.check(interface, {4, 6})

    def default_routes(self, member: Member) -> Collection[int]:
        return _families(member)

    def join(self, draft: HostDraft, member: Member, defaults: Collection[int]) -> dict[str, Any]:
        interface, network = member.interface, member.network
        end = self.host_end(member)
        end_mac = names.mac(names.HOST_END_MAC, interface.container, interface.name) if self.chooses_mac(network) else None
        families = _families(member)
        _filter(draft, end, member)
        draft.publish(member, end)
        draft.link(
            interface.path,
            end,
            filled(
                {
                    **pair.to_container(interface, "l3"),
                    "mac": end_mac,
                    "addresses": [ON_THE_HOST[family] for family in families],
                    **rates.on_host(draft, interface),
                }
            ),
        )
        for address in member.addresses:
            self.reach(draft, member, address, end)
        addresses = [address.single for address in member.addresses]
        inside = filled({**pair.to_host(network, end, "l3"), "mac": member.mac, "addresses": addresses})
        on_link = [{"destination": ON_THE_HOST[4], "link": interface.name}] if 4 in defaults else []
        routes = [
            {"destination": "default", "gateway": GATEWAYS[family], "link": interface.name} for family in families if family in defaults
        ]
        # Permanent, so that nothing inside ever has to ask for its gateway.
        neighbours = [{"address": GATEWAYS[family], "link": interface.name, "mac": end_mac} for family in families if end_mac]
        return {"links": {interface.name: inside}, "routes": on_link + routes, "neighbours": neighbours}

    @staticmethod
    def host_end(member: Member) -> str:
        return names.host_end(member.interface.container, member.interface.name)

    @staticmethod
    def lead(draft: HostDraft, network: Network, address: Address, route: dict[str, Any]) -> None:
        """Where the host has rules of its own, in a table that is looked up before they are: it has nothing but these routes."""
        apart = network.options.get("table")
        if apart:
            draft.rule({"priority": FIRST, "family": f"ipv{address.family}", "table": apart})
        draft.route({**route, "table": apart} if apart else route)

    def reach(self, draft: HostDraft, member: Member, address: Address, end: str) -> None:
        """The way to one address: a route on the host, and an answer on the uplink to whoever asks for it there."""
        network = member.network
        uplink = _uplink(draft, network, address)
        self.lead(draft, network, address, {"destination": address.single, "link": end, "source": uplink})
        # The host that the container comes from may still answer: it does its part in the same run.
        probe = {"probe": True} if self.asks(network) and not member.moves else {}
        draft.neighbour({"address": address.text, "link": uplink, "proxy": True, **probe})
        # Proxy entries are answered only by a host that forwards, those of IPv6 only on a link with proxy_ndp.
        draft.forward(f"{draft.host}: netns_networks.{network.name}", address.family)
        if address.family == 6:
            draft.sysctl(f"net.ipv6.conf.{sysctl_component(uplink)}.proxy_ndp", 1)


def _filter(draft: HostDraft, end: str, member: Member) -> None:
    network = member.network
    if network.spoofing == "block":
        draft.guard(end, member)
    if network.isolated:
        draft.isolate(network, end)
    if network.masquerade:
        draft.masquerade(f"{draft.host}: netns_networks.{network.name}", network, end)


def _families(member: Member) -> tuple[int, ...]:
    return tuple(sorted({address.family for address in member.addresses}))


def _uplink(draft: HostDraft, network: Network, address: Address) -> str:
    """The name of the link on whose wire the address is wanted: the network's own, or a symbolic one."""
    path = f"{draft.host}: netns_networks.{network.name}"
    if network.uplink:
        draft.device(f"{path}.uplink.interface", network.uplink.link, WITH_ADDRESSES)
        return network.uplink.link
    # One look-up for each subnet, not for each container: a subnet is on one wire. It is made for the subnet's very first
    # address because no host has that one, so that no local route can hide the wire.
    subnet = network.subnet_of(address) or network.subnets[0]
    same = [other for other in network.subnets if other.family == subnet.family]
    number = same.index(subnet)
    name = names.link_name(f"up{subnet.family}-{network.name}" + (f"-{number}" if number else ""))
    draft.link(path, name, {"route_to": str(Address.of(subnet.family, subnet.first))})
    return name
