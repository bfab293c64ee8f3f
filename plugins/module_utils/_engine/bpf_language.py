# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small language for programs at sockets, and its assembler: text to BPF instructions (RFC 9669). Pure.

    if user_ip4 in 127.0.0.0/8 then goto near    where a field is within a prefix
    if user_port in 80-89 then allow             or within a range, or is one number: `in 80`
    if type in 2 then user_ip4 = 192.0.2.1; allow
    user_ip4 = 192.0.2.1                         write a field
    bind 192.0.2.1                               give the socket this source; refuse if that fails
    deafen                                       the socket receives nothing from here on
    goto label                                   always forward
    label:
    allow, refuse                                the verdict, and the end

Fields are those of the kernel's ``struct bpf_sock_addr`` and others (linux/bpf.h); ``sk.`` ones are of the socket.
What cannot be reached is left out: the kernel takes no such program.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Callable

R0, R1, R2, R3, R4, R5, CONTEXT, SOCKET, FRAME = 0, 1, 2, 3, 4, 5, 6, 7, 10
LOAD, LOAD64, STORE, STORE_IMMEDIATE = 0x61, 0x79, 0x63, 0x62
MOVE, MOVE64_REGISTER, ADD64, AND, BIG_ENDIAN = 0xB4, 0xBF, 0x07, 0x54, 0xDC
JUMP, IF_EQUAL, IF_NOT_EQUAL, IF_BELOW, IF_ABOVE, CALL, EXIT = 0x05, 0x16, 0x56, 0xA6, 0x26, 0x85, 0x95  # comparisons: of 32 bits
SETSOCKOPT, BIND = 49, 64  # helpers
SOL_SOCKET, SO_BINDTOIFINDEX, NOWHERE = 1, 62, 0x7FFFFFFF  # no link has this index


@dataclass(frozen=True)
class Field:
    offset: int
    base: int = CONTEXT
    words: int = 1
    address: bool = False
    network_order: bool = False


SOCK_ADDR = {
    "user_ip4": Field(4, address=True),
    "user_ip6": Field(8, words=4, address=True),
    "user_port": Field(24, network_order=True),
    "type": Field(32),
    "msg_src_ip4": Field(40, address=True),
    "msg_src_ip6": Field(44, words=4, address=True),
    "sk.src_ip4": Field(24, SOCKET, address=True),
    "sk.src_ip6": Field(28, SOCKET, words=4, address=True),
    "sk.src_port": Field(44, SOCKET),
}
SOCK = {"type": Field(8), "protocol": Field(12)}
SOCK_OPS = {"op": Field(0), "family": Field(20), "local_ip4": Field(28, address=True), "local_ip6": Field(48, words=4, address=True)}
SK_OFFSET = 64  # of the pointer to the socket in struct bpf_sock_addr


@dataclass
class _Instruction:
    code: int
    target: int = 0
    source: int = 0
    offset: int = 0
    value: int = 0
    label: str = ""  # where a jump leads

    def encode(self, here: int, labels: dict[str, int]) -> bytes:
        offset = labels[self.label] - here - 1 if self.label else self.offset
        return struct.pack("=BBhI", self.code, _registers(self.target, self.source), offset, self.value & 0xFFFFFFFF)


def _registers(target: int, source: int) -> int:
    return source << 4 | target if sys.byteorder == "little" else target << 4 | source


def assemble(lines: Iterable[str], fields: dict[str, Field]) -> bytes:
    """The instructions of a program whose context has these fields."""
    assembler = _Assembler(fields)
    statements = [line.strip() for line in lines if line.strip()]
    assembler.begin(any("sk." in statement for statement in statements))
    for statement in statements:
        assembler.statement(statement)
    return assembler.code()


class _Assembler:
    def __init__(self, fields: dict[str, Field]) -> None:
        self._fields = fields
        self._instructions: list[_Instruction] = []
        self._labels: dict[str, int] = {}
        self._wanted: set[str] = set()  # labels that something leads to
        self._reached = True

    def code(self) -> bytes:
        return b"".join(each.encode(here, self._labels) for here, each in enumerate(self._instructions))

    def begin(self, with_socket: bool) -> None:
        self._put(MOVE64_REGISTER, CONTEXT, R1)
        if with_socket:
            self._put(LOAD64, SOCKET, CONTEXT, SK_OFFSET)

    def statement(self, text: str) -> None:
        for pattern, method in self._grammar():
            match = re.fullmatch(pattern, text)
            if match:
                method(*match.groups())
                return
        raise ValueError(f"{text!r} is no statement")

    def _grammar(self) -> Iterable[tuple[str, Callable[..., None]]]:
        return (
            (r"(\w+):", self._label),
            (r"if (\S+) in (\S+) then (.+)", self._if),
            (r"goto (\w+)", self._goto),
            (r"allow", lambda: self._verdict(1)),
            (r"refuse", lambda: self._verdict(0)),
            (r"(\w+) = (\S+)", self._assign),
            (r"bind (\S+)", self._bind),
            (r"deafen", self._deafen),
        )

    def _put(self, code: int, target: int = 0, source: int = 0, offset: int = 0, value: int = 0, label: str = "") -> None:
        if self._reached:
            self._instructions.append(_Instruction(code, target, source, offset, value, label))
            self._wanted.add(label)

    def _label(self, name: str) -> None:
        self._labels[name] = len(self._instructions)
        self._reached = self._reached or name in self._wanted

    def _fresh_label(self) -> str:
        return f"after {len(self._instructions)}"

    def _goto(self, label: str) -> None:
        self._put(JUMP, label=label)
        self._reached = False

    def _verdict(self, value: int) -> None:
        self._put(MOVE, R0, value=value)
        self._put(EXIT)
        self._reached = False

    def _if(self, name: str, within: str, then: str) -> None:
        field, otherwise = self._fields[name], self._fresh_label()
        if field.address:
            self._unless_in_prefix(field, within, otherwise)
        else:
            self._unless_in_range(field, within, otherwise)
        for statement in [then] if then.startswith("if ") else then.split("; "):
            self.statement(statement)
        self._label(otherwise)

    def _unless_in_prefix(self, field: Field, prefix: str, otherwise: str) -> None:
        network = ipaddress.ip_network(prefix)
        for index, (value, mask) in enumerate(zip(_words(network.network_address.packed), _words(network.netmask.packed))):
            if mask:
                self._put(LOAD, R2, field.base, field.offset + 4 * index)
                if mask != 0xFFFFFFFF:
                    self._put(AND, R2, value=mask)
                self._put(IF_NOT_EQUAL, R2, value=value, label=otherwise)

    def _unless_in_range(self, field: Field, numbers: str, otherwise: str) -> None:
        low, _dash, high = numbers.partition("-")
        self._put(LOAD, R2, field.base, field.offset)
        if field.network_order:
            self._put(BIG_ENDIAN, R2, value=16)
        if not high:
            self._put(IF_NOT_EQUAL, R2, value=int(low), label=otherwise)
            return
        self._put(IF_BELOW, R2, value=int(low), label=otherwise)
        self._put(IF_ABOVE, R2, value=int(high), label=otherwise)

    def _assign(self, name: str, address: str) -> None:
        field = self._fields[name]
        for index, word in enumerate(_words(ipaddress.ip_address(address).packed)):
            self._put(MOVE, R2, value=word)
            self._put(STORE, field.base, R2, field.offset + 4 * index)

    def _bind(self, address: str) -> None:
        """bpf_bind(ctx, address, its length): the port is found when it is needed."""
        name, bound = _socket_address(address), self._fresh_label()
        for index, word in enumerate(_words(name)):
            self._put(STORE_IMMEDIATE, FRAME, offset=4 * index - 32, value=word)
        self._on_stack(R2, -32)
        self._put(MOVE, R3, value=len(name))
        self._put(MOVE64_REGISTER, R1, CONTEXT)
        self._put(CALL, value=BIND)
        self._put(IF_EQUAL, R0, value=0, label=bound)
        self._verdict(0)
        self._label(bound)

    def _deafen(self) -> None:
        """bpf_setsockopt(ctx, SOL_SOCKET, SO_BINDTOIFINDEX, &NOWHERE, 4)"""
        self._put(STORE_IMMEDIATE, FRAME, offset=-8, value=NOWHERE)
        self._on_stack(R4, -8)
        for register, value in ((R2, SOL_SOCKET), (R3, SO_BINDTOIFINDEX), (R5, 4)):
            self._put(MOVE, register, value=value)
        self._put(MOVE64_REGISTER, R1, CONTEXT)
        self._put(CALL, value=SETSOCKOPT)

    def _on_stack(self, register: int, offset: int) -> None:
        self._put(MOVE64_REGISTER, register, FRAME)
        self._put(ADD64, register, value=offset)


def _words(packed: bytes) -> list[int]:
    """As a load of 32 bits sees them."""
    return [word for (word,) in struct.iter_unpack("=I", packed)]


def _socket_address(address: str) -> bytes:
    """struct sockaddr_in or sockaddr_in6, without a port."""
    packed = ipaddress.ip_address(address).packed
    if len(packed) == 4:
        return struct.pack("=HH4s8x", socket.AF_INET, 0, packed)
    return struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, packed, 0)
