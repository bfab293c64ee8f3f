# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says of networks, read into types: every key and value checked by itself, every fault with its path.

What can only be wrong between networks, containers or hosts is in ``_fleet.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._engine import schema
from ._faults import Faults
from ._modes import MODES
from ._types import Address, Network, Subnet, Uplink
from ._uplinks import read as uplink_of

NETWORKS = "netns_networks"
NETWORK_KEYS = (
    "mode",
    "subnets",
    "gateway",
    "gateway_on",
    "mtu",
    "uplink",
    "masquerade",
    "spoofing",
    "isolated",
    "vlan_filtering",
    "device",
    "host_addresses",
)

GATEWAY_ON = ("host", "outside", "anycast")
IPV6_MIN_MTU = 1280


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
    known = (*NETWORK_KEYS, *([mode] if MODES[mode].options else []))
    if "subnets" in keys:  # then its containers can be checked, whatever else nobody knows
        before += len(keys.keys() - set(known))
    faults.unknown(path, keys, known)
    options = _options(f"{path}.{mode}", keys.get(mode), MODES[mode].options, faults)
    refused = MODES[mode].refused(options)
    for key, reason in refused.items():
        if keys.get(key, False) is not False:
            faults.add(f"{path}.{key}", reason)
    subnets = _subnets(f"{path}.subnets", keys.get("subnets", []), faults)
    uplink = uplink_of(f"{path}.uplink", keys.get("uplink"), faults)
    has_gateway = "gateway" not in refused
    gateways = _gateways(f"{path}.gateway", keys.get("gateway"), name, subnets, faults) if has_gateway else ()
    network = Network(
        name=name,
        mode=mode,
        subnets=subnets,
        gateways=gateways,
        gateway_on=_choice(f"{path}.gateway_on", keys, _gateway_on(uplink) if has_gateway else "host", GATEWAY_ON, faults),
        mtu=_mtu(path, keys.get("mtu"), subnets, uplink, faults),
        uplink=uplink,
        spoofing=_spoofing(f"{path}.spoofing", keys, MODES[mode].unguarded, faults),
        isolated=faults.checked(f"{path}.isolated", schema.boolean, keys.get("isolated", False)) or False,
        masquerade=faults.checked(f"{path}.masquerade", schema.boolean, keys.get("masquerade", False)) or False,
        vlan_filtering=_vlan_filtering(f"{path}.vlan_filtering", keys.get("vlan_filtering", False), mode, faults),
        device=_device(f"{path}.device", keys, MODES[mode].devices, faults),
        host_addresses=_host_addresses(f"{path}.host_addresses", keys.get("host_addresses"), name, subnets, gateways, faults),
        options=options,
    )
    if len(faults) == before:
        if uplink and uplink.move_addresses and mode != "bridge":
            faults.add(f"{path}.uplink.move_addresses", "only in mode bridge is a link cut off, so that its addresses have to move")
        for key, message in MODES[mode].check(network):
            faults.add(f"{path}.{key}", message)
    return network if len(faults) == before else None


def _mode(path: str, value: Any, faults: Faults) -> str | None:
    if value is None:
        faults.add(path, f"is missing: one of {', '.join(MODES)}")
        return None
    return faults.checked(path, schema.choice(*MODES), value)


def _choice(path: str, keys: Mapping[str, Any], default: str, allowed: Sequence[str], faults: Faults) -> str:
    key = path.rpartition(".")[2]
    return faults.checked(path, schema.choice(*allowed), keys.get(key, default)) or default


def _vlan_filtering(path: str, value: Any, mode: str, faults: Faults) -> bool:
    if value is True and "vlans" not in MODES[mode].interface_keys:
        faults.add(path, f"mode {mode} makes no bridge")
    return faults.checked(path, schema.boolean, value) or False


def _device(path: str, keys: Mapping[str, Any], devices: Sequence[str], faults: Faults) -> str:
    if devices:
        return _choice(path, keys, devices[0], devices, faults)
    if "device" in keys:
        faults.add(path, "no pair of links is made in this mode")
    return ""


def _spoofing(path: str, keys: Mapping[str, Any], unguarded: str, faults: Faults) -> str:
    said = _choice(path, keys, "allow" if unguarded else "block", ("block", "allow"), faults)
    if unguarded and said == "block":
        faults.add(path, f"cannot be held: {unguarded}; say allow")
    return said


def _subnets(path: str, raw: Any, faults: Faults) -> tuple[Subnet, ...]:
    read = (faults.checked(f"{path}[{index}]", Subnet.parse, value) for index, value in enumerate(faults.listing(path, raw)))
    return tuple(subnet for subnet in read if subnet)


def _gateways(path: str, raw: Any, name: str, subnets: tuple[Subnet, ...], faults: Faults) -> tuple[Address, ...]:
    if raw is None:
        return tuple(_first_address(subnet) for subnet in subnets if subnet.first != subnet.last)
    gateways: dict[Subnet, Address] = {}
    for address in addresses_of(path, raw, faults):
        at = f"{path}[{address.index}]"
        subnet = held(at, address, name, subnets, faults)
        if subnet and subnet in gateways:
            faults.add(at, f"{subnet} has a gateway already, {gateways[subnet]}")
        elif subnet:
            gateways[subnet] = address
    return tuple(gateways.values())


def _host_addresses(
    path: str, raw: Any, name: str, subnets: tuple[Subnet, ...], gateways: tuple[Address, ...], faults: Faults
) -> tuple[Address, ...]:
    addresses = addresses_of(path, raw or [], faults)
    for address in addresses:
        at = f"{path}[{address.index}]"
        held(at, address, name, subnets, faults)
        if address in gateways:
            faults.add(at, f"{address} is the gateway: say gateway_on: host")
    return tuple(addresses)


def _options(path: str, raw: Any, checks: Mapping[str, schema.Check], faults: Faults) -> dict[str, Any]:
    """What a mode has in the dictionary that is named after it."""
    keys = faults.mapping(path, raw)
    faults.unknown(path, keys, checks)
    checked = {key: faults.checked(f"{path}.{key}", checks[key], keys[key]) for key in checks if keys.get(key) is not None}
    return {key: value for key, value in checked.items() if value is not None}


def _first_address(subnet: Subnet) -> Address:
    return Address.of(subnet.family, subnet.first + (1 if subnet.first in subnet.reserved else 0))


def addresses_of(path: str, raw: Any, faults: Faults) -> list[Address]:
    read = []
    for index, value in enumerate(faults.listing(path, raw)):
        try:
            read.append(Address.parse(value, index))
        except ValueError as error:
            faults.add(f"{path}[{index}]", str(error))
    return read


def held(path: str, address: Address, name: str, subnets: tuple[Subnet, ...], faults: Faults) -> Subnet | None:
    """The subnet that the address is in, and can be an interface's in."""
    subnet = next((subnet for subnet in subnets if address in subnet), None)
    if subnet is None:
        same = ", ".join(str(subnet) for subnet in subnets if subnet.family == address.family)
        faults.add(path, f"{address} is not in {same or f'any subnet, there is no IPv{address.family} one,'} of network {name}")
    elif address.value in subnet.reserved:
        faults.add(path, f"{address} is the {subnet.reserved[address.value]} of {subnet} of network {name}")
    return subnet


def _gateway_on(uplink: Uplink | None) -> str:
    """What holds where the inventory does not say it."""
    if uplink is None:
        return "host"
    return "anycast" if uplink.vxlan else "outside"


def _mtu(path: str, value: Any, subnets: tuple[Subnet, ...], uplink: Uplink | None, faults: Faults) -> int | None:
    """As the inventory says, else what the uplink carries, where that is known."""
    carried = uplink.carries if uplink else None
    least = IPV6_MIN_MTU if any(subnet.family == 6 for subnet in subnets) else 68
    if carried is not None and carried < least:
        faults.add(f"{path}.uplink", f"carries {carried} bytes, the subnets need {least}")
    if value is None:
        return carried
    mtu = faults.checked(f"{path}.mtu", schema.integer(least, 65535), value)
    if mtu is not None and carried is not None and mtu > carried:
        faults.add(f"{path}.mtu", f"{mtu} does not fit: the uplink carries {carried}; where its link carries more, say so with uplink.mtu")
    return mtu
