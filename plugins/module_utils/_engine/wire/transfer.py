# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses and routes from one link to another, as requests that travel together: nothing comes in between, not even a SIGKILL."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..codec import NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, RTM, Request
from ..narrow import ATTRIBUTE, HEADER, LAYOUTS, TYPE_MASK, nla
from . import address, route

IFA_LABEL, IFA_FLAGS = 3, 8
RTA_OIF, RTA_GATEWAY, RTA_MULTIPATH, RTA_VIA = 4, 5, 9, 18
LEADING = (RTA_GATEWAY, RTA_MULTIPATH, RTA_VIA)
LONGEST_NAME = 15
FAMILY = HEADER.size  # of both types of message: the first byte of what follows


class End(NamedTuple):
    name: str
    number: int  # its index


@dataclass(frozen=True)
class Luggage:
    """The kernel's own messages, in the order in which they have to be made."""

    addresses: Sequence[bytes]
    routes: Sequence[bytes]

    def on(self, giver: End, taker: End) -> Luggage:
        """The same on another link."""
        return Luggage([_address_on(raw, giver, taker) for raw in self.addresses], [_route_on(raw, giver, taker) for raw in self.routes])


def pack(addresses: Sequence[bytes], routes: Sequence[bytes]) -> Luggage:
    """Dumped messages. The kernel lists IPv6 addresses with the newest one first (ipv6_link_dev_addr())."""
    old, new = ([raw for raw in addresses if raw[FAMILY] == family] for family in address.FAMILIES.values())
    return Luggage([*old, *reversed(new)], sorted(map(route.replayable, routes), key=_leads_over_others))


def requests(here: Luggage, there: Luggage) -> list[Request]:
    """An address is never missing: routes with it as their source would go. An IPv6 address can be used at once, for it is no
    new one: duplicates are not looked for; then it gets its own flags again."""
    found = [_request("RTM_NEWADDR", _without_detection(raw), NLM_F_CREATE | NLM_F_EXCL) for raw in there.addresses]
    for old, new in zip(here.routes, there.routes):
        found += [_request("RTM_DELROUTE", old), _request("RTM_NEWROUTE", new, NLM_F_CREATE | NLM_F_APPEND)]
    found += [_request("RTM_DELADDR", raw) for raw in reversed(here.addresses)]
    return found + [_request("RTM_NEWADDR", raw, NLM_F_REPLACE) for raw in there.addresses if raw[FAMILY] == address.FAMILIES[6]]


def _request(kind: str, raw: bytes, flags: int = 0) -> Request:
    return Request(kind, flags=flags, raw=raw)


def _leads_over_others(raw: bytes) -> bool:
    return any(number in LEADING for number, _value in _attributes(raw, "RTM_NEWROUTE"))


def _address_on(raw: bytes, giver: End, taker: End) -> bytes:
    def moved(number: int, value: bytes) -> bytes:
        return _label(value, giver.name, taker.name) if number == IFA_LABEL else value

    return _rewritten(address.on(raw, taker.number), "RTM_NEWADDR", moved)


def _label(value: bytes, giver: str, taker: str) -> bytes:
    """eth0:1 becomes br0:1, if that is not too long."""
    label = value.rstrip(b"\0").decode()
    moved = taker + label[len(giver) :] if label == giver or label.startswith(f"{giver}:") else label
    return (moved if len(moved) <= LONGEST_NAME else label).encode() + b"\0"


def _without_detection(raw: bytes) -> bytes:
    def flagged(number: int, value: bytes) -> bytes:
        return struct.pack("=I", struct.unpack("=I", value)[0] | address.IFA_F_NODAD) if number == IFA_FLAGS else value

    return _rewritten(raw, "RTM_NEWADDR", flagged) if raw[FAMILY] == address.FAMILIES[6] else raw


def _route_on(raw: bytes, giver: End, taker: End) -> bytes:
    def moved(number: int, value: bytes) -> bytes:
        if number == RTA_OIF:
            return struct.pack("=I", taker.number)
        return _hops_on(value, giver.number, taker.number) if number == RTA_MULTIPATH else value

    return _rewritten(raw, "RTM_NEWROUTE", moved)


def _hops_on(value: bytes, giver: int, taker: int) -> bytes:
    """struct rtnexthop: length (2 bytes), flags (1), hops (1), index (4)."""
    hops, offset = bytearray(value), 0
    while offset + 8 <= len(hops):
        if struct.unpack_from("=I", hops, offset + 4)[0] == giver:
            struct.pack_into("=I", hops, offset + 4, taker)
        offset += max(8, (struct.unpack_from("=H", hops, offset)[0] + 3) & ~3)
    return bytes(hops)


def _rewritten(raw: bytes, kind: str, change: Callable[[int, bytes], bytes]) -> bytes:
    start = LAYOUTS[RTM[kind]].start
    return raw[:start] + b"".join(nla(number, change(number, value)) for number, value in _attributes(raw, kind))


def _attributes(raw: bytes, kind: str) -> Iterator[tuple[int, bytes]]:
    offset = LAYOUTS[RTM[kind]].start
    while offset + ATTRIBUTE.size <= len(raw):
        length, number = ATTRIBUTE.unpack_from(raw, offset)
        yield number & TYPE_MASK, raw[offset + ATTRIBUTE.size : offset + length]
        offset += max(ATTRIBUTE.size, (length + 3) & ~3)
