# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes (rtnetlink(7), rtnetlink.h)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any, Callable

from ..codec import NLM_F_CREATE, NLM_F_REPLACE, Message, Request
from ..model import PROTOCOL, NextHop, Route

FAMILIES = {4: 2, 6: 10}
TYPES = {1: "unicast", 2: "local", 6: "blackhole", 7: "unreachable", 8: "prohibit", 9: "throw"}
NUMBERS = {name: number for number, name in TYPES.items()}
DISCARDING = ("blackhole", "unreachable", "prohibit", "throw")  # the kernel shows these on lo in IPv6
RTA_MULTIPATH = 9
NO_CARRIER = 1 | 16  # RTNH_F_DEAD, RTNH_F_LINKDOWN
FLAGS_OFFSET, ATTRS_OFFSET = 24, 28  # of rtm_flags and of the attributes, after nlmsghdr and rtmsg
RTNH_F_ONLINK, RTM_F_CLONED = 4, 0x200
SCOPE_UNIVERSE, SCOPE_LINK, SCOPE_HOST, SCOPE_NOWHERE = 0, 253, 254, 255
TABLE_COMPAT = 252  # the header has room for tables up to 255 only


def dumps(tables: Iterable[int]) -> list[Request]:
    return [Request("RTM_GETROUTE", {"family": family}, [("RTA_TABLE", table)]) for table in tables for family in FAMILIES.values()]


def decode(message: Message, names: Mapping[int, str]) -> Route | None:
    fields, attrs = message.fields, message.attrs
    kind = TYPES.get(fields["type"])
    if kind is None or fields["flags"] & RTM_F_CLONED or attrs.get("RTA_SRC"):
        return None
    anywhere = "::" if fields["family"] == FAMILIES[6] else "0.0.0.0"
    return Route(
        destination=f"{attrs.get('RTA_DST') or anywhere}/{fields['dst_len']}",
        type=kind,
        nexthops=() if kind in DISCARDING else _nexthops(message, names),
        source=attrs.get("RTA_PREFSRC"),
        metric=attrs.get("RTA_PRIORITY") or 0,
        table=attrs.get("RTA_TABLE") or fields["table"],
        ours=fields["proto"] == PROTOCOL,
        protocol=fields["proto"],
    )


def _nexthops(message: Message, names: Mapping[int, str]) -> tuple[NextHop, ...]:
    attrs = message.attrs
    if "RTA_MULTIPATH" not in attrs:
        return (_nexthop(attrs, names.get(attrs.get("RTA_OIF", 0)), message.fields["flags"], 1),)
    hops = [_nexthop(dict(hop["attrs"]), names.get(hop["oif"]), hop["flags"], hop["hops"] + 1) for hop in attrs["RTA_MULTIPATH"]]
    return tuple(sorted(hops, key=str))


def _nexthop(attrs: Mapping[str, Any], link: str | None, flags: int, weight: int) -> NextHop:
    via = attrs.get("RTA_VIA")
    return NextHop(via["addr"] if via else attrs.get("RTA_GATEWAY"), link, weight, bool(flags & RTNH_F_ONLINK))


def make(route: Route, index: Callable[[str], int]) -> Request:
    fields = {**_fields(route), "scope": _scope(route)}
    attrs = _attrs(route)
    if route.source:
        attrs.append(("RTA_PREFSRC", route.source))
    if len(route.nexthops) == 1:
        hop = route.nexthops[0]
        fields["flags"] = RTNH_F_ONLINK if hop.onlink else 0
        attrs += _hop_attrs(route, hop) + ([("RTA_OIF", index(hop.link))] if hop.link else [])
    elif route.nexthops:
        attrs.append(("RTA_MULTIPATH", [_path(route, hop, index) for hop in route.nexthops]))
    return Request("RTM_NEWROUTE", fields, attrs, NLM_F_CREATE | NLM_F_REPLACE)


def remove(route: Route, index: Callable[[str], int]) -> Request:
    return Request("RTM_DELROUTE", {**_fields(route), "scope": SCOPE_NOWHERE}, _attrs(route))


def _fields(route: Route) -> dict[str, int]:
    return {
        "family": FAMILIES[route.family],
        "dst_len": int(route.destination.rpartition("/")[2]),
        "table": route.table if route.table < 256 else TABLE_COMPAT,
        "proto": route.protocol,
        "type": NUMBERS[route.type],
    }


def _attrs(route: Route) -> list[tuple[str, Any]]:
    address, _slash, length = route.destination.rpartition("/")
    attrs: list[tuple[str, Any]] = [("RTA_TABLE", route.table)]
    if length != "0":
        attrs.append(("RTA_DST", address))
    if route.metric:
        attrs.append(("RTA_PRIORITY", route.metric))
    return attrs


def _scope(route: Route) -> int:
    if route.family == 6 or route.type in DISCARDING:
        return SCOPE_UNIVERSE
    if route.type == "local":
        return SCOPE_HOST
    return SCOPE_UNIVERSE if any(hop.gateway for hop in route.nexthops) else SCOPE_LINK


def _hop_attrs(route: Route, hop: NextHop) -> list[tuple[str, Any]]:
    if not hop.gateway:
        return []
    if route.family == 4 and ":" in hop.gateway:
        return [("RTA_VIA", {"family": FAMILIES[6], "addr": hop.gateway})]
    return [("RTA_GATEWAY", hop.gateway)]


def _path(route: Route, hop: NextHop, index: Callable[[str], int]) -> dict[str, Any]:
    return {
        "oif": index(hop.link) if hop.link else 0,
        "hops": hop.weight - 1,
        "flags": RTNH_F_ONLINK if hop.onlink else 0,
        "attrs": _hop_attrs(route, hop),
    }


def replayable(raw: bytes) -> bytes:
    """A dumped route as a request: without the flags that tell of a carrier, which the kernel refuses there (fib_create_info())."""
    message = bytearray(raw)
    message[FLAGS_OFFSET] &= ~NO_CARRIER
    offset = ATTRS_OFFSET
    while offset + 4 <= len(message):
        length, kind = struct.unpack_from("=HH", message, offset)
        if kind == RTA_MULTIPATH:
            _clear_hops(message, offset + 4, offset + length)
        offset += max(4, (length + 3) & ~3)
    return bytes(message)


def _clear_hops(message: bytearray, offset: int, end: int) -> None:
    """struct rtnexthop: length (2 bytes), flags (1), hops (1), index (4)."""
    while offset + 8 <= end:
        message[offset + 2] &= ~NO_CARRIER
        offset += max(8, (struct.unpack_from("=H", message, offset)[0] + 3) & ~3)
