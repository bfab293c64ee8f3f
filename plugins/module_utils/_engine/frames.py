# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARP (RFC 826) and neighbour discovery (RFC 4861) as Ethernet frames. MACs are bytes, addresses text."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

BROADCAST = b"\xff" * 6
ETH_ARP, ETH_IPV6 = 0x0806, 0x86DD
ARP_REQUEST = 1
ICMPV6, SOLICITATION, ADVERTISEMENT = 58, 135, 136
HOP_LIMIT = 255  # of neighbour discovery: it was passed on by nobody
NOBODY4, NOBODY6 = "0.0.0.0", "::"  # who has no address yet


class Said(NamedTuple):
    """What a frame says: this MAC has the address, or is about to take it."""

    address: str
    mac: bytes


def arp_request(mac: bytes, sender: str, target: str) -> bytes:
    header = struct.pack("!HHHBBH", ETH_ARP, 1, 0x0800, 6, 4, ARP_REQUEST)
    return BROADCAST + mac + header + mac + socket.inet_aton(sender) + bytes(6) + socket.inet_aton(target)


def discovery(mac: bytes, source: str, destination: str, kind: int, body: bytes) -> bytes:
    """A message of neighbour discovery to a multicast group. ``body``: all that follows the checksum, of an even length."""
    source_, group = (socket.inet_pton(socket.AF_INET6, each) for each in (source, destination))
    length = 4 + len(body)
    pseudo = source_ + group + struct.pack("!IHBB", length, 0, 0, ICMPV6)
    checksum = _checksum(pseudo + struct.pack("!BBH", kind, 0, 0) + body)
    header = struct.pack("!IHBB", 6 << 28, length, ICMPV6, HOP_LIMIT) + source_ + group
    ethernet = b"\x33\x33" + group[12:] + mac + struct.pack("!H", ETH_IPV6)
    return ethernet + header + struct.pack("!BBH", kind, 0, checksum) + body


def read_arp(frame: bytes) -> Said | None:
    """None: it says of no address whose it is."""
    if len(frame) < 42 or frame[14:20] != struct.pack("!HHBB", 1, 0x0800, 6, 4):
        return None
    sender, target = (socket.inet_ntoa(frame[at : at + 4]) for at in (28, 38))
    return Said(target if sender == NOBODY4 else sender, frame[22:28])


def read_discovery(frame: bytes) -> Said | None:
    """None: it says of no address whose it is."""
    if len(frame) < 78 or frame[20] != ICMPV6 or frame[21] != HOP_LIMIT:
        return None
    taking = frame[54] == SOLICITATION and frame[22:38] == bytes(16)
    if not taking and frame[54] != ADVERTISEMENT:
        return None
    return Said(socket.inet_ntop(socket.AF_INET6, frame[62:78]), frame[6:12])


def _checksum(content: bytes) -> int:
    """RFC 1071; the content has an even length."""
    total: int = sum(struct.unpack(f"!{len(content) // 2}H", content))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
