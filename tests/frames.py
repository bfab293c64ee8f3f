# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames made by hand, sent from inside a namespace, and what of them arrives elsewhere (packet(7))."""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import os
import socket
import struct
import time
from collections.abc import Iterator

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
BROADCAST = "ff:ff:ff:ff:ff:ff"
MARK = b"weft-netns probe"


@contextlib.contextmanager
def inside(namespace: str | None) -> Iterator[None]:
    """The calling thread is in a named namespace; None: it stays."""
    libc = ctypes.CDLL(None, use_errno=True)
    former = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if namespace:
            target = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
            assert libc.setns(target, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            os.close(target)
        yield
    finally:
        assert libc.setns(former, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        os.close(former)


def raw_socket(namespace: str | None, link: str) -> socket.socket:
    with inside(namespace):
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        opened.bind((link, 0))
    return opened


def passes(frame: bytes, sender: socket.socket, receiver: socket.socket, within: float = 0.3) -> bool:
    """Whether a frame that one sends gets to the other, who knows it by its last bytes."""
    token = MARK + os.urandom(8)
    sender.send(frame + token)
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        receiver.settimeout(max(0.001, deadline - time.monotonic()))
        with contextlib.suppress(socket.timeout):
            if token in receiver.recv(4096):
                return True
    return False


def ethernet(source: str, destination: str, kind: int, payload: bytes) -> bytes:
    return _mac(destination) + _mac(source) + struct.pack("!H", kind) + payload


def ipv4(source: str, destination: str) -> bytes:
    """UDP to the discard port. The marks that come after the frame are its content."""
    length = 24
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + length, 0, 0, 64, 17, 0, _packed(source), _packed(destination))
    header = header[:10] + struct.pack("!H", _checksum(header)) + header[12:]
    return header + struct.pack("!HHHH", 9999, 9, 8 + length, 0)


def ipv6(source: str, destination: str) -> bytes:
    length = 24
    return _ipv6_header(source, destination, 17, 8 + length, 64) + struct.pack("!HHHH", 9999, 9, 8 + length, 0)


def icmpv6(source: str, destination: str, kind: int, target: str) -> bytes:
    """A message of neighbour discovery about a target. Its checksum is wrong: nobody shall believe it."""
    body = struct.pack("!BBHI", kind, 0, 0, 0x60000000) + _packed(target)
    return _ipv6_header(source, destination, 58, len(body) + 24, 255) + body


def arp(mac: str, sender: str, target: str, operation: int = 1) -> bytes:
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + _mac(mac) + _packed(sender) + bytes(6) + _packed(target)


def tagged(vlan: int, kind: int, payload: bytes) -> bytes:
    """What follows an EtherType of 0x8100."""
    return struct.pack("!HH", vlan, kind) + payload


def _ipv6_header(source: str, destination: str, protocol: int, length: int, hops: int) -> bytes:
    return struct.pack("!IHBB", 6 << 28, length, protocol, hops) + _packed(source) + _packed(destination)


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def _packed(address: str) -> bytes:
    return ipaddress.ip_address(address).packed


def _checksum(header: bytes) -> int:
    total = sum(struct.unpack("!10H", header))
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
