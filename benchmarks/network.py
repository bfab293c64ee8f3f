# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that every peer makes, and the same with one container changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv6Address

PORTS = 1000  # of a bridge; the kernel allows 1023
SUBNET = 250  # containers that share a /24 and a /64


@dataclass(frozen=True)
class Bridge:
    """``addresses`` are the containers' gateways, with their prefix length."""

    name: str
    mac: str
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Container:
    """A namespace and ``eth0`` in it; ``host_end`` is a port of ``bridge``. Addresses have their prefix length, IPv4 is first."""

    name: str
    host_end: str
    bridge: str
    mac: str
    addresses: tuple[str, str]
    gateways: tuple[str, str]


@dataclass(frozen=True)
class Network:
    bridges: tuple[Bridge, ...]
    containers: tuple[Container, ...]

    def on(self, bridge: Bridge) -> Iterator[Container]:
        return (container for container in self.containers if container.bridge == bridge.name)


def network(size: int) -> Network:
    """The network of floor.c, name by name: what it makes can be checked with ``floor check``."""
    bridges = [_bridge(number, min(PORTS, size - number * PORTS)) for number in range(-(-size // PORTS))]
    return Network(tuple(bridges), tuple(_container(number) for number in range(size)))


def changed(before: Network) -> tuple[Network, Container, Container]:
    """The network with another IPv4 address in the container in the middle; that container before and after."""
    number = len(before.containers) // 2
    old = before.containers[number]
    new = replace(old, addresses=(_ipv4(number, SUBNET + 4) + "/24", old.addresses[1]))
    containers = [*before.containers]
    containers[number] = new
    return replace(before, containers=tuple(containers)), old, new


def _bridge(number: int, ports: int) -> Bridge:
    firsts = range(number * PORTS, number * PORTS + ports, SUBNET)
    addresses = [address for first in firsts for address in (_ipv4(first, 1) + "/24", _ipv6(first, 1) + "/64")]
    return Bridge(f"pfbr{number}", f"02:70:66:ff:00:{number:02x}", tuple(addresses))


def _container(number: int) -> Container:
    host = number % SUBNET + 2
    return Container(
        name=f"pf{number:05}",
        host_end=f"pfh{number:05}",
        bridge=f"pfbr{number // PORTS}",
        mac=f"02:70:66:00:{number >> 8:02x}:{number & 0xFF:02x}",
        addresses=(_ipv4(number, host) + "/24", _ipv6(number, host) + "/64"),
        gateways=(_ipv4(number, 1), _ipv6(number, 1)),
    )


def _ipv4(number: int, host: int) -> str:
    subnet = number // SUBNET
    return f"10.{200 + subnet // 256}.{subnet % 256}.{host}"


def _ipv6(number: int, host: int) -> str:
    return str(IPv6Address(f"fd00:200:{number // SUBNET:x}::{host:x}"))
