# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says, read into types: every key and value checked by itself, every fault with its path.

What can only be wrong between interfaces, containers or hosts is in ``_fleet.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ..module_utils._engine import parse as document
from ..module_utils._engine import schema
from ..module_utils._engine.errors import DocumentError
from ..module_utils._engine.model import MAIN_TABLE, default_metric
from . import _unsupported as unsupported
from ._faults import Faults
from ._modes import MODES
from ._types import Address, Container, Interface, Network, Subnet

T = TypeVar("T")

NETWORK_KEYS = ("mode", "subnets", "gateway", "gateway_on", "mtu", "uplink", "masquerade", "spoofing", "isolated")
UPLINK_KEYS = ("interface", "vlan", "vxlan", "over", "move_addresses")
OWN_KEYS = ("routes", "sysctls", "dns")  # go into the host document as they are
CONTAINER_KEYS = ("interfaces", *OWN_KEYS)
INTERFACE_KEYS = ("network", "addresses", "mac", "rate", "publish")

IPV6_MIN_MTU = 1280
DEFAULT_ROUTES = {("0.0.0.0/0", MAIN_TABLE, default_metric(4)), ("::/0", MAIN_TABLE, default_metric(6))}
RESERVED_LINKS = {
    "lo": "every namespace has it already",
    "all": "it means all links in net.ipv4.conf",
    "default": "it means new links in net.ipv4.conf",
}

GATEWAY_ON = ("host", "outside", "anycast")

NETWORKS = "netns_networks"
CONTAINERS = "netns_containers"


class Networks:
    """The networks of all hosts. Most hosts say the same, so each distinct text is read once."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._read: dict[tuple[str, str], Network | None] = {}

    def of(self, host: str, raw: Any) -> Mapping[str, Network | None]:
        """By name; None: it is declared, but wrong."""
        path = f"{host}: {NETWORKS}"
        return {name: self._one(f"{path}.{name}", name, value) for name, value in self._faults.mapping(path, raw).items()}

    def _one(self, path: str, name: str, raw: Any) -> Network | None:
        key = (name, json.dumps(raw, sort_keys=True, default=repr))
        if key not in self._read:
            self._read[key] = _network(path, name, raw, self._faults)
        return self._read[key]


def containers(host: str, raw: Any, networks: Mapping[str, Network | None], faults: Faults) -> list[Container]:
    """The containers of one host."""
    path = f"{host}: {CONTAINERS}"
    return [_container(host, name, value, networks, faults) for name, value in faults.mapping(path, raw).items()]


def _checked(path: str, check: Callable[[Any], T], value: Any, faults: Faults) -> T | None:
    try:
        return check(value)
    except ValueError as error:
        faults.add(path, str(error))
        return None


def _network(path: str, name: str, raw: Any, faults: Faults) -> Network | None:
    before = len(faults)
    keys = faults.mapping(path, raw)
    if not isinstance(raw, Mapping):
        if raw is None:
            faults.add(path, "names no mode")
        return None
    if not name or not name.isprintable():
        faults.add(path, "the name of a network has to be printable")
    mode = _mode(f"{path}.mode", keys.get("mode"), faults)
    if mode is None:
        return None
    if "subnets" in keys:  # then its containers can be checked, whatever else nobody knows
        before += len(keys.keys() - set(NETWORK_KEYS))
    faults.unknown(path, keys, NETWORK_KEYS)
    for key, reason in MODES[mode].refused.items():
        if keys.get(key, False) is not False:
            faults.add(f"{path}.{key}", reason)
    subnets = _subnets(f"{path}.subnets", keys.get("subnets", []), faults)
    uplink = _uplink(f"{path}.uplink", keys.get("uplink"), faults)
    has_gateway = "gateway" not in MODES[mode].refused
    network = Network(
        name=name,
        mode=mode,
        subnets=subnets,
        gateways=_gateways(f"{path}.gateway", keys.get("gateway"), name, subnets, faults) if has_gateway else (),
        gateway_on=_choice(f"{path}.gateway_on", keys, "outside" if uplink and has_gateway else "host", GATEWAY_ON, faults),
        mtu=_mtu(f"{path}.mtu", keys.get("mtu"), subnets, faults),
        uplink=uplink,
        spoofing=_choice(f"{path}.spoofing", keys, "block", ("block", "allow"), faults),
        isolated=_checked(f"{path}.isolated", schema.boolean, keys.get("isolated", False), faults) or False,
        masquerade=_checked(f"{path}.masquerade", schema.boolean, keys.get("masquerade", False), faults) or False,
    )
    if len(faults) == before:
        for key, message in MODES[mode].check(network):
            faults.add(f"{path}.{key}", message)
    return network if len(faults) == before else None


def _mode(path: str, value: Any, faults: Faults) -> str | None:
    if value in unsupported.MODES:
        faults.add(path, unsupported.message(f"mode {value}"))
        return None
    if value is None:
        faults.add(path, f"is missing: one of {', '.join(MODES)}")
        return None
    return _checked(path, schema.choice(*MODES), value, faults)


def _choice(path: str, keys: Mapping[str, Any], default: str, allowed: tuple[str, ...], faults: Faults) -> str:
    key = path.rpartition(".")[2]
    return _checked(path, schema.choice(*allowed), keys.get(key, default), faults) or default


def _subnets(path: str, raw: Any, faults: Faults) -> tuple[Subnet, ...]:
    read = (_checked(f"{path}[{index}]", Subnet.parse, value, faults) for index, value in enumerate(faults.listing(path, raw)))
    return tuple(subnet for subnet in read if subnet)


def _gateways(path: str, raw: Any, name: str, subnets: tuple[Subnet, ...], faults: Faults) -> tuple[Address, ...]:
    if raw is None:
        return tuple(_first_address(subnet) for subnet in subnets if subnet.first != subnet.last)
    gateways: dict[Subnet, Address] = {}
    for address in _addresses(path, raw, faults):
        at = f"{path}[{address.index}]"
        subnet = _held(at, address, name, subnets, faults)
        if subnet and subnet in gateways:
            faults.add(at, f"{subnet} has a gateway already, {gateways[subnet]}")
        elif subnet:
            gateways[subnet] = address
    return tuple(gateways.values())


def _first_address(subnet: Subnet) -> Address:
    return Address.of(subnet.family, subnet.first + (1 if subnet.first in subnet.reserved else 0))


def _addresses(path: str, raw: Any, faults: Faults) -> list[Address]:
    read = []
    for index, value in enumerate(faults.listing(path, raw)):
        try:
            read.append(Address.parse(value, index))
        except ValueError as error:
            faults.add(f"{path}[{index}]", str(error))
    return read


def _held(path: str, address: Address, name: str, subnets: tuple[Subnet, ...], faults: Faults) -> Subnet | None:
    """The subnet that the address is in, and can be an interface's in."""
    subnet = next((subnet for subnet in subnets if address in subnet), None)
    if subnet is None:
        same = ", ".join(str(subnet) for subnet in subnets if subnet.family == address.family)
        faults.add(path, f"{address} is not in {same or f'any subnet, there is no IPv{address.family} one,'} of network {name}")
    elif address.value in subnet.reserved:
        faults.add(path, f"{address} is the {subnet.reserved[address.value]} of {subnet} of network {name}")
    return subnet


def _mtu(path: str, value: Any, subnets: tuple[Subnet, ...], faults: Faults) -> int | None:
    if value is None:
        return None
    least = IPV6_MIN_MTU if any(subnet.family == 6 for subnet in subnets) else 68
    return _checked(path, schema.integer(least, 65535), value, faults)


def _uplink(path: str, raw: Any, faults: Faults) -> str | None:
    keys = faults.mapping(path, raw)
    if not isinstance(raw, Mapping):
        return None
    faults.unknown(path, keys, UPLINK_KEYS)
    missing = unsupported.words(unsupported.UPLINK, keys)
    for key in missing:
        faults.add(f"{path}.{key}", unsupported.message(f"an uplink with {key}"))
    if missing:
        return None
    if "interface" not in keys:
        faults.add(path, "names no interface")
        return None
    return _checked(f"{path}.interface", schema.link_name, keys["interface"], faults)


def _container(host: str, name: str, raw: Any, networks: Mapping[str, Network | None], faults: Faults) -> Container:
    path = f"{host}: {CONTAINERS}.{name}"
    _checked(path, schema.namespace_name, name, faults)
    keys = faults.mapping(path, raw)
    faults.unknown(path, keys, CONTAINER_KEYS)
    interfaces = faults.mapping(f"{path}.interfaces", keys.get("interfaces"))
    read = [_interface(host, name, interface, value, networks, faults) for interface, value in interfaces.items()]
    own = {key: keys[key] for key in OWN_KEYS if keys.get(key) is not None}
    return Container(
        host=host,
        name=name,
        interfaces=tuple(interface for interface in read if interface),
        default_routes=_own(path, own, interfaces, faults) if own else frozenset(),
        own=own,
    )


def _interface(host: str, container: str, name: str, raw: Any, networks: Mapping[str, Network | None], faults: Faults) -> Interface | None:
    path = f"{host}: {CONTAINERS}.{container}.interfaces.{name}"
    if name in RESERVED_LINKS:
        faults.add(path, f"{name!r} is reserved: {RESERVED_LINKS[name]}")
    else:
        _checked(path, schema.link_name, name, faults)
    keys = faults.mapping(path, raw)
    if raw is not None and not isinstance(raw, Mapping):
        return None
    faults.unknown(path, keys, INTERFACE_KEYS)
    for key in unsupported.words(unsupported.INTERFACE, keys):
        faults.add(f"{path}.{key}", unsupported.message(key))
    addresses = tuple(_addresses(f"{path}.addresses", keys["addresses"], faults)) if keys.get("addresses") is not None else None
    mac = _checked(f"{path}.mac", _mac, keys["mac"], faults) if keys.get("mac") is not None else None
    network = _network_of(f"{path}.network", keys.get("network"), networks, faults)
    if network is None:
        return None
    for address in addresses or ():
        at = f"{path}.addresses[{address.index}]"
        _held(at, address, network.name, network.subnets, faults)
        if address in network.gateways:
            faults.add(at, f"{address} is the gateway of network {network.name}")
    return Interface(host, container, name, network, addresses, mac)


def _mac(value: Any) -> str:
    # YAML reads 10:20:30:40:50:60 without quotes as one number to the base of 60.
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a MAC address; put it in quotes")
    return schema.mac(value)


def _network_of(path: str, name: Any, networks: Mapping[str, Network | None], faults: Faults) -> Network | None:
    if name is None:
        faults.add(path, "is missing: the name of a network")
    elif not isinstance(name, str) or name not in networks:
        faults.add(path, f"there is no network {name!r} in {NETWORKS}")
    else:
        return networks[name]
    return None


def _own(path: str, own: Mapping[str, Any], interfaces: Iterable[str], faults: Faults) -> frozenset[int]:
    """Check what goes into the host document as it is, by the one who reads it there.

    Returns the families of which the user gives the default route.
    """
    links: dict[str, Any] = {name: {} for name in interfaces}
    here = "namespaces.container."
    try:
        desired = document.parse({"namespaces": {"container": {"path": "/run/netns/container", "links": links, **own}}})
    except DocumentError as error:
        for fault in error.faults:
            if not fault.path.startswith(f"{here}links"):  # these are told already
                faults.add(f"{path}.{fault.path.removeprefix(here)}", fault.message.replace(f"{here}links", "interfaces"))
        return frozenset()
    routes = desired.namespaces["container"].routes.values()
    return frozenset(route.family for route in routes if (route.destination, route.table, route.metric) in DEFAULT_ROUTES)
