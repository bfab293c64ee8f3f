# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge to the kernel: netlink, namespaces, /proc/sys.

Knows requests and answers, nothing of documents. The conversation is a plain socket, because many
requests go out in one sendmsg and the acknowledgements are read afterwards (netlink(7), rtnetlink(7)).
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar

from . import files, narrow, netns
from .codec import NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, RTM, Codec, GenericCodec, Message, Request, required
from .errors import EnvironmentMissing, KernelError
from .model import HOST, local_path
from .narrow import HEADER
from .netns import Handle
from .nftables import Nftables

T = TypeVar("T")

NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_ACK_TLVS = 0x300, 0x10, 0x200
NLMSG_ERROR, NLMSG_DONE = 2, 3
NETLINK_GENERIC, GENL_ID_CTRL, CTRL_CMD_GETFAMILY = 16, 0x10, 3
SOL_NETLINK, NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK = 270, 11, 10, 12
SO_SNDBUFFORCE, SO_RCVBUFFORCE, SO_NETNS_COOKIE = 32, 33, 71
RTNLGRP_LINK = 1
CAP_NET_ADMIN, CAP_SYS_ADMIN = 12, 21
DUMP_SECONDS, LONGEST_PAUSE = 10, 0.2
FORWARD = "net/ipv4/ip_forward"


class Kernel:
    """A conversation with the kernel of this host. Use as a context manager: it returns to the host's namespace."""

    def __init__(self) -> None:
        self.codec = Codec()
        self._buffer = bytearray(1 << 18)
        self._view = memoryview(self._buffer)
        self._sequence = 0
        netns.raise_descriptor_limit()
        host = netns.current()
        self._nsfs = os.fstat(host.fd).st_dev
        self._handles: dict[str, Handle] = {HOST: host}
        self._inside = HOST
        self._nftables: dict[str, Nftables] = {}
        self._inherited: str | None = None
        self._shared = False

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._enter(HOST)
        for nftables in self._nftables.values():
            nftables.close()
        for handle in self._handles.values():
            handle.close()
        self._nftables, self._handles = {}, {}

    # -- namespaces

    def identity(self, name: str) -> int:
        """Inode of the namespace called ``name``; 0: there is none (or the file is not a namespace)."""
        handle = self._open(name)
        return handle.identity if handle else 0

    def identity_of(self, path: str) -> int:
        """Inode of the namespace at ``path``; 0: there is none."""
        try:
            stat = os.stat(path)
        except OSError:
            return 0
        return stat.st_ino if stat.st_dev == self._nsfs else 0

    def cookie(self) -> int:
        """A number for the host's namespace that no other namespace gets before the next boot (socket(7))."""
        try:
            raw = self._socket(HOST).getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8)
            return int(struct.unpack("=Q", raw)[0])
        except OSError:
            return self._handles[HOST].identity

    def descriptor(self, name: str) -> int:
        """The open descriptor of a namespace, for a request that refers to it."""
        return self._required(name).fd

    def make(self, name: str, requests: Sequence[Request]) -> None:
        """A new namespace, which forwards nothing; ``requests`` are carried out inside before its name is bound."""
        handle = netns.unshare()
        self._forget(name)
        self._handles[name] = handle
        self._inside = name
        try:
            self._stop_forwarding()
            for answer in self.send(name, requests):
                required(answer)
            self._bind(handle, name)
        except BaseException:
            self._forget(name)
            raise

    def look_at(self, name: str, path: str) -> None:
        """From here on ``name`` is the namespace at ``path``, for this conversation only."""
        handle = Handle(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        self._forget(name)
        self._handles[name] = handle

    def adopt(self, name: str, path: str) -> None:
        """Bind the namespace at ``path`` under ``name``."""
        self.look_at(name, path)
        self._bind(self._handles[name], name)

    def unbind(self, name: str) -> Handle:
        """Take the name away. The namespace lives on until the handle is closed (and nobody is inside)."""
        handle = Handle(os.open(local_path(name), os.O_RDONLY | os.O_CLOEXEC))
        self.release(name)
        netns.unbind(name)
        return handle

    def bind_again(self, name: str, handle: Handle) -> None:
        """Undo of :meth:`unbind`: the same namespace under the same name."""
        self._bind(handle, name)
        self._handles[name] = handle

    def processes(self, identities: set[int]) -> dict[int, list[int]]:
        """Processes inside the namespaces with these inodes: inode to pids."""
        found: dict[int, list[int]] = {}
        for pid in filter(str.isdigit, os.listdir("/proc") if identities else ()):
            inode = self.identity_of(f"/proc/{pid}/ns/net")
            if inode in identities and int(pid) != os.getpid():
                found.setdefault(inode, []).append(int(pid))
        return found

    # -- netlink

    def dump(self, name: str, request: Request) -> list[Message]:
        """All objects of one type in a namespace; repeated while somebody changes them in between."""
        deadline = time.monotonic() + DUMP_SECONDS
        pause = 0.001
        while True:
            messages, interrupted = self._dump_once(name, request)
            if not interrupted:
                return messages
            if time.monotonic() > deadline:
                raise KernelError(errno.EAGAIN, f"{name}: {request.type} was interrupted for {DUMP_SECONDS} s by changes from elsewhere")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def send(self, name: str, requests: Sequence[Request]) -> list[Any]:
        """Send all in one message to the kernel. For each request: None, a Message, or a KernelError."""
        if not requests:
            return []
        first = self._sequence + 1
        self._sequence += len(requests)
        parts = [
            self.codec.encode(request, NLM_F_ACK if index == len(requests) - 1 else 0, first + index)
            for index, request in enumerate(requests)
        ]
        connection = self._socket(name)
        connection.send(b"".join(parts))
        return self._answers(connection, first, len(requests))

    def replay(self, name: str, number: int, messages: Sequence[bytes]) -> None:
        """Send dumped messages back as requests, as `ip route restore` does. What exists is left as it is."""
        connection = self._socket(name)
        for raw in messages:
            self._sequence += 1
            connection.send(narrow.again(number, raw, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, self._sequence))
            self._answers(connection, self._sequence, 1)

    def generic(self, name: str, family: str, command: int, attrs: Sequence[tuple[str, Any]], dump: bool = False) -> list[Message]:
        """One request to a family of generic netlink: all that it answers, or its acknowledgement."""
        codec = GenericCodec()
        self._enter(name)
        with _netlink_socket(protocol=NETLINK_GENERIC) as connection:
            query = codec.encode("nlctrl", GENL_ID_CTRL, CTRL_CMD_GETFAMILY, [("CTRL_ATTR_FAMILY_NAME", family)], NLM_F_ACK)
            [known] = (codec.decode("nlctrl", raw) for raw in self._converse(connection, query))
            flags = NLM_F_DUMP if dump else NLM_F_ACK
            request = codec.encode(family, known.attrs["CTRL_ATTR_FAMILY_ID"], command, attrs, flags)
            return [codec.decode(family, raw) for raw in self._converse(connection, request)]

    def wait_gone(self, name: str, indexes: set[int], timeout: float) -> set[int]:
        """Wait until the links with these indexes are gone. Returns those that are still there."""
        deadline = time.monotonic() + timeout
        self._enter(name)
        with _netlink_socket(1 << RTNLGRP_LINK - 1) as events:
            left = self._present(name, indexes)
            while left and deadline > time.monotonic():
                ready = select.select([events], [], [], deadline - time.monotonic())[0]
                left = self._drain(events, name, left) if ready else left
        return left

    def emit(self, name: str, frames: Sequence[tuple[str, bytes]]) -> None:
        """Send Ethernet frames, each by a link of the namespace, as far as that can be done: what was changed holds without them."""
        self._enter(name)
        netns.emit(frames)

    # -- nftables

    def list_tables(self, name: str, table: str, as_json: bool = False) -> dict[str, str]:
        """The tables of this name, by family: as text that can be loaded, or as JSON that can be compared."""
        nftables = self._nft(name)
        return {family: nftables.listing(family, table, as_json) for family in nftables.families(table)}

    def load_tables(self, name: str, text: str) -> None:
        """Carry out commands of nft(8), all or none of them."""
        self._nft(name).run(text)

    def ask_tables(self, name: str, command: str) -> list[Any]:
        """What ``list`` of nft(8) tells."""
        return self._nft(name).ask(command)

    def inside(self, name: str, work: Callable[[], T]) -> T:
        """Do something there that needs none of these sockets."""
        self._enter(name)
        return work()

    # -- files

    def read_sysctl(self, name: str, path: str) -> str | None:
        """Value of the file ``path`` below /proc/sys, seen from inside the namespace; None: there is none."""
        self._enter(name)
        return files.read_sysctl(path)

    def write_sysctl(self, name: str, path: str, value: str) -> None:
        self._enter(name)
        files.write_sysctl(path, value)
        if name == HOST:
            self._inherited = None

    def list_sysctls(self, name: str, folder: str) -> list[str]:
        """Names in a folder below /proc/sys, seen from inside the namespace."""
        self._enter(name)
        return files.list_sysctls(folder)

    @contextlib.contextmanager
    def promoting(self, name: str, link: str) -> Iterator[None]:
        """While a primary IPv4 address of the link is deleted, the next of its subnet becomes the primary one."""
        path = f"net/ipv4/conf/{link}/promote_secondaries"
        former = self.read_sysctl(name, path)
        self.write_sysctl(name, path, "1")
        try:
            yield
        finally:
            self.write_sysctl(name, path, former or "0")

    def make_tun(self, name: str, link: str, tap: bool, owner: int | None, index: int = 0) -> None:
        """A persistent tun or tap device, with this index if it is not 0."""
        self._enter(name)
        files.make_tun(link, tap, owner, index)

    # -- inside

    def _bind(self, handle: Handle, name: str) -> None:
        if not self._shared:
            netns.share_directory()
            self._shared = True
        netns.bind(handle.fd, name)

    def _stop_forwarding(self) -> None:
        """In the namespace just made: Linux lets it take after the host, so that the same document would have two outcomes."""
        if self._inherited is None:
            self._inherited = files.read_sysctl(FORWARD)
        if self._inherited == "1":
            files.write_sysctl(FORWARD, "0")

    def _open(self, name: str) -> Handle | None:
        if name in self._handles:
            return self._handles[name]
        try:
            fd = os.open(local_path(name), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        if os.fstat(fd).st_dev != self._nsfs:
            os.close(fd)
            return None
        self._handles[name] = Handle(fd)
        return self._handles[name]

    def _required(self, name: str) -> Handle:
        handle = self._open(name)
        if handle is None:
            raise KernelError(errno.ENOENT, f"there is no namespace {name}")
        return handle

    def release(self, name: str) -> None:
        """Close what is open of a namespace; it is opened again when needed."""
        self._enter(HOST)
        self._forget(name)

    def _forget(self, name: str) -> None:
        handle = self._handles.pop(name, None)
        if handle:
            handle.close()

    def _enter(self, name: str) -> None:
        if self._inside != name:
            netns.enter(self._required(name))
            self._inside = name

    def _nft(self, name: str) -> Nftables:
        self._enter(name)
        if name not in self._nftables:
            self._nftables[name] = Nftables()
        return self._nftables[name]

    def _socket(self, name: str) -> socket.socket:
        handle = self._required(name)
        if handle.socket is None:
            self._enter(name)
            handle.socket = _netlink_socket()
        return handle.socket

    def _dump_once(self, name: str, request: Request) -> tuple[list[Message], bool]:
        self._sequence += 1
        connection = self._socket(name)
        connection.send(self.codec.encode(request, NLM_F_DUMP, self._sequence))
        messages: list[Message] = []
        interrupted = False
        for number, flags, raw in self._received(connection, self._sequence):
            interrupted = interrupted or bool(flags & NLM_F_DUMP_INTR)
            if number == NLMSG_DONE:
                break
            if number == NLMSG_ERROR:
                raise _error(raw, flags)
            messages.append(self.codec.decode(number, raw))
        return messages, interrupted

    def _answers(self, connection: socket.socket, first: int, count: int) -> list[Any]:
        """The last request asked for an acknowledgement; errors and answers of the others come before it."""
        answers: list[Any] = [None] * count
        for number, flags, raw in self._received(connection, first, first + count - 1):
            index = HEADER.unpack_from(raw)[3] - first
            if number != NLMSG_ERROR:
                answers[index] = self.codec.decode(number, raw)
                continue
            if struct.unpack_from("=i", raw, HEADER.size)[0]:
                answers[index] = _error(raw, flags)
            if index == count - 1:
                return answers
        return answers

    def _converse(self, connection: socket.socket, request: bytes) -> Iterator[bytes]:
        """One request, and the messages that answer it until the kernel says that it is done."""
        connection.send(request)
        for number, flags, raw in self._received(connection, HEADER.unpack_from(request)[3]):
            if number == NLMSG_DONE or (number == NLMSG_ERROR and not struct.unpack_from("=i", raw, HEADER.size)[0]):
                return
            if number == NLMSG_ERROR:
                raise _error(raw, flags)
            yield raw

    def _received(self, connection: socket.socket, first: int, last: int | None = None) -> Iterator[tuple[int, int, bytes]]:
        """Type, flags and bytes of each message that answers the requests first … last."""
        last = first if last is None else last
        while True:
            size = connection.recv_into(self._buffer)
            offset = 0
            while offset < size:
                length, number, flags, sequence, _port = HEADER.unpack_from(self._buffer, offset)
                if first <= sequence <= last:
                    yield number, flags, bytes(self._view[offset : offset + length])
                offset += (length + 3) & ~3

    def _present(self, name: str, indexes: set[int]) -> set[int]:
        return indexes & {message.fields["index"] for message in self.dump(name, Request("RTM_GETLINK", attrs=[("IFLA_EXT_MASK", 8)]))}

    def _drain(self, events: socket.socket, name: str, left: set[int]) -> set[int]:
        try:
            size = events.recv_into(self._buffer)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            return self._present(name, left)
        number = HEADER.unpack_from(self._buffer)[1] if size else 0
        if number != RTM["RTM_DELLINK"]:
            return left
        return left - {struct.unpack_from("=i", self._buffer, HEADER.size + 4)[0]}


def check_capabilities() -> None:
    """Changing networks needs two capabilities (capabilities(7)); say so before anything is tried."""
    with open("/proc/self/status", encoding="ascii") as file:
        effective = int(next(line for line in file if line.startswith("CapEff")).split()[1], 16)
    wanted = {"CAP_NET_ADMIN": CAP_NET_ADMIN, "CAP_SYS_ADMIN": CAP_SYS_ADMIN}
    missing = [name for name, bit in wanted.items() if not effective >> bit & 1]
    if missing:
        raise EnvironmentMissing.of(f"{' and '.join(missing)} missing: run as root (become: true)")


def _netlink_socket(groups: int = 0, protocol: int = socket.NETLINK_ROUTE) -> socket.socket:
    connection = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
    for option in (NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK):
        connection.setsockopt(SOL_NETLINK, option, 1)
    for option in (SO_SNDBUFFORCE, SO_RCVBUFFORCE):
        with contextlib.suppress(PermissionError):  # reading works without
            connection.setsockopt(socket.SOL_SOCKET, option, 1 << 22)
    connection.bind((0, groups))
    return connection


def _error(raw: bytes, flags: int) -> KernelError:
    """NLMSG_ERROR with its extended acknowledgement, if any (netlink.h: nlmsgerr_attrs)."""
    number = -struct.unpack_from("=i", raw, HEADER.size)[0]
    text = os.strerror(number)
    offset = HEADER.size + 4 + HEADER.size
    while flags & NLM_F_ACK_TLVS and offset + 4 <= len(raw):
        length, kind = struct.unpack_from("=HH", raw, offset)
        if kind == 1:
            text += f" ({raw[offset + 4 : offset + length].rstrip(bytes(1)).decode(errors='replace')})"
        offset += max(4, (length + 3) & ~3)
    return KernelError(number, text)
