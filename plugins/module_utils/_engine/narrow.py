# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages that containers are made of, read and written without pyroute2's general decoder and encoder.

A thousand namespaces are some ten thousand messages; of each, a few attributes matter. What is not in these tables is
``None`` here, and codec.py has pyroute2 read or write it. Both give the same: a test holds them together.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Callable, Optional

from .kinds import KINDS

HEADER = struct.Struct("=IHHII")
ATTRIBUTE = struct.Struct("=HH")
TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
AF_BRIDGE = 7

Read = Callable[[bytes], Any]
Write = Callable[[Any], Optional[bytes]]
Table = Mapping[str, "tuple[int, Read, Write]"]


class Attributes(Mapping[str, Any]):
    """Attributes by name. A value is read when it is asked for: most never are."""

    __slots__ = ("_table", "_values")

    def __init__(self, raw: bytes, start: int, table: Table) -> None:
        self._table = table
        self._values = values(raw, start)

    def get(self, key: str, default: Any = None) -> Any:
        number, read, _write = self._table[key]
        value = self._values.get(number)
        return default if value is None else read(value)

    def __getitem__(self, key: str) -> Any:
        number, read, _write = self._table[key]
        return read(self._values[number])

    def __contains__(self, key: object) -> bool:
        return key in self._table and self._table[str(key)][0] in self._values

    def __iter__(self) -> Iterator[str]:
        return (name for name, (number, _read, _write) in self._table.items() if number in self._values)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def has(self, numbers: frozenset[int]) -> bool:
        return not numbers.isdisjoint(self._values)


def values(raw: bytes, start: int) -> dict[int, bytes]:
    """The attributes from ``start`` on, by their numbers."""
    found = {}
    last = len(raw) - ATTRIBUTE.size
    while start <= last:
        length, number = ATTRIBUTE.unpack_from(raw, start)
        if length < 4:
            break
        found[number & TYPE_MASK] = raw[start + 4 : start + length]
        start += (length + 3) & ~3
    return found


# -- values


def _number(layout: str) -> tuple[Read, Write]:
    packed = struct.Struct(layout)
    return (lambda raw: packed.unpack(raw)[0]), packed.pack


def _read_text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode()


def _write_text(value: str) -> bytes:
    return value.encode() + b"\0"


def _read_ip(raw: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET6 if len(raw) == 16 else socket.AF_INET, raw)


def _write_ip(value: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in value else socket.AF_INET, value)


def _read_mac(raw: bytes) -> str:
    return raw.hex(":")


def _write_mac(value: str) -> bytes:
    return bytes.fromhex(value.replace(":", ""))


U8, U16, U32, S32 = _number("=B"), _number("=H"), _number("=I"), _number("=i")
TEXT = (_read_text, _write_text)
IP = (_read_ip, _write_ip)
MAC = (_read_mac, _write_mac)

NO_DATA: Table = {}
BRIDGE: Table = {
    "IFLA_BR_FORWARD_DELAY": (1, *U32),
    "IFLA_BR_AGEING_TIME": (4, *U32),
    "IFLA_BR_STP_STATE": (5, *U32),
    "IFLA_BR_VLAN_FILTERING": (7, *U8),
    "IFLA_BR_MCAST_SNOOPING": (23, *U8),
}
PORT: Table = {
    "IFLA_BRPORT_MODE": (4, *U8),
    "IFLA_BRPORT_LEARNING": (8, *U8),
    "IFLA_BRPORT_GROUP_FWD_MASK": (31, *U16),
    "IFLA_BRPORT_NEIGH_SUPPRESS": (32, *U8),
    "IFLA_BRPORT_ISOLATED": (33, *U8),
}
INFO_KIND, INFO_DATA, SLAVE_KIND, SLAVE_DATA = 1, 2, 4, 5
IFINFOMSG = struct.Struct("=BxHiII")


def _read_info(raw: bytes) -> Info:
    return Info(raw, 0, INFO)


def _write_info(value: Mapping[str, Any]) -> bytes | None:
    named = dict(value["attrs"])
    tables = {**INFO, "IFLA_INFO_DATA": (INFO_DATA, _never, _writer(DATA.get(named.get("IFLA_INFO_KIND", ""))))}
    return encode(value["attrs"], tables)


def _write_peer(value: Mapping[str, Any]) -> bytes | None:
    attrs = encode(value["attrs"], LINK)
    return None if attrs is None else IFINFOMSG.pack(0, 0, value["index"], 0, 0) + attrs


def _writer(table: Table | None) -> Write:
    return lambda value: None if table is None else encode(value["attrs"], table)


def _never(raw: bytes) -> Any:
    raise NotImplementedError


class Info(Attributes):
    """IFLA_LINKINFO, whose data is told by its kinds."""

    __slots__ = ()

    def get(self, key: str, default: Any = None) -> Any:
        if key == "IFLA_INFO_DATA":
            return self._nested(INFO_DATA, DATA.get(super().get("IFLA_INFO_KIND"), NO_DATA))
        if key == "IFLA_INFO_SLAVE_DATA":
            return self._nested(SLAVE_DATA, PORT)
        return super().get(key, default)

    def _nested(self, number: int, table: Table) -> Attributes | None:
        value = self._values.get(number)
        return None if value is None else Attributes(value, 0, table)


DATA: Mapping[str | None, Table] = {
    "bridge": BRIDGE,
    "dummy": NO_DATA,
    "ifb": NO_DATA,
    "veth": {"VETH_INFO_PEER": (1, _never, _write_peer)},
}
# Kinds whose data matters, and is not in these tables.
ELSEWHERE = {name for name, kind in KINDS.items() if name not in DATA and any(each.nla for each in kind.attributes)}
INFO: Table = {
    "IFLA_INFO_KIND": (INFO_KIND, *TEXT),
    "IFLA_INFO_DATA": (INFO_DATA, _never, _never),
    "IFLA_INFO_SLAVE_KIND": (SLAVE_KIND, *TEXT),
    "IFLA_INFO_SLAVE_DATA": (SLAVE_DATA, _never, _writer(PORT)),
}
LINK: Table = {
    "IFLA_ADDRESS": (1, *MAC),
    "IFLA_IFNAME": (3, *TEXT),
    "IFLA_MTU": (4, *U32),
    "IFLA_LINK": (5, *U32),
    "IFLA_MASTER": (10, *U32),
    "IFLA_TXQLEN": (13, *U32),
    "IFLA_LINKINFO": (18, _read_info, _write_info),
    "IFLA_IFALIAS": (20, *TEXT),
    "IFLA_NET_NS_FD": (28, *U32),
    "IFLA_EXT_MASK": (29, *U32),
    "IFLA_LINK_NETNSID": (37, *S32),
    "IFLA_PERM_ADDRESS": (54, *MAC),
}
ADDRESS: Table = {"IFA_ADDRESS": (1, *IP), "IFA_LOCAL": (2, *IP), "IFA_FLAGS": (8, *U32), "IFA_PROTO": (11, *U8)}
ROUTE: Table = {
    "RTA_DST": (1, *IP),
    "RTA_SRC": (2, *IP),
    "RTA_OIF": (4, *U32),
    "RTA_GATEWAY": (5, *IP),
    "RTA_PRIORITY": (6, *U32),
    "RTA_PREFSRC": (7, *IP),
    "RTA_MULTIPATH": (9, _never, _never),
    "RTA_TABLE": (15, *U32),
    "RTA_VIA": (18, _never, _never),
}
NEIGHBOUR: Table = {"NDA_DST": (1, *IP), "NDA_LLADDR": (2, *MAC), "NDA_PROTOCOL": (12, *U8)}
QUEUE: Table = {"TCA_KIND": (1, *TEXT), "TCA_OPTIONS": (2, bytes, bytes)}
NSID: Table = {"NETNSA_NSID": (1, *S32), "NETNSA_PID": (2, *U32), "NETNSA_FD": (3, *U32)}
NESTED_ROUTE = frozenset((9, 18))  # RTA_MULTIPATH, RTA_VIA


class Layout:
    """The header of a type of message, after nlmsghdr, and the attributes that follow it."""

    def __init__(self, layout: str, fields: str, table: Table) -> None:
        self.header = struct.Struct(layout)
        self.fields = fields.split()
        self.known = frozenset(self.fields)
        self.table = table
        self.start = HEADER.size + (self.header.size + 3 & ~3)


_LINK = Layout("=BxHiII", "family ifi_type index flags change", LINK)
_ADDRESS = Layout("=BBBBI", "family prefixlen flags scope index", ADDRESS)
_ROUTE = Layout("=BBBBBBBBI", "family dst_len src_len tos table proto scope type flags", ROUTE)
_NEIGHBOUR = Layout("=BxxxiHBB", "family ifindex state flags ndm_type", NEIGHBOUR)
_QUEUE = Layout("=BxxxiIII", "family ifindex handle parent info", QUEUE)
_NSID = Layout("=Bxxx", "rtgen_family", NSID)
LAYOUTS = {
    **dict.fromkeys(range(16, 20), _LINK),
    **dict.fromkeys(range(20, 23), _ADDRESS),
    **dict.fromkeys(range(24, 27), _ROUTE),
    **dict.fromkeys(range(28, 31), _NEIGHBOUR),
    **dict.fromkeys((*range(36, 39), *range(44, 47)), _QUEUE),
    **dict.fromkeys((88, 90), _NSID),
}


def read(number: int, raw: bytes) -> tuple[dict[str, Any], Attributes] | None:
    """Header fields and attributes of a message; None: it has more in it than these tables know."""
    layout = LAYOUTS.get(number)
    if layout is None or raw[HEADER.size] == AF_BRIDGE:
        return None
    attributes = Attributes(raw, layout.start, layout.table)
    if layout is _ROUTE and attributes.has(NESTED_ROUTE):
        return None
    info = attributes.get("IFLA_LINKINFO") if layout is _LINK else None
    if info is not None and info.get("IFLA_INFO_KIND") in ELSEWHERE:
        return None
    return dict(zip(layout.fields, layout.header.unpack_from(raw, HEADER.size))), attributes


def write(number: int, fields: Mapping[str, Any], attrs: Sequence[tuple[str, Any]], flags: int, sequence: int) -> bytes | None:
    """A message; None: it has more in it than these tables know."""
    layout = LAYOUTS.get(number)
    if layout is None or fields.get("family") == AF_BRIDGE or not fields.keys() <= layout.known:
        return None
    tail = encode(attrs, layout.table)
    if tail is None:
        return None
    head = layout.header.pack(*[fields.get(name, 0) for name in layout.fields])
    return HEADER.pack(HEADER.size + len(head) + len(tail), number, flags, sequence, 0) + head + tail


def again(number: int, raw: bytes, flags: int, sequence: int) -> bytes:
    """A message as it was dumped, to be sent as a request."""
    return HEADER.pack(len(raw), number, flags, sequence, 0) + raw[HEADER.size :]


def encode(attrs: Iterable[tuple[str, Any]], table: Table) -> bytes | None:
    parts = []
    for name, value in attrs:
        if name not in table or table[name][2] is _never:
            return None
        number, _read, write_value = table[name]
        packed = write_value(value)
        if packed is None:
            return None
        parts.append(nla(number, packed))
    return b"".join(parts)


def nla(number: int, value: bytes) -> bytes:
    return ATTRIBUTE.pack(len(value) + 4, number) + value + bytes(-len(value) % 4)
