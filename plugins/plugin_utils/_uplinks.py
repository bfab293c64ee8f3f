# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says of a network's uplink, read into a type."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from ..module_utils._engine import schema
from ._faults import Faults
from ._types import Address, Uplink


def _unicast(value: Any) -> Address:
    return _of_sort(value, "a unicast address", lambda ip: not ip.is_multicast and not ip.is_unspecified)


def _multicast(value: Any) -> Address:
    return _of_sort(value, "a multicast address", lambda ip: ip.is_multicast)


def _of_sort(value: Any, sort: str, test: Any) -> Address:
    address = Address.parse(value)
    if not test(ip_address(address.text)):
        raise ValueError(f"{address} is not {sort}")
    return address


DEVICE: Mapping[str, schema.Check] = {"interface": schema.link_name, "vlan": schema.integer(1, 4094)}
VXLAN: Mapping[str, schema.Check] = {
    "vxlan": schema.integer(1, (1 << 24) - 1),
    "over": schema.link_name,
    "local": _unicast,
    "group": _multicast,
}
CHECKS = {**DEVICE, **VXLAN, "mtu": schema.integer(68, 65535), "move_addresses": schema.boolean}


def read(path: str, raw: Any, faults: Faults) -> Uplink | None:
    before = len(faults)
    keys = faults.mapping(path, raw)
    if not isinstance(raw, Mapping):
        return None
    faults.unknown(path, keys, CHECKS)
    values: dict[str, Any] = {
        key: faults.checked(f"{path}.{key}", check, keys[key]) for key, check in CHECKS.items() if keys.get(key) is not None
    }
    _check_together(path, values, faults)
    if len(faults) > before:
        return None
    return Uplink(values.pop("over", "") or values.pop("interface", ""), **values)


def _check_together(path: str, values: Mapping[str, Any], faults: Faults) -> None:
    tunnel = "vxlan" in values
    for key in DEVICE if tunnel else VXLAN:
        if key in values:
            message = "a VXLAN has none: it goes `over` a link" if tunnel else "only an uplink with vxlan has it"
            faults.add(f"{path}.{key}", message)
    if values.get("move_addresses") and (tunnel or "vlan" in values):
        faults.add(f"{path}.move_addresses", "only an interface as it is has addresses: a VLAN or a VXLAN is made")
    if not tunnel and "interface" not in values:
        faults.add(path, "names no interface")
    local, group = values.get("local"), values.get("group")
    if group and "over" not in values:
        faults.add(f"{path}.over", "a multicast group needs it: by which link is it joined?")
    if local and group and local.family != group.family:
        faults.add(f"{path}.local", f"{local} and the group {group} are of different families")
