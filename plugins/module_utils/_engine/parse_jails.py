# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The jails of a host document, and what the host has for them: the addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .jail import Jail, cgroup_of
from .model import Address, Link, Namespace, named, replace
from .reader import Reader, given
from .schema import CONTROL, Check, Listing, choice, integer, ip, link_name, text

LOOPBACK_LINK = "lo"


def jail_name(value: Any) -> str:
    """It becomes the name of a folder of pins and of a cgroup: no dots there (kernel/bpf/inode.c)."""
    name = text(value)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise ValueError(f"{name!r} is no name of a jail: letters, digits, '_' and '-', at most 64 of them")
    return name


def jail_address(value: Any) -> str:
    address = ip(value)
    parsed = ipaddress.ip_address(address)
    for word in ("unspecified", "loopback", "multicast", "link_local"):
        if getattr(parsed, f"is_{word}"):
            raise ValueError(f"{address} is {word.replace('_', '-')}: a jail has unicast addresses that others can reach")
    if parsed.version == 6 and parsed.ipv4_mapped:
        raise ValueError(f"{address} is an IPv4 address: write {parsed.ipv4_mapped}")
    return address


def port_range(value: Any) -> str:
    """A port, or the first and the last of several: 80, 8000-8099."""
    low, dash, high = str(value).partition("-")
    port = integer(1, 65535)
    first, last = port(low), port(high if dash else low)
    if last < first:
        raise ValueError(f"{value!r} ends before it begins")
    return f"{first}-{last}" if last > first else str(first)


def cgroup(value: Any) -> str:
    path = text(value).strip("/")
    if not path or any(part in ("", ".", "..") or CONTROL.search(part) for part in path.split("/")):
        raise ValueError(f"{value!r} is no path of a cgroup: plain names with '/' between them")
    return path


def unit(value: Any) -> str:
    name = text(value)
    if not re.fullmatch(r"[A-Za-z0-9:_.@\\-]+\.(service|slice|socket|scope)", name) or name.startswith("-"):
        raise ValueError(f"{value!r} is no unit: a service or a slice of systemd, such as nginx.service")
    if not name.endswith((".service", ".slice")):
        raise ValueError(f"{name} cannot be put into a jail: only services and slices can")
    return name


CHECKS: dict[str, Check] = {
    "addresses": Listing(jail_address),
    "ports": Listing(port_range),
    "loopback": choice("own", "host"),
    "cgroup": cgroup,
    "unit": unit,
    "link": link_name,
}


def read(reader: Reader, raw: Any, absent: bool) -> dict[str, Jail]:
    """``absent``: they are declared to go, and need no addresses."""
    jails = {}
    for name, declared in reader.mapping(raw, "jails").items():
        path = f"jails.{name}"
        jail = _jail(reader, name, declared, path, absent)
        if reader.value(name, path, jail_name) is not None:
            jails[jail.name] = jail
    _check_shared(reader, jails)
    return jails


def with_addresses(host: Namespace, jails: Mapping[str, Jail]) -> Namespace:
    """The host with these jails, their addresses, and the links that have those."""
    found: dict[Any, Address] = dict(host.addresses)
    for jail in jails.values():
        found.update(named(each for each in addresses_of(jail) if each.key not in found))
    links = {each.link: Link(each.link) for each in found.values()}
    return replace(host, links={**links, **host.links}, addresses=found, jails=dict(jails))


def addresses_of(jail: Jail) -> Iterable[Address]:
    for address in jail.addresses:
        yield Address(jail.link, address, 128 if ":" in address else 32)
    loopback6 = jail.loopbacks[1]
    if loopback6:  # all of 127.0.0.0/8 is there already
        yield Address(LOOPBACK_LINK, loopback6, 128)


def _jail(reader: Reader, name: str, raw: Any, path: str, absent: bool) -> Jail:
    values = reader.values(raw, path, CHECKS)
    if not given(raw, "addresses") and not absent:
        reader.fault(f"{path}.addresses", "a jail needs it: what may it use?")
    elif values.get("addresses") == () and not absent:
        reader.fault(f"{path}.addresses", "a jail without any could do nothing")
    if "cgroup" in values and "unit" in values:
        reader.fault(f"{path}.unit", "give cgroup or unit, not both")
    values["ports"] = tuple(sorted(set(values.get("ports", ())), key=lambda port: int(port.partition("-")[0])))
    return Jail(name, **{"cgroup": cgroup_of(str(name), values.get("unit")), **values})


def _check_shared(reader: Reader, jails: Mapping[str, Jail]) -> None:
    """What two jails cannot both have."""
    users: dict[str, list[Jail]] = {}
    loopbacks: dict[str, str] = {}
    cgroups = {jail.cgroup: jail.name for jail in reversed(list(jails.values()))}
    for jail in jails.values():
        path = f"jails.{jail.name}"
        for address in jail.addresses:
            for other in users.setdefault(address, []):
                common = shared_ports(other.ports, jail.ports)
                if common:
                    reader.fault(f"{path}.addresses", f"{other.name} has {address} too, and {common} of it: give each its own ports")
            users[address].append(jail)
        around = next((cgroups[each] for each in _with_those_above(jail.cgroup) if cgroups.get(each, jail.name) != jail.name), None)
        if around:
            reader.fault(path, f"its cgroup {jail.cgroup} is that of {around}, or within it")
        first = loopbacks.setdefault(jail.loopbacks[0] or jail.name, jail.name)
        if first != jail.name:
            reader.fault(path, f"{first} has the same loopback, {jail.loopbacks[0]}, which follows from the name: choose another name")


def shared_ports(one: Iterable[str], other: Iterable[str]) -> str:
    """Ports that two jails of one address both have, in words; empty: none."""
    ours, theirs = (list(map(_bounds, ports)) or [(1, 65535)] for ports in (one, other))
    for low, high in ours:
        for first, last in theirs:
            if low <= last and first <= high:
                start, end = max(low, first), min(high, last)
                return "every port" if (start, end) == (1, 65535) else f"port {start}" if start == end else f"ports {start} to {end}"
    return ""


def _bounds(port: str) -> tuple[int, int]:
    low, _dash, high = port.partition("-")
    return int(low), int(high or low)


def _with_those_above(cgroup: str) -> Iterable[str]:
    parts = cgroup.split("/")
    return ("/".join(parts[:count]) for count in range(len(parts), 0, -1))
