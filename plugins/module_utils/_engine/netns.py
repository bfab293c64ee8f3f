# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces and their names: system calls that Python does not have, and files below /run/netns (ip-netns(8))."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import socket
from collections.abc import Iterable
from typing import Any

from .errors import KernelError
from .model import local_path

NETNS_DIR = "/run/netns"
CLONE_NEWNET = 0x40000000
MS_BIND, MS_REC, MS_SHARED, MNT_DETACH = 0x1000, 0x4000, 0x100000, 2
LIBC = ctypes.CDLL(None, use_errno=True)


class Handle:
    """An open namespace: a descriptor that keeps it alive and one netlink socket inside."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.identity = os.fstat(fd).st_ino
        self.socket: socket.socket | None = None

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        os.close(self.fd)


def current() -> Handle:
    """The namespace that this thread is in."""
    return Handle(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))


def enter(handle: Handle) -> None:
    _call("setns", handle.fd, CLONE_NEWNET)


def unshare() -> Handle:
    """A new namespace, which this thread is in from here on."""
    _call("unshare", CLONE_NEWNET)
    return current()


def names() -> list[str]:
    """Names under /run/netns, sorted. Also those of files that are no namespaces."""
    try:
        return sorted(os.listdir(NETNS_DIR))
    except FileNotFoundError:
        return []


def emit(frames: Iterable[tuple[str, bytes]]) -> None:
    """Send Ethernet frames, each by a link of the namespace that this thread is in (packet(7))."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0) as connection:
        for link, frame in frames:
            with contextlib.suppress(OSError):
                connection.sendto(frame, (link, 0))


def get_option(connection: socket.socket, level: int, option: int, value: bytes) -> bytes:
    """getsockopt(2), for an option that reads what it fills."""
    buffer, size = ctypes.create_string_buffer(value, len(value)), ctypes.c_uint32(len(value))
    _call("getsockopt", connection.fileno(), level, option, buffer, ctypes.byref(size))
    return buffer.raw[: size.value]


def bind(fd: int, name: str) -> None:
    path = local_path(name)
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0))
    _call("mount", f"/proc/thread-self/fd/{fd}".encode(), path.encode(), b"none", MS_BIND, None)


def unbind(name: str) -> None:
    """Take the name away; also one that was never bound."""
    path = local_path(name)
    if LIBC.umount2(path.encode(), MNT_DETACH) < 0 and ctypes.get_errno() not in (errno.EINVAL, errno.ENOENT):
        raise KernelError(ctypes.get_errno(), f"umount {path}: {os.strerror(ctypes.get_errno())}")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def mount(kind: str, path: str) -> None:
    """A file system of the kernel's own."""
    _call("mount", kind.encode(), path.encode(), kind.encode(), 0, None)


def share_directory() -> None:
    """As ip-netns(8) does: a mount of its own, shared, so that names appear and go in all mount namespaces."""
    os.makedirs(NETNS_DIR, mode=0o755, exist_ok=True)
    try:
        _call("mount", b"none", NETNS_DIR.encode(), b"none", MS_SHARED | MS_REC, None)
    except KernelError as error:
        if error.errno != errno.EINVAL:
            raise
        _call("mount", NETNS_DIR.encode(), NETNS_DIR.encode(), b"none", MS_BIND | MS_REC, None)
        _call("mount", b"none", NETNS_DIR.encode(), b"none", MS_SHARED | MS_REC, None)


def _call(function: str, *arguments: Any) -> None:
    if getattr(LIBC, function)(*arguments) < 0:
        number = ctypes.get_errno()
        raise KernelError(number, f"{function}: {os.strerror(number)}")


def raise_descriptor_limit() -> None:
    """A descriptor and a socket for each namespace: a thousand containers need more than the usual 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
