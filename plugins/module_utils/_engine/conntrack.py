# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that the kernel tracks (linux/netfilter/nfnetlink_conntrack.h), and which of them a changed filter leaves behind.

A rule of NAT is asked once for each connection. One that goes on, and one of UDP does as long as somebody sends, would for ever go to
where a port was published before.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from .errors import KernelError
from .filters import Filter, Masquerade, Publication

NETLINK_NETFILTER = 12
CT_GET, CT_DELETE = 0x101, 0x102  # NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_…
REQUEST, ACK, DUMP = 0x1, 0x4, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
HEADER, GENERIC, ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("!BBH"), struct.Struct("=HH")
NESTED, TYPE = 0x8000, 0x3FFF
ORIGINAL, REPLY, ID, ZONE = 1, 2, 12, 18
IP, PROTOCOL = 1, 2
PROTOCOLS = {6: "tcp", 17: "udp"}
BUFFER = 1 << 16


@dataclass(frozen=True)
class Way:
    """One direction of a connection."""

    protocol: str
    source: str
    source_port: int
    destination: str
    port: int


@dataclass(frozen=True)
class Connection:
    asked: Way
    answered: Way  # other than the asked one turned round where addresses or ports are translated
    identity: bytes  # attributes by which the kernel knows it
    family: int


Stale = Callable[[Connection], bool]


def stale(before: Any, after: Any, own: Collection[str]) -> Stale | None:
    """Which connections do not go where they should any more, when one filter, or none, becomes another; None: all do.

    ``own``: the host's addresses.
    """
    was, will = (each if isinstance(each, Filter) else Filter("") for each in (before, after))
    gone, come = set(was.publish) - set(will.publish), set(will.publish) - set(was.publish)
    unmasked = set(was.masquerade) - set(will.masquerade)
    if not (gone or come or unmasked):
        return None

    def left(each: Connection) -> bool:
        return (
            any(_published(each, item) for item in gone)
            or any(_bypasses(each, item, own) for item in come)
            or any(_masqueraded(each, item) for item in unmasked)
        )

    return left


def _asks(each: Connection, item: Publication) -> bool:
    return item.has(each.asked.protocol, each.asked.port) and item.host_address in (None, each.asked.destination)


def _published(each: Connection, item: Publication) -> bool:
    return _asks(each, item) and item.leads_to(each.answered.source, each.answered.source_port, each.asked.port)


def _bypasses(each: Connection, item: Publication, own: Collection[str]) -> bool:
    """It reached the host itself before. One of TCP is somebody's and comes to an end; one of UDP may just be repeated in vain."""
    there = (each.asked.destination, each.asked.port)
    answers = (each.answered.source, each.answered.source_port)
    return each.asked.protocol == "udp" and _asks(each, item) and there == answers and there[0] in own


def _masqueraded(each: Connection, item: Masquerade) -> bool:
    source = ipaddress.ip_address(each.asked.source)
    within = any(source in ipaddress.ip_network(prefix) for prefix in item.sources)
    return within and each.answered.destination != each.asked.source


def forget(which: Stale) -> None:
    """In the network namespace of the calling thread."""
    with contextlib.closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)) as connection:
        connection.bind((0, 0))
        for each in [each for each in _connections(connection) if which(each)]:
            list(_talk(connection, CT_DELETE, ACK, GENERIC.pack(each.family, 0, 0) + each.identity))


def _connections(connection: socket.socket) -> Iterator[Connection]:
    for raw in _talk(connection, CT_GET, DUMP, GENERIC.pack(socket.AF_UNSPEC, 0, 0)):
        found = _attributes(raw[GENERIC.size :])
        ways = [_way(found[number]) for number in (ORIGINAL, REPLY)]
        identity = b"".join(_attribute(number, found[number]) for number in (ORIGINAL, ID, ZONE) if number in found)
        asked, answered = ways
        if asked and answered:
            yield Connection(asked, answered, identity, raw[0])


def _way(raw: bytes) -> Way | None:
    """None: of a protocol without ports."""
    parts = _attributes(raw)
    addresses, protocol = _attributes(parts[IP]), _attributes(parts[PROTOCOL])
    name = PROTOCOLS.get(protocol[1][0])
    if name is None:
        return None
    source, destination = (str(ipaddress.ip_address(addresses[number])) for number in sorted(addresses))
    source_port, port = (int.from_bytes(protocol[number], "big") for number in (2, 3))
    return Way(name, source, source_port, destination, port)


def _talk(connection: socket.socket, kind: int, flags: int, payload: bytes) -> Iterator[bytes]:
    """What the kernel answers, without headers. What is to be deleted may be gone."""
    connection.send(HEADER.pack(HEADER.size + len(payload), kind, REQUEST | flags, 1, 0) + payload)
    while True:
        data = connection.recv(BUFFER)
        while data:
            length, number = HEADER.unpack_from(data)[:2]
            if number == NLMSG_ERROR:
                error = -struct.unpack_from("=i", data, HEADER.size)[0]
                if error not in (0, errno.ENOENT):
                    raise KernelError(error, f"connections: {os.strerror(error)}")
            if number in (NLMSG_ERROR, NLMSG_DONE):
                return
            yield data[HEADER.size : length]
            data = data[(length + 3) & ~3 :]


def _attributes(raw: bytes) -> dict[int, bytes]:
    found = {}
    while raw:
        length, number = ATTRIBUTE.unpack_from(raw)
        found[number & TYPE] = raw[ATTRIBUTE.size : length]
        raw = raw[(length + 3) & ~3 :]
    return found


def _attribute(number: int, content: bytes) -> bytes:
    nested = NESTED if number == ORIGINAL else 0
    return ATTRIBUTE.pack(ATTRIBUTE.size + len(content), number | nested) + content + bytes(-len(content) % 4)
