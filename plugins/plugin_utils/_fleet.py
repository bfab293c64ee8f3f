# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can only be wrong between networks, containers and hosts, with the whole fleet in view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Optional

from ._faults import Faults
from ._types import Address, Container, Interface, Network, Subnet, Uplink

HostNetworks = Mapping[str, Mapping[str, Optional[Network]]]  # host, name of the network


@dataclass
class Claims:
    """Who has which address and MAC in the fleet, by what the inventory says. The values are paths."""

    addresses: dict[Address, str] = field(default_factory=dict)
    macs: dict[str, str] = field(default_factory=dict)


def distinct(containers: Iterable[Container], faults: Faults) -> list[Container]:
    """The containers, each name once: what is leased belongs to the name, on whichever host it is."""
    seen: dict[str, Container] = {}
    for container in containers:
        first = seen.setdefault(container.name, container)
        if first is not container:
            faults.add(container.path, f"{first.host} has a container {container.name!r} too; a name is that of one container in the fleet")
    return list(seen.values())


def check_networks(networks: HostNetworks, containers: Iterable[Container], faults: Faults) -> None:
    first = _first_of_each(networks)
    _agree(networks, first, faults)
    _overlap(first, faults)
    _one_gateway(first, containers, faults)
    _own_identifiers(first, faults)


def tunnels(interfaces: Iterable[Interface], faults: Faults) -> dict[str, dict[str, str]]:
    """For each network over VXLAN that has no multicast group: where the hosts are that have containers of it."""
    ends: dict[str, dict[str, Address | None]] = {}
    for interface in interfaces:
        network, uplink = interface.network, interface.network.uplink
        if uplink and uplink.vxlan and not uplink.group:
            ends.setdefault(network.name, {})[interface.host] = uplink.local
    return {name: _tunnel(name, dict(sorted(hosts.items())), faults) for name, hosts in ends.items()}


def _tunnel(network: str, ends: Mapping[str, Address | None], faults: Faults) -> dict[str, str]:
    hosts: dict[Address, str] = {}
    for host, local in ends.items():
        path = f"{host}: netns_networks.{network}.uplink.local"
        if local is None:
            faults.add(path, "is missing: the address by which the other hosts of the network reach this one")
        elif hosts.setdefault(local, host) != host:
            faults.add(path, f"{local} is that of {hosts[local]} already")
        elif local.family != next(iter(hosts)).family:
            faults.add(path, f"{local} is not of the family of {next(iter(hosts))}, that of {hosts[next(iter(hosts))]}")
    return {host: local.text for local, host in hosts.items()}


def claims(interfaces: Iterable[Interface], faults: Faults) -> Claims:
    """What the inventory gives away itself; each address and MAC once."""
    taken = Claims()
    for interface in interfaces:
        path = interface.path
        for address in interface.addresses or ():
            _claim(taken.addresses, address, f"{path}.addresses[{address.index}]", faults)
        if interface.mac:
            _claim(taken.macs, interface.mac, f"{path}.mac", faults)
    return taken


def _claim(taken: dict[object, str] | dict[Address, str] | dict[str, str], what: object, path: str, faults: Faults) -> None:
    first = taken.setdefault(what, path)  # type: ignore[arg-type]
    if first is not path:
        faults.add(path, f"{what} is used twice: also by {first}")


def _first_of_each(networks: HostNetworks) -> dict[str, tuple[str, Network]]:
    """Each network as the first host has it."""
    first: dict[str, tuple[str, Network]] = {}
    for host, named in networks.items():
        for name, network in named.items():
            if network:
                first.setdefault(name, (host, network))
    return first


def _agree(networks: HostNetworks, first: Mapping[str, tuple[str, Network]], faults: Faults) -> None:
    compared: set[int] = set()  # what is said with the same words is one object
    for host, named in networks.items():
        for name, network in named.items():
            if network is None or id(network) in compared:
                continue
            compared.add(id(network))
            other, model = first[name]
            for key in _differences(network, model):
                faults.add(
                    f"{host}: netns_networks.{name}.{key}",
                    f"differs from that of {other}; of an uplink, only the link and the local address may",
                )


def _differences(one: Network, other: Network) -> Iterator[str]:
    """Keys of the inventory in which two networks of one name differ, and may not."""
    if _far_end(one) != _far_end(other):
        yield "uplink"
        one = replace(one, gateway_on=other.gateway_on)  # it follows from the uplink, most of the time
    for item in fields(Network):
        if item.name != "uplink" and getattr(one, item.name) != getattr(other, item.name):
            yield {"gateways": "gateway"}.get(item.name, item.name)


def _far_end(network: Network) -> Uplink | None:
    """The uplink without what may differ between hosts."""
    return network.uplink and replace(network.uplink, link="", local=None)


def _own_identifiers(first: Mapping[str, tuple[str, Network]], faults: Faults) -> None:
    """On the underlay a VXLAN's number is all that tells one network from another."""
    seen: dict[int, str] = {}
    for name, (host, network) in sorted(first.items()):
        vni = network.uplink.vxlan if network.uplink else None
        if vni is not None and seen.setdefault(vni, name) != name:
            faults.add(f"{host}: netns_networks.{name}.uplink.vxlan", f"{vni} is that of network {seen[vni]} already")


def _overlap(first: Mapping[str, tuple[str, Network]], faults: Faults) -> None:
    spans: list[tuple[Subnet, str, str]] = []
    for name, (host, network) in first.items():
        path = f"{host}: netns_networks.{name}"
        spans += [(subnet, name, f"{path}.subnets[{index}]") for index, subnet in enumerate(network.subnets)]
    widest: dict[int, tuple[Subnet, str]] = {}
    for subnet, name, path in sorted(spans, key=lambda span: (span[0].family, span[0].first, -span[0].last, span[1])):
        other = widest.get(subnet.family)
        if other and subnet.first <= other[0].last:
            faults.add(path, f"{subnet} overlaps {other[0]} of network {other[1]}")
        if other is None or subnet.last > other[0].last:
            widest[subnet.family] = (subnet, name)


def _one_gateway(first: Mapping[str, tuple[str, Network]], containers: Iterable[Container], faults: Faults) -> None:
    """On a wire between hosts only one of them may have the gateway's address."""
    wired = {name for name, (_host, network) in first.items() if network.uplink and network.gateways and network.gateway_on == "host"}
    hosts: dict[str, set[str]] = {name: set() for name in wired}
    for container in containers if wired else ():
        for interface in container.interfaces:
            if interface.network.name in wired:
                hosts[interface.network.name].add(container.host)
    for name in sorted(wired):
        if len(hosts[name]) > 1:
            some = ", ".join(sorted(hosts[name])[:3]) + (", …" if len(hosts[name]) > 3 else "")
            faults.add(
                f"{first[name][0]}: netns_networks.{name}.gateway_on",
                f"with an uplink, host would give the gateway's address to several hosts on one wire ({some}); say outside",
            )
