# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document of one host while it is being put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from ..module_utils._engine.filters import Ports, ports_text, ports_value
from . import _ports as ports
from ._faults import Faults
from ._types import DEFAULT_VLAN, Address, Interface, Member, Network, Vlans

Document = dict[str, Any]

DEFAULT_UPLINK = "uplink6"  # symbolic: the link of the host's own IPv6 default route


def sysctl_component(link: str) -> str:
    """The link's name as one component of a sysctl's name, as sysctl(8) has it."""
    return link.replace(".", "/")


@dataclass(frozen=True)
class Others:
    """What a host has to know of the fleet."""

    interfaces: Mapping[str, Sequence[Interface]]  # by network
    tunnels: Mapping[str, Mapping[str, str]]  # addresses on the underlay, by network and host
    vlans: Mapping[tuple[str, str], Set[int]]  # in use, by host and network
    ports: Mapping[tuple[str, Address | None], Sequence[Ports]]  # that are containers', by host and its address; None: all of them


class HostDraft:
    """Collects what one host must have. The same thing said twice is one thing; a name with two meanings is a fault."""

    def __init__(self, host: str, others: Others, faults: Faults) -> None:
        self.host = host
        self._others = others
        self._seen: set[str] = set()
        self._faults = faults
        self._said_by: dict[str, str] = {}
        self._uses: dict[tuple[str, str], tuple[str, str]] = {}
        self._links: dict[str, Any] = {}
        self._routes: list[Any] = []
        self._rules: list[Any] = []
        self._neighbours: list[Any] = []
        self._sysctls: dict[str, Any] = {}
        self._namespaces: dict[str, dict[str, Any]] = {}
        self._jails: dict[str, dict[str, Any]] = {}
        self._guards: dict[str, Any] = {}
        self._isolated: dict[tuple[str, bool], Any] = {}  # by network, and whether its links are ports of a bridge
        self._masquerade: dict[str, Any] = {}
        self._anycast: dict[str, Any] = {}
        self._publish: list[Any] = []

    def first_time(self, network: Network) -> bool:
        """Whether nobody has asked this about the network before: what a host has once for a network is made then."""
        seen = network.name in self._seen
        self._seen.add(network.name)
        return not seen

    def remotes(self, network: Network) -> list[str]:
        """Where the other hosts of a network over VXLAN are."""
        return [local for host, local in self._others.tunnels[network.name].items() if host != self.host]

    def trunk(self, network: Network) -> Vlans:
        """What a port carries that leads to all containers of the network on this host."""
        used = self._others.vlans[self.host, network.name]
        return Vlans(DEFAULT_VLAN.untagged, tuple(sorted(used - {DEFAULT_VLAN.untagged})))

    def peer(self, interface: Interface) -> Interface:
        """The other interface of a network of two; itself, where that is missing."""
        members = self._others.interfaces[interface.network.name]
        return next((each for each in members if each.key != interface.key), interface)

    def link(self, path: str, name: str, spec: dict[str, Any]) -> None:
        """A link of the host's own namespace. ``path`` is where the inventory asks for it."""
        known = self._links.setdefault(name, spec)
        if known is spec:
            self._said_by[name] = path
        elif known != spec:
            self._two_meanings(path, name)

    def lease(self, path: str, device: str, use: str) -> None:
        """A device that leaves the host, by its name or its MAC: then it is nothing else."""
        self._take(path, device, {"itself": use})

    def device(self, path: str, name: str, uses: Mapping[str, str], **attributes: Any) -> bool:
        """A link that the host has already; whether it can be used so.

        ``uses``: the parts of it that are taken, and what the link is or does then. Each part can be taken for one thing: its
        *frames* are what the kernel hands to a bridge or to the likes of macvlan, its *packets* reach the host's own addresses.
        """
        known = self._links.setdefault(name, {})
        self._said_by.setdefault(name, path)
        if "kind" in known:
            self._two_meanings(path, name)
            return False
        known.update(attributes)
        return self._take(path, name, {"itself": "is used on the host", **uses})

    def _take(self, path: str, device: str, uses: Mapping[str, str]) -> bool:
        before = [self._uses.setdefault((device, part), (use, path)) for part, use in uses.items()]
        others = {first: where for (first, where), use in zip(before, uses.values(), strict=True) if first != use}
        for first, where in others.items():
            self._faults.add(path, f"{device} {first} already, see {self._here(where)}")
        return not others

    def _two_meanings(self, path: str, name: str) -> None:
        other = self._here(self._said_by[name])
        self._faults.add(path, f"the link {name} that it needs on the host is already that of {other}; give one of the two another name")

    def _here(self, path: str) -> str:
        return path.removeprefix(f"{self.host}: ")

    def route(self, route: dict[str, Any]) -> None:
        self._routes.append(route)

    def rule(self, rule: dict[str, Any]) -> None:
        if rule not in self._rules:
            self._rules.append(rule)

    def neighbour(self, neighbour: dict[str, Any]) -> None:
        self._neighbours.append(neighbour)

    def sysctl(self, name: str, value: int) -> None:
        self._sysctls[name] = value

    def namespace(self, name: str, content: dict[str, Any]) -> None:
        self._namespaces[name] = content

    def jail(self, name: str, content: dict[str, Any]) -> None:
        self._jails[name] = content

    def guard(self, link: str, member: Member) -> None:
        """Only what is the member's own may enter by its host end."""
        addresses = [address.text for address in member.addresses]
        self._guards[link] = {"mac": member.mac, "addresses": addresses} if member.mac else {"addresses": addresses}

    def isolate(self, network: Network, link: str, **more: Any) -> None:
        """Nothing is forwarded between the links for which one network asks this."""
        links = self._isolated.setdefault((network.name, bool(more)), {"links": [], **more})["links"]
        if link not in links:
            links.append(link)

    def masquerade(self, path: str, network: Network, link: str) -> None:
        """What leaves the network, by any link that is not its own, does so with the host's address."""
        sources = [subnet.text for subnet in network.subnets]
        links = self._masquerade.setdefault(network.name, {"sources": sources, "links": []})["links"]
        if link not in links:
            links.append(link)
        for family in sorted({subnet.family for subnet in network.subnets}):
            self.forward(path, family)

    def publish(self, member: Member, link: str) -> None:
        """Ports of the host lead to an interface behind this link."""
        for each in member.interface.publish:
            for family in sorted(member.interface.families & ({each.host_address.family} if each.host_address else {4, 6})):
                address = member.first(family)
                if address:
                    at = {"host_address": each.host_address.text} if each.host_address else {}
                    entry = {"protocol": each.protocol, "host_port": each.host_port, **at}
                    self._publish.append({**entry, "address": address.text, "port": each.port, "link": link})
                    if family == 4 and (each.host_address is None or each.host_address.loopback):  # by which answers come back
                        self.sysctl(f"net.ipv4.conf.{sysctl_component(link)}.route_localnet", 1)

    def share(self, path: str, member: Member, address: Address, link: str) -> None:
        """All containers of a network behind one address of the host: ports of it lead to this one, and what it sends has the address."""
        network, inner = member.network, member.first(address.family)
        key = f"{network.name} {address.family}"
        if key not in self._masquerade:
            sources = [subnet.text for subnet in network.subnets if subnet.family == address.family]
            taken = [each for at in (address, None) for each in self._others.ports.get((self.host, at), ())]
            free = ports.free(taken, ports.EPHEMERAL)
            if free[1] - free[0] < ports.FEWEST:
                self._faults.add(path, f"the containers' ports leave fewer than {ports.FEWEST} in a row of {ports_text(ports.EPHEMERAL)}")
            more = {"address": address.text, "ports": ports_text(free)}
            self._masquerade[key] = {"sources": sources, "links": [], **more}
        self._masquerade[key]["links"].append(link)
        if inner:
            ours = {"host_address": address.text, "address": inner.text, "link": link}
            owned = [(protocol, each) for protocol, some in member.interface.ports.items() for each in some]
            self._publish += [{"protocol": protocol, "host_port": ports_value(each), **ours} for protocol, each in owned]

    def anycast(self, port: str, mac: str, gateways: Iterable[Address]) -> None:
        """A gateway that the hosts beyond this port have as well."""
        self._anycast[port] = {"mac": mac, "addresses": [gateway.text for gateway in gateways]}

    def forward(self, path: str, family: int) -> None:
        """Let the host forward packets of this family."""
        if family == 4:
            self.sysctl("net.ipv4.ip_forward", 1)
            return
        # With forwarding on, the kernel drops the default route that it learnt from router advertisements, unless
        # accept_ra is 2 on that link (Documentation/networking/ip-sysctl.rst).
        self.link(path, DEFAULT_UPLINK, {"route_to": "::"})
        self.sysctl(f"net.ipv6.conf.{DEFAULT_UPLINK}.accept_ra", 2)
        self.sysctl("net.ipv6.conf.all.forwarding", 1)

    def document(self) -> Document:
        host = {
            "links": self._links,
            "routes": self._routes,
            "rules": self._rules,
            "neighbours": self._neighbours,
            "sysctls": self._sysctls,
        }
        filters = {
            "guards": self._guards,
            "isolated": [*self._isolated.values()],
            "masquerade": [*self._masquerade.values()],
            "anycast": self._anycast,
            "publish": self._publish,
        }
        host["filter"] = filled(filters)
        return {"host": filled(host), "namespaces": self._namespaces, **filled({"jails": self._jails})}


def filled(content: dict[str, Any]) -> dict[str, Any]:
    """Without the keys that have nothing in them."""
    return {key: value for key, value in content.items() if value}
