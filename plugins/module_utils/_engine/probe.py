# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before the host answers for an address, the wire is asked whether somebody has it.

Who has an IPv4 address answers an ARP probe, which tells nobody anything that could be remembered (RFC 5227). Linux does not answer one for
an address that it has a proxy entry for; it answers a plain request, which is asked as well where the host has an address of that
subnet to ask with: for what is in its own subnet, a router does not answer by mistake. In IPv6 one question is enough: the
solicitation of duplicate address detection (RFC 4862, 5.4).
"""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import select
import socket
import struct
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from .errors import ConflictError, Fault
from .frames import (
    ADVERTISEMENT,
    ETH_ARP,
    ETH_IPV6,
    ICMPV6,
    NOBODY4,
    NOBODY6,
    SOLICITATION,
    Said,
    arp_request,
    discovery,
    read_arp,
    read_discovery,
)
from .kernel import SO_RCVBUFFORCE, Kernel
from .model import HOST, Link, Namespace, Neighbour

# RFC 5227 asks three times as well, but within seven seconds. Linux waits up to 0.8 s before it answers for another (proxy_delay).
PAUSES = (0.3, 0.3, 1.0)  # seconds after each time
ALL_SOLICITED = ipaddress.IPv6Address("ff02::1:ff00:0")
SO_ATTACH_FILTER = 26
LOAD_BYTE, JUMP_EQUAL, RETURN = 0x30, 0x15, 0x06
# bpf(4): of all that arrives, only neighbour discovery. Code, jumps if true and if false, value.
DISCOVERY_ALONE = (
    (LOAD_BYTE, 0, 0, 20),
    (JUMP_EQUAL, 0, 4, ICMPV6),
    (LOAD_BYTE, 0, 0, 54),
    (JUMP_EQUAL, 1, 0, SOLICITATION),
    (JUMP_EQUAL, 0, 1, ADVERTISEMENT),
    (RETURN, 0, 0, 1 << 16),
    (RETURN, 0, 0, 0),
)


class Question(NamedTuple):
    """Who has the address, on the wire of the link? ``frames``: how to ask."""

    link: str
    address: str
    frames: tuple[bytes, ...]


def refuse_taken(kernel: Kernel, entries: Iterable[Neighbour], namespaces: Mapping[str, Namespace]) -> None:
    """Ask for the addresses of proxy entries that are to be made. ``namespaces``: as they are.

    What the host and its containers have is no obstacle: it may move from one to another. Nor can anything be asked by a link
    that is down, or still to be made.

    :raises ConflictError: with all that somebody has.
    """
    questions = list(_questions(entries, namespaces[HOST]))
    own = {_packed(link.mac) for ns in namespaces.values() for link in ns.links.values() if link.mac and _ours(ns, link)}
    taken = kernel.inside(HOST, lambda: answers(questions, own)) if questions else {}
    if taken:
        raise ConflictError(
            Fault("host.neighbours", f"{each.address} is taken: on {each.link}, {taken[each].hex(':')} has it")
            for each in questions
            if each in taken
        )


def _ours(ns: Namespace, link: Link) -> bool:
    return ns.name == HOST or ns.owner is not None or link.owner is not None


def _questions(entries: Iterable[Neighbour], host: Namespace) -> Iterator[Question]:
    for each in entries:
        link = host.links.get(each.link)
        if link and link.mac and link.state == "up":
            yield Question(each.link, each.address, tuple(_frames(_packed(link.mac), each, host)))


def _frames(mac: bytes, entry: Neighbour, host: Namespace) -> Iterator[bytes]:
    wanted = entry.address
    if entry.family == 6:
        packed = socket.inet_pton(socket.AF_INET6, wanted)
        group = str(ALL_SOLICITED + int.from_bytes(packed[13:], "big"))
        yield discovery(mac, NOBODY6, group, SOLICITATION, bytes(4) + packed)
        return
    yield arp_request(mac, NOBODY4, wanted)
    sender = _own_address(entry, host)
    if sender:
        yield arp_request(mac, sender, wanted)


def _own_address(entry: Neighbour, host: Namespace) -> str:
    """That of the host in the subnet of the one that is asked for."""
    wanted = ipaddress.ip_address(entry.address)
    near = (each for each in host.addresses.values() if each.link == entry.link and each.family == 4)
    return next((each.ip for each in near if wanted in ipaddress.ip_interface(f"{each.ip}/{each.prefixlen}").network), "")


def answers(questions: Collection[Question], own: Collection[bytes]) -> dict[Question, bytes]:
    """Whom the addresses belong to, as far as somebody says so whose MAC is not one of our own."""
    left = {(each.link, each.address): each for each in questions}
    found: dict[Question, bytes] = {}
    with _listening(ETH_ARP) as arp, _listening(ETH_IPV6) as ipv6:
        _attach(ipv6)
        for pause in PAUSES:
            for each in left.values():
                for frame in each.frames:
                    with contextlib.suppress(OSError):  # a link that went down meanwhile: nobody is there to have it
                        arp.sendto(frame, (each.link, 0))
            deadline = time.monotonic() + pause
            while left and time.monotonic() < deadline:
                for link, said in _heard(arp, ipv6, deadline):
                    if said.mac not in own and (link, said.address) in left:
                        found[left.pop((link, said.address))] = said.mac
    return found


def _heard(arp: socket.socket, ipv6: socket.socket, deadline: float) -> Iterator[tuple[str, Said]]:
    """By which link, and what; at most one frame of each sort."""
    ready = select.select([arp, ipv6], [], [], max(0.0, deadline - time.monotonic()))[0]
    for connection in ready:
        frame, where = connection.recvfrom(2048)
        said = read_arp(frame) if connection is arp else read_discovery(frame)
        if said:
            yield where[0], said


def _listening(protocol: int) -> socket.socket:
    """What arrives of one protocol, by any link: of a VLAN by the VLAN's own (packet(7))."""
    connection = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.htons(protocol))
    connection.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)  # all may answer at once
    return connection


def _attach(connection: socket.socket) -> None:
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in DISCOVERY_ALONE))
    pointer = struct.pack("HP", len(DISCOVERY_ALONE), ctypes.addressof(program))
    connection.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, pointer)


def _packed(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))
