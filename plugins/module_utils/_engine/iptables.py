# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of iptables-legacy, which nftables does not list: from the kernel's own tables, in the words of libnftables-json(5).

A table is a row of entries, each with what it matches and a target (x_tables.h, ip_tables.h, ip6_tables.h). A jump tells where in
the row it leads: chains have such a number as their name here. What firewall.py knows nothing of, such as the sender, is left unknown.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
import struct
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from . import netns
from .errors import KernelError
from .firewall import Rules

TABLE_NAMES = "/proc/thread-self/net/{}_tables_names"
GET_INFO, GET_ENTRIES = 64, 65  # IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES; IP6T_… are the same
INFO = struct.Struct("@32sI5I5III")  # ipt_getinfo: name, hooks, where each begins and has its policy, number of entries, their size
ENTRIES = struct.Struct("@32sI0Q")  # ipt_get_entries: name, size
ATTEMPTS = 10
FORWARD = 2  # NF_INET_FORWARD

HEADER = 32  # xt_entry_match, xt_entry_target: size, name, revision
STANDARD, HEAD = "", "ERROR"  # targets: a verdict, and what stands before each chain that is no base chain
VERDICTS = {-1: "drop", -2: "accept", -5: "return"}  # -1 - NF_DROP, -1 - NF_ACCEPT, XT_RETURN
NOT_OUT, NOT_TO, NOT_PROTOCOL = 0x02, 0x10, 0x40  # IPT_INV_VIA_OUT, IPT_INV_DSTIP, XT_INV_PROTO
NOT_DESTINATION_PORT, ALL_PORTS = 0x02, (0, 0xFFFF)  # XT_TCP_INV_DSTPT
DESTINATION = 1  # XT_MULTIPORT_DESTINATION
STATE, NEW, TRANSLATED = 0x01, 0x08, 0x80  # XT_CONNTRACK_STATE, and bits of states: new, XT_CONNTRACK_STATE_DNAT
UNKNOWN: dict[str, Any] = {"xt": None}

Statements = list[dict[str, Any]]


@dataclass(frozen=True)
class Layout:
    """Where the entries of a family have what."""

    family: str
    domain: socket.AddressFamily
    level: int
    addresses: struct.Struct  # sender, destination, and their masks
    out: int  # name of the link by which it goes; 16 bytes before: by which it comes; 32 bytes after: the mask
    protocol: int
    flags: int  # and what is inverted, in the next byte
    ends: int  # where its target is, where the next entry
    size: int  # what it matches by other means follows
    goto: int
    fragment: int


LAYOUTS = (
    Layout("ip", socket.AF_INET, socket.IPPROTO_IP, struct.Struct("4s4s4s4s"), 32, 80, 82, 88, 112, goto=2, fragment=1),
    Layout("ip6", socket.AF_INET6, socket.IPPROTO_IPV6, struct.Struct("16s16s16s16s"), 80, 128, 131, 140, 168, goto=4, fragment=0),
)


def forwarding() -> list[tuple[dict[str, Any], Rules]]:
    """Base chains for what is forwarded, in the namespace that this thread is in, each with the rules of its table."""
    found: list[tuple[dict[str, Any], Rules]] = []
    for layout in LAYOUTS:
        for table in _tables(layout.family):
            with contextlib.suppress(KernelError):  # it went, or nobody is told
                found += _forwarding(layout, table)
    return found


def _tables(family: str) -> list[str]:
    """Those that there are: to ask for another one would make it."""
    try:
        with open(TABLE_NAMES.format(family), encoding="ascii") as file:
            return file.read().split()
    except OSError:
        return []


def _forwarding(layout: Layout, table: str) -> Iterator[tuple[dict[str, Any], Rules]]:
    hooks, begins, entries = _read(layout, table)
    if hooks >> FORWARD & 1:
        rules = dict(_chains(layout, entries, begins))
        *rules["FORWARD"], [last] = rules[str(begins[FORWARD])]
        [policy] = last
        chain = {"family": layout.family, "table": f"{table} (iptables-legacy)", "name": "FORWARD", "type": "filter"}
        yield {**chain, "policy": policy}, rules


def _read(layout: Layout, table: str) -> tuple[int, Sequence[int], bytes]:
    """Hooks, where their chains begin, and the entries.

    :raises KernelError: if there is no such table, or it changes all the time.
    """
    name = table.encode()
    with socket.socket(layout.domain, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection:
        for attempt in range(ATTEMPTS):
            asked = INFO.pack(name, *[0] * 13)
            _name, hooks, *places, _count, size = INFO.unpack(netns.get_option(connection, layout.level, GET_INFO, asked))
            try:
                raw = netns.get_option(connection, layout.level, GET_ENTRIES, ENTRIES.pack(name, size) + bytes(size))
            except KernelError as error:
                if error.errno != errno.EAGAIN or attempt == ATTEMPTS - 1:
                    raise
            else:
                break
    return hooks, places[:5], raw[ENTRIES.size :]


def _chains(layout: Layout, entries: bytes, begins: Collection[int]) -> Iterator[tuple[str, list[Statements]]]:
    starts, offset = {*begins}, 0
    rules: list[Statements] = []
    while offset < len(entries):
        target, size = struct.unpack_from("=HH", entries, offset + layout.ends)
        entry, end = entries[offset : offset + size], offset + size
        if offset in starts:
            rules = []
            yield str(offset), rules
        if _name(entry, target) == HEAD:
            starts.add(end)
        else:
            rules.append([*_addressed(layout, entry), *_matched(entry[layout.size : target]), *_verdict(layout, entry, target, end)])
        offset = end


def _name(raw: bytes, place: int) -> str:
    return raw[place + 2 : place + 31].split(b"\0")[0].decode()


def _addressed(layout: Layout, entry: bytes) -> Iterator[dict[str, Any]]:
    _sender, to, sender_mask, to_mask = layout.addresses.unpack_from(entry)
    flags, inverted = entry[layout.flags : layout.flags + 2]
    if any(sender_mask) or any(entry[layout.out + 16 : layout.out + 32]) or flags & layout.fragment:
        yield UNKNOWN
    if any(to_mask):
        yield _match(_network(to, to_mask), inverted & NOT_TO, "payload", protocol=layout.family, field="daddr")
    if entry[layout.out + 32]:
        yield _match(_link(entry[layout.out : layout.out + 16], entry[layout.out + 32 :]), inverted & NOT_OUT, "meta", key="oifname")
    [protocol] = struct.unpack_from("=H", entry, layout.protocol)
    if protocol:
        yield _match(protocol, inverted & NOT_PROTOCOL, "meta", key="l4proto")


def _match(right: Any, inverted: int, sort: str, **about: str) -> dict[str, Any]:
    return UNKNOWN if right is None else {"match": {"op": "!=" if inverted else "==", "left": {sort: about}, "right": right}}


def _network(address: bytes, mask: bytes) -> dict[str, Any] | None:
    """None: the mask has gaps."""
    bits = "".join(f"{byte:08b}" for byte in mask).rstrip("0")
    return None if "0" in bits else {"prefix": {"addr": str(ipaddress.ip_address(address)), "len": len(bits)}}


def _link(name: bytes, mask: bytes) -> str:
    """The mask covers the zero after a name that is meant to end there."""
    compared = name[: mask.index(0)] if 0 in mask[:16] else name
    return compared.rstrip(b"\0").decode() + ("" if b"\0" in compared else "*")


def _matched(raw: bytes) -> Iterator[dict[str, Any]]:
    while raw:
        [size] = struct.unpack_from("=H", raw)
        name, revision, data = _name(raw, 0), raw[31], raw[HEADER:size]
        raw = raw[size:]
        if name in ("tcp", "udp"):
            yield from _ports(name, data)
        elif name == "multiport" and revision == 1:
            yield _several_ports(data)
        elif name in ("conntrack", "state"):
            yield _state(name, revision, data)
        elif name != "comment":
            yield UNKNOWN


def _ports(protocol: str, data: bytes) -> Iterator[dict[str, Any]]:
    """xt_tcp, xt_udp: source ports, destination ports, for TCP an option and flags; what is inverted."""
    *source, first, last = struct.unpack_from("=4H", data)
    more, inverted = (any(data[8:10]), data[11]) if protocol == "tcp" else (False, data[8])
    if tuple(source) != ALL_PORTS or more:
        yield UNKNOWN
    if (first, last) != ALL_PORTS:
        yield _match({"range": [first, last]}, inverted & NOT_DESTINATION_PORT, "payload", protocol=protocol, field="dport")


def _several_ports(data: bytes) -> dict[str, Any]:
    """xt_multiport_v1: whose ports, how many numbers, the numbers, which of them begins a range, whether it is inverted."""
    about, count, *numbers = struct.unpack_from("=BB15H15B?", data)
    ports, begins, inverted = numbers[:count], numbers[15 : 15 + count], numbers[30]
    listed = [
        {"range": [port, ports[place + 1]]} if begins[place] else port
        for place, port in enumerate(ports)
        if not (place and begins[place - 1])
    ]
    return _match({"set": listed} if about == DESTINATION else None, inverted, "payload", protocol="th", field="dport")


def _state(name: str, revision: int, data: bytes) -> dict[str, Any]:
    """xt_state_info: a mask; xt_conntrack_mtinfo…: what is compared, what is inverted, a mask of states, after 146 bytes of others."""
    if name == "state":
        compared, inverted, states = STATE, 0, struct.unpack_from("=I", data)[0]
    elif revision:
        compared, inverted, states = struct.unpack_from("=HHB" if revision == 1 else "=HHH", data, 146)
    else:
        return UNKNOWN
    if compared != STATE:
        return UNKNOWN
    if states & (NEW | TRANSLATED) == TRANSLATED:
        return _match("dnat", inverted & STATE, "ct", key="status")
    return _match("new" if states & NEW else "established", inverted & STATE, "ct", key="state")


def _verdict(layout: Layout, entry: bytes, place: int, end: int) -> Iterator[dict[str, Any]]:
    """``end``: where the next entry is; a rule without a target leads there."""
    name = _name(entry, place)
    if name == "REJECT":
        yield {"reject": None}
    elif name != STANDARD:
        yield UNKNOWN
    else:
        [verdict] = struct.unpack_from("=i", entry, place + HEADER)
        if verdict in VERDICTS:
            yield {VERDICTS[verdict]: None}
        elif verdict != end:
            yield {"goto" if entry[layout.flags] & layout.goto else "jump": {"target": str(verdict)}}
