# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modes macvlan and ipvlan: the container gets a sub-interface of one of the host's links.

The parent gives what its sub-interfaces send neither to the host nor to the host's filter. So where the host has addresses in
such a network, it has them on a sub-interface of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ...module_utils._engine.schema import Listing, choice, mac
from .. import _names as names
from .._draft import HostDraft, filled
from .._types import Address, Interface, Member, Network
from . import _lan as lan
from . import _rates as rates
from ._mode import Mode
from ._uplink import way_out

BLIND = "the host's filter does not see what a sub-interface sends"


class Sublink(Mode):
    kind: str
    unguarded = BLIND

    def check(self, network: Network) -> Iterator[tuple[str, str]]:
        if not network.uplink:
            yield "uplink", f"is missing: mode {self.kind} makes sub-interfaces of its interface"
        elif network.uplink.vxlan:
            yield "uplink.vxlan", f"mode {self.kind} lies on a device or a VLAN"
        if network.gateway_on == "anycast" and network.gateways:
            yield "gateway_on", f"mode {self.kind} cannot keep a gateway from the wire: say host or outside"
        if network.masquerade and not lan.gateways_of_host(network):
            yield "masquerade", "nothing leaves by the host: it is not the gateway of this network"

    def values(self, network: Network) -> dict[str, Any]:
        """What the kind's dictionary says besides the parent."""
        raise NotImplementedError

    def parts(self, member: Member) -> Mapping[str, str]:
        """What is taken of the parent, and what it is then."""
        raise NotImplementedError

    def spelt(self, network: Network, address: Address) -> str:
        return lan.cidr(network, address)

    def routes(self, member: Member, defaults: Collection[int]) -> list[dict[str, Any]]:
        return lan.routes(member, defaults)

    def default_routes(self, member: Member) -> Collection[int]:
        return {gateway.family for gateway in lan.gateways(member)}

    def join(self, draft: HostDraft, member: Member, defaults: Collection[int]) -> dict[str, Any]:
        network = member.network
        if network.uplink is None:  # a fault already, see check
            return {"links": {}}
        parent = way_out(draft, network, network.uplink, self.parts(member))
        self._host_end(draft, parent, member)
        inside = self._link(network, {"link": parent, "namespace": "host"}, member.mac, member.addresses)
        return {"links": rates.inside(member, inside), "routes": self.routes(member, defaults)}

    def _link(self, network: Network, parent: Mapping[str, str], mac: str | None, addresses: Iterable[Address]) -> dict[str, Any]:
        values = {**parent, **self.values(network)}
        spelt = [self.spelt(network, address) for address in addresses]
        return filled({"kind": self.kind, self.kind: values, "mac": mac, "mtu": network.mtu, "addresses": spelt})

    def _host_end(self, draft: HostDraft, parent: str, member: Member) -> None:
        """The host's own sub-interface, and the way by it to this container: the host may have the subnet on the parent, too."""
        network = member.network
        ours = lan.addresses_of_host(network)
        if not ours:
            return
        name = names.host_sublink(self.kind, network.name)
        if draft.first_time(network):
            path = f"{draft.host}: netns_networks.{network.name}"
            mac = names.mac(names.BRIDGE_MAC, draft.host, network.name) if self.chooses_mac(network) else None
            draft.link(path, name, self._link(network, {"link": parent}, mac, ours))
            lan.forward(draft, network)
            if network.masquerade:
                draft.masquerade(path, network, name)
        families = {address.family for address in ours}
        for address in member.addresses:
            if address.family in families:
                draft.route({"destination": address.single, "link": name})


class Macvlan(Sublink):
    kind = "macvlan"
    options: Mapping[str, Any] = {"mode": choice("bridge", "private", "vepa", "passthru", "source"), "sources": Listing(mac)}

    def refused(self, options: Mapping[str, Any]) -> Mapping[str, str]:
        return {"isolated": "say macvlan: {mode: private}"}

    def refuses_mac(self, network: Network) -> str:
        return "in mode passthru it is the parent's" if self._mode(network) == "passthru" else ""

    def check(self, network: Network) -> Iterator[tuple[str, str]]:
        yield from super().check(network)
        mode = self._mode(network)
        if (mode == "source") != ("sources" in network.options):
            yield "macvlan.sources", "mode source needs it, and no other has it: the MACs that the containers hear"
        if mode != "bridge" and lan.addresses_of_host(network):
            yield "macvlan.mode", f"in mode {mode} the host cannot talk to the containers: no gateway_on: host, no host_addresses"

    def values(self, network: Network) -> dict[str, Any]:
        sources = network.options.get("sources")
        return {"mode": self._mode(network), **({} if sources is None else {"sources": list(sources)})}

    def parts(self, member: Member) -> Mapping[str, str]:
        alone = self._mode(member.network) == "passthru"
        whose = f"of {member.interface.container}'s {member.interface.name} alone" if alone else "of macvlan links"
        return {"frames": f"is the parent {whose}"}

    @staticmethod
    def _mode(network: Network) -> str:
        return str(network.options.get("mode", "bridge"))


class Ipvlan(Sublink):
    kind = "ipvlan"
    options: Mapping[str, Any] = {"mode": choice("l2", "l3", "l3s"), "flag": choice("bridge", "private", "vepa")}

    def refused(self, options: Mapping[str, Any]) -> Mapping[str, str]:
        isolated = {"isolated": "say ipvlan: {flag: private}"}
        if options.get("mode", "l2") == "l2":
            return isolated
        routes = "in ipvlan mode l3 and l3s the host's own routes lead on"
        return {**isolated, **dict.fromkeys(("gateway", "gateway_on", "masquerade"), routes)}

    def refuses_mac(self, network: Network) -> str:
        return "in mode ipvlan it is the parent's"

    def check(self, network: Network) -> Iterator[tuple[str, str]]:
        yield from super().check(network)
        if network.options.get("flag", "bridge") != "bridge" and lan.addresses_of_host(network):
            yield "ipvlan.flag", "keeps the host from the containers: no gateway_on: host, no host_addresses"

    def check_interface(self, interface: Interface) -> Iterator[tuple[str, str]]:
        if interface.rate.ingress and interface.network.options.get("mode") == "l3s":
            yield "rate.ingress", "in ipvlan mode l3s what arrives passes no queue of the sub-interface"

    def values(self, network: Network) -> dict[str, Any]:
        return {"mode": "l2", "flag": "bridge", **network.options}

    def parts(self, member: Member) -> Mapping[str, str]:
        # Mode and flag are the parent's: what the last link says holds for all of them.
        values = self.values(member.network)
        return {"frames": f"is the parent of ipvlan links of mode {values['mode']}, flag {values['flag']}"}

    def spelt(self, network: Network, address: Address) -> str:
        return lan.cidr(network, address) if self._layer_2(network) else address.single

    def default_routes(self, member: Member) -> Collection[int]:
        return super().default_routes(member) if self._layer_2(member.network) else {address.family for address in member.addresses}

    def routes(self, member: Member, defaults: Collection[int]) -> list[dict[str, Any]]:
        if self._layer_2(member.network):
            return super().routes(member, defaults)
        return [{"destination": "default", "family": f"ipv{family}", "link": member.interface.name} for family in sorted(defaults)]

    @staticmethod
    def _layer_2(network: Network) -> bool:
        return bool(network.options.get("mode", "l2") == "l2")
