# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can only be wrong between networks, containers and hosts, with the whole fleet in view."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Optional

from ..module_utils._engine.filters import Ports
from ..module_utils._engine.parse_jails import shared_ports
from . import _ports as ports
from ._draft import Others
from ._faults import Faults
from ._modes import MODES
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


def others(interfaces: Collection[Interface], faults: Faults) -> Others:
    """What each host has to know of the fleet, and what is wrong between the interfaces of one network."""
    by_network: dict[str, list[Interface]] = {}
    vlans: dict[tuple[str, str], set[int]] = {}
    for interface in interfaces:
        by_network.setdefault(interface.network.name, []).append(interface)
        if interface.network.vlan_filtering:
            vlans.setdefault((interface.host, interface.network.name), set()).update(interface.port.ids)
    tunnels = {}
    for name, members in by_network.items():
        for path, message in MODES[members[0].network.mode].check_interfaces(members):
            faults.add(path, message)
        uplink = members[0].network.uplink
        if uplink and uplink.vxlan and not uplink.group:
            tunnels[name] = _tunnel(name, {each.host: each.network.uplink for each in members}, faults)
    return Others(by_network, tunnels, vlans, _own_ports(interfaces, faults))


def _tunnel(network: str, uplinks: Mapping[str, Uplink | None], faults: Faults) -> dict[str, str]:
    """Where the hosts are that have containers of a network over VXLAN."""
    hosts: dict[Address, str] = {}
    for host, uplink in sorted(uplinks.items()):
        path, local = f"{host}: netns_networks.{network}.uplink.local", uplink.local if uplink else None
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
    hosts: set[tuple[str, str]] = set()
    jails: dict[Address, list[Interface]] = {}
    for interface in interfaces:
        path, network = interface.path, interface.network
        if (interface.host, network.name) not in hosts:
            hosts.add((interface.host, network.name))
            for address in network.host_addresses:
                where = f"{interface.host}: netns_networks.{network.name}.host_addresses[{address.index}]"
                _claim(taken.addresses, address, where, faults)
            for index, address in enumerate(network.shared):
                where = f"{interface.host}: netns_networks.{network.name}.shared.addresses[{index}]"
                _claim(taken.addresses, address, where, faults)
        for address in interface.addresses or ():
            if _shares(interface, jails.setdefault(address, [])):
                continue
            _claim(taken.addresses, address, f"{path}.addresses[{address.index}]", faults)
        if interface.mac:
            _claim(taken.macs, interface.mac, f"{path}.mac", faults)
    return taken


def _shares(interface: Interface, jails: list[Interface]) -> bool:
    """Whether the ones before it are jails of the same host that have other ports of the address."""
    ports = interface.jail.get("ports")
    if not ports:
        return False
    known = list(jails)
    jails.append(interface)
    return bool(known) and not any(each.host != interface.host or shared_ports(each.jail["ports"], ports) for each in known)


def _claim(taken: dict[object, str] | dict[Address, str] | dict[str, str], what: object, path: str, faults: Faults) -> None:
    first = taken.setdefault(what, path)  # type: ignore[arg-type]
    if first is not path:
        faults.add(path, f"{what} is used twice: also by {first}")


def _own_ports(interfaces: Iterable[Interface], faults: Faults) -> dict[tuple[str, Address | None], list[Ports]]:
    """Ports of each host and address that are containers', each of one of them."""
    claims = [claim for interface in interfaces for claim in (*_published(interface), *_owned(interface))]
    ports.check(claims, faults)
    found: dict[tuple[str, Address | None], list[Ports]] = {}
    for claim in claims:
        found.setdefault((claim.where[0], claim.address), []).append(claim.ports)
    return found


def _published(interface: Interface) -> Iterator[ports.Claim]:
    for each in interface.publish:
        path = f"{interface.path}.publish[{each.index}].host_port"
        for family in [each.host_address.family] if each.host_address else sorted(interface.families):
            yield ports.Claim((interface.host, each.protocol, family), (each.host_port, each.host_port), each.host_address, path)


def _owned(interface: Interface) -> Iterator[ports.Claim]:
    for address in interface.network.shared:
        for protocol, owned in interface.ports.items() if address.family in interface.families else ():
            for index, each in enumerate(owned):
                where = (interface.host, protocol, address.family)
                yield ports.Claim(where, each, address, f"{interface.path}.ports.{protocol}[{index}]")


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
                    f"differs from that of {other}; of an uplink, only the link, the local address and move_addresses may",
                )


def _differences(one: Network, other: Network) -> Iterator[str]:
    """Keys of the inventory in which two networks of one name differ, and may not."""
    if _far_end(one) != _far_end(other):
        yield "uplink"
        one = replace(one, gateway_on=other.gateway_on)  # it follows from the uplink, most of the time
    for item in fields(Network):
        if item.name not in ("uplink", "host_addresses", *(["options"] if one.shared else [])) and getattr(one, item.name) != getattr(
            other, item.name
        ):
            yield {"gateways": "gateway", "options": one.mode}.get(item.name, item.name)


def _far_end(network: Network) -> Uplink | None:
    """The uplink without what may differ between hosts."""
    return network.uplink and replace(network.uplink, link="", local=None, move_addresses=False)


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
