# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses and MACs that the inventory leaves open: taken from the leases, else chosen, the same way on any controller.

The rules:

* A lease belongs to a container's name and its interface, so it goes along when the container moves to another host.
* It holds as long as it fits: its address is in the first subnet of its family of the interface's network.
* It ends when the container or the interface is gone from the whole fleet, or when the inventory gives an address (or MAC) itself.
* New addresses are the lowest free ones, dealt out in the order of the names.
* Nothing takes a leased address or MAC away from who has it: that is a fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from . import _names as names
from ._faults import Faults
from ._fleet import Claims
from ._modes import MODES
from ._types import Address, Interface, Member, Network, Subnet


@dataclass(frozen=True)
class Lease:
    """What one interface holds. Only what the inventory leaves open."""

    addresses: tuple[Address, ...] = ()
    mac: str | None = None
    host: str | None = None  # where it is; only where the wire is asked for addresses, which those of the fleet may give to each other


Leases = Mapping[tuple[str, str], Lease]  # by container and interface


class Allocation:
    def __init__(self, leases: Leases, claims: Claims, faults: Faults) -> None:
        self._leases = leases
        self._claims = claims
        self._faults = faults
        self._free: dict[Subnet, Iterator[int]] = {}

    def members(self, interfaces: Iterable[Interface]) -> list[Member]:
        """The interfaces with nothing left open, in the order of their names."""
        ordered = sorted(interfaces, key=lambda interface: interface.key)
        held = {interface.key: self._hold(interface) for interface in ordered}
        return [self._complete(interface, held[interface.key]) for interface in ordered]

    def _hold(self, interface: Interface) -> Lease:
        """What is left of the interface's lease. All of these are held before anything new is given away."""
        lease = self._leases.get(interface.key, Lease())
        pools = interface.network.pools() if interface.addresses is None else ()
        fitting = tuple(address for pool in pools for address in lease.addresses if address in pool)
        for address in fitting:
            self._keep(self._claims.addresses, address, interface, "addresses")
            if address in interface.network.gateways or any(address.value in pool.reserved for pool in pools if address in pool):
                self._faults.add(
                    f"{interface.path}.addresses",
                    f"its leased {address} is now the gateway or reserved in network {interface.network.name}; delete the lease to move it",
                )
        mac = lease.mac if self._open_mac(interface) else None
        if mac:
            self._keep(self._claims.macs, mac, interface, "mac")
        return Lease(fitting, mac)

    def _keep(self, taken: dict[Address, str] | dict[str, str], what: Address | str, interface: Interface, key: str) -> None:
        path = f"{interface.path}.{key}"
        first = taken.setdefault(what, path)  # type: ignore[arg-type]
        if first is not path:
            self._faults.add(first, f"{what} is leased to {interface.container}, {interface.name} on {interface.host} (netns.lock.yml)")

    def _complete(self, interface: Interface, lease: Lease) -> Member:
        addresses = interface.addresses
        if addresses is None:
            addresses = tuple(self._addresses(interface, lease))
        mac = lease.mac or self._new_mac(interface) if self._open_mac(interface) else interface.mac
        host = self._leases.get(interface.key, Lease()).host
        return Member(interface, addresses, mac, moves=host not in (None, interface.host))

    @staticmethod
    def _open_mac(interface: Interface) -> bool:
        """Whether its MAC is for us to choose."""
        return interface.mac is None and MODES[interface.network.mode].chooses_mac(interface.network)

    def _addresses(self, interface: Interface, lease: Lease) -> Iterator[Address]:
        for pool in interface.network.pools():
            leased = next((address for address in lease.addresses if address in pool), None)
            address = leased or self._new_address(interface, pool)
            if address:
                yield address

    def _new_address(self, interface: Interface, pool: Subnet) -> Address | None:
        if pool not in self._free:
            self._free[pool] = self._unused(interface.network, pool)
        value = next(self._free[pool], None)
        if value is not None:
            return Address.of(pool.family, value)
        self._faults.add(f"{interface.path}.addresses", f"no address is left in {pool} of network {interface.network.name}")
        return None

    def _unused(self, network: Network, pool: Subnet) -> Iterator[int]:
        used = {address.value for address in self._claims.addresses if address in pool}
        used.update(gateway.value for gateway in network.gateways if gateway in pool)
        used.update(pool.reserved)
        value = pool.first
        while value <= pool.last:
            if value not in used:
                yield value
            value += 1

    def _new_mac(self, interface: Interface) -> str:
        path = f"{interface.path}.mac"
        tries = 0
        while True:
            mac = names.mac(names.CONTAINER_MAC, interface.container, interface.name, tries)
            if self._claims.macs.setdefault(mac, path) is path:
                return mac
            tries += 1


def leases_of(members: Iterable[Member]) -> Leases:
    """What has to be remembered of them."""
    leases = {}
    for member in members:
        interface = member.interface
        host = interface.host if MODES[member.network.mode].asks(member.network) else None
        lease = Lease(member.addresses if interface.addresses is None else (), member.mac if interface.mac is None else None, host)
        if lease != Lease():
            leases[interface.key] = lease
    return leases
