# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes in a jail, and one outside that tells whom it sees. This file is also the program that they run.

A question is a dictionary: ``family``, ``type`` (names of the socket module), ``steps``: a list of method and arguments. The answer is
what the last step returned, or the name of its errno.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import selectors
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

SECONDS = 3.0
MAPPED = bytes(10) + b"\xff\xff"
GROUP4 = MAPPED + b"\xe0"
CGROUPS = "/sys/fs/cgroup"


class Cell:
    """A process in a cgroup that does with sockets what it is told. It holds each until it is told to close them all."""

    def __init__(self, cgroup: str, user: int = 0) -> None:
        def enter() -> None:
            if cgroup:
                with open(f"{CGROUPS}/{cgroup}/cgroup.procs", "w", encoding="ascii") as file:
                    file.write("0")

        self._process = subprocess.Popen(
            [sys.executable, __file__, str(user)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=enter
        )
        self.pid = self._process.pid

    def ask(self, family: str, type_: str, *steps: list[Any], hold: bool = False, protocol: int = 0) -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"family": family, "type": type_, "steps": steps, "hold": hold, "protocol": protocol}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@contextlib.contextmanager
def cell(cgroup: str, user: int = 0) -> Iterator[Cell]:
    started = Cell(cgroup, user)
    try:
        yield started
    finally:
        started.close()


def _answer(held: list[socket.socket], question: dict[str, Any]) -> Any:
    try:
        if question["family"] == "held":
            opened = held[-1]
        else:
            opened = socket.socket(getattr(socket, question["family"]), getattr(socket, question["type"]), question["protocol"])
            held.append(opened)
        opened.settimeout(SECONDS)
        result = None
        for name, *arguments in question["steps"]:
            result = _step(opened, name, arguments)
    except OSError as error:
        result = "timeout" if isinstance(error, TimeoutError) else errno.errorcode[error.errno or 0]
    if not question["hold"] and question["family"] != "held":
        held.pop().close() if held else None
    return result


def _step(opened: socket.socket, name: str, arguments: list[Any]) -> Any:
    if name in ("bind", "connect"):
        return getattr(opened, name)(_name(*arguments))
    if name == "sendto":
        return opened.sendto(b"?", _name(*arguments))
    if name == "sendmsg":  # from a source of its own choice (ip(7), ipv6(7))
        source, index, *target = arguments
        level, kind, data = _packet_info(source, index)
        return opened.sendmsg([b"?"], [(level, kind, data)], 0, tuple(target) or None)
    if name in ("recv", "told"):
        return opened.recv(64).decode()
    if name == "recvfrom":
        return opened.recvfrom(64)[1][0]
    if name == "send":
        return opened.send(b"?")
    if name in ("getsockname", "getpeername"):
        return getattr(opened, name)()[0]
    if name == "pour":
        return sum(opened.send(bytes(1 << 16)) for _turn in range(arguments[0] >> 16))
    if name == "port":
        return opened.getsockname()[1]
    if name == "accept":
        connection, peer = opened.accept()
        local = connection.getsockname()[0]
        connection.close()
        return [peer[0], local]
    return getattr(opened, name)(*arguments)


def _name(address: str, port: int) -> tuple[Any, ...]:
    """With the link, where the address has one after a `%`."""
    address, _percent, link = address.partition("%")
    return (address, port, 0, socket.if_nametoindex(link)) if link else (address, port)


def _packet_info(source: str, index: int) -> tuple[int, int, bytes]:
    if ":" in source:
        return socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, socket.inet_pton(socket.AF_INET6, source) + index.to_bytes(4, sys.byteorder)
    return socket.IPPROTO_IP, 8, index.to_bytes(4, sys.byteorder) + socket.inet_aton(source) + bytes(4)  # IP_PKTINFO


@contextlib.contextmanager
def observer(link: str, ports: Iterable[int], namespace: str | None = None) -> Iterator[None]:
    """Servers on the wildcard and in a multicast group, outside of every jail, which answer with the address that they see."""
    inside = ["ip", "netns", "exec", namespace] if namespace else []
    command = [*inside, sys.executable, __file__, "observe", link, *map(str, ports)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "ready\n"
    try:
        yield
    finally:
        process.communicate()


def _observe(link: str, ports: list[int]) -> None:
    selector = selectors.DefaultSelector()
    index = socket.if_nametoindex(link)
    for port in ports:
        for type_ in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            server = socket.socket(socket.AF_INET6, type_)
            server.bind(("::", port))
            if type_ == socket.SOCK_STREAM:
                server.listen()
            else:
                server.setsockopt(
                    socket.IPPROTO_IPV6,
                    socket.IPV6_JOIN_GROUP,
                    socket.inet_pton(socket.AF_INET6, "ff02::77") + index.to_bytes(4, sys.byteorder),
                )
                server.setsockopt(
                    socket.IPPROTO_IP,
                    socket.IP_ADD_MEMBERSHIP,
                    socket.inet_aton("224.0.0.77") + bytes(4) + index.to_bytes(4, sys.byteorder),
                )
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            selector.register(server, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _events in selector.select():
            if key.fileobj is sys.stdin:
                return
            _tell(key.fileobj)


def _tell(server: Any) -> None:
    if server.type == socket.SOCK_STREAM:
        connection, peer = server.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(peer[0].removeprefix("::ffff:").encode())
    else:
        _data, told, _flags, peer = server.recvmsg(64, 64)
        group = any(data[:1] == b"\xff" or data[:13] == GROUP4 for _level, _type, data in told)
        with contextlib.suppress(OSError):  # from the address that was asked; a group cannot answer
            server.sendmsg([peer[0].removeprefix("::ffff:").encode()], [] if group else map(_by_any_link, told), 0, peer)


def _by_any_link(told: tuple[int, int, bytes]) -> tuple[int, int, bytes]:
    """IPv4 is answered by the route to who asked, not by the link over which the question came."""
    level, kind, data = told
    return level, kind, data[:16] + bytes(4) if data.startswith(MAPPED) else data


if __name__ == "__main__":
    if sys.argv[1] == "observe":
        _observe(sys.argv[2], [int(port) for port in sys.argv[3:]])
    else:
        os.setresuid(*[int(sys.argv[1])] * 3)
        sockets: list[socket.socket] = []
        for line in sys.stdin:
            print(json.dumps(_answer(sockets, json.loads(line))), flush=True)
