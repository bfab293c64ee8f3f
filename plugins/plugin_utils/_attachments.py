# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says of the ways in which an interface is attached to its network, read into types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..module_utils._engine import parse_jails, schema
from ._faults import Faults
from ._types import Rate, Vlans


def mac(value: Any) -> str:
    # YAML reads 10:20:30:40:50:60 without quotes as one number to the base of 60.
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a MAC address; put it in quotes")
    return schema.mac(value)


JAIL: Mapping[str, schema.Check] = {key: parse_jails.CHECKS[key] for key in ("ports", "loopback", "cgroup", "unit")}
PHYSICAL: Mapping[str, Callable[[Any], str]] = {"interface": schema.link_name, "permanent_mac": mac}


def physical(path: str, raw: Any, faults: Faults) -> Mapping[str, str]:
    """The device that goes into the container, as in the host document."""
    keys = faults.mapping(path, raw)
    faults.unknown(path, keys, PHYSICAL)
    named = {key: keys[key] for key in PHYSICAL if keys.get(key) is not None}
    if isinstance(raw, Mapping) and len(named) != 1:
        faults.add(path, "name the device either by interface or by permanent_mac")
    checked = {key: faults.checked(f"{path}.{key}", PHYSICAL[key], value) for key, value in named.items()}
    return {key: value for key, value in checked.items() if value is not None}


RATE: Mapping[str, schema.Check] = {"ingress": schema.rate, "egress": schema.rate}


def rate(path: str, raw: Any, faults: Faults) -> Rate:
    """What the interface gets and sends at most."""
    keys = faults.mapping(path, raw)
    faults.unknown(path, keys, RATE)
    return Rate(**{key: faults.checked(f"{path}.{key}", check, keys[key]) for key, check in RATE.items() if keys.get(key) is not None})


def jail(path: str, raw: Any, faults: Faults) -> Mapping[str, Any]:
    """What holds the container beside its addresses, as in the host document."""
    keys = faults.mapping(path, raw)
    faults.unknown(path, keys, JAIL)
    if keys.get("cgroup") is not None and keys.get("unit") is not None:
        faults.add(f"{path}.unit", "give cgroup or unit, not both")
    checked = {key: faults.checked(f"{path}.{key}", JAIL[key], keys[key]) for key in JAIL if keys.get(key) is not None}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in checked.items() if value is not None}


VLAN_KEYS = ("access", "trunk", "native")
VLAN = schema.integer(1, 4094)
RANGE = re.compile(r"(\d+)-(\d+)")


def vlans(path: str, raw: Any, faults: Faults) -> Vlans | None:
    """An access port has one VLAN, without tags; a trunk many, with tags, and perhaps a native one without."""
    keys = faults.mapping(path, raw)
    if not isinstance(raw, Mapping):
        return None
    faults.unknown(path, keys, VLAN_KEYS)
    if (keys.get("access") is None) == (keys.get("trunk") is None):
        faults.add(path, "is either {access: a VLAN} or {trunk: [VLANs]}")
    if keys.get("native") is not None and keys.get("trunk") is None:
        faults.add(f"{path}.native", "is the VLAN of a trunk whose frames have no tag")
    untagged = [faults.checked(f"{path}.{key}", VLAN, keys[key]) for key in ("access", "native") if keys.get(key) is not None]
    tagged = {vlan for vlan in _trunk(f"{path}.trunk", keys.get("trunk"), faults) if vlan not in untagged}
    return Vlans(untagged[0] if untagged else None, tuple(sorted(tagged)))


def _trunk(path: str, raw: Any, faults: Faults) -> Iterator[int]:
    for index, item in enumerate(faults.listing(path, [] if raw is None else raw)):
        span = RANGE.fullmatch(item) if isinstance(item, str) else None
        read = (faults.checked(f"{path}[{index}]", VLAN, end) for end in (span.groups() if span else (item,)))
        ends = [end for end in read if end is not None]
        if ends and ends[-1] < ends[0]:
            faults.add(f"{path}[{index}]", f"{item} ends before it begins")
        elif ends:
            yield from range(ends[0], ends[-1] + 1)
