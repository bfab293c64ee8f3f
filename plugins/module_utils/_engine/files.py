# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel takes and tells through files: sysctls and tun devices of the namespace that this thread is in, and plain files."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import ipaddress
import os
import struct
import sys

from .errors import KernelError

SYSCTLS = "/proc/sys"
SOCKETS = "/proc/thread-self/net"
LISTENING = {"tcp": b"0A", "udp": b"07"}  # TCP_LISTEN; TCP_CLOSE, which is a socket of UDP that hears everybody
TUNSETIFF, TUNSETPERSIST, TUNSETOWNER, TUNSETIFINDEX = 0x400454CA, 0x400454CB, 0x400454CC, 0x400454DA
IFF_TUN, IFF_TAP, IFF_NO_PI = 0x1, 0x2, 0x1000


Listener = tuple[str, str, int]  # protocol, address, port


def listeners() -> list[Listener]:
    """Who waits for others on this host (proc_net_tcp.rst). Without IPv6 there is no file about it."""
    found = []
    for protocol, state in LISTENING.items():
        for family in ("", "6"):
            with contextlib.suppress(FileNotFoundError), open(f"{SOCKETS}/{protocol}{family}", "rb") as file:
                rows = [line.split(None, 4) for line in file if b" " + state + b" " in line]
                found += [(protocol, *_socket(row[1].decode())) for row in rows if row[3] == state]
    return found


def _socket(text: str) -> tuple[str, int]:
    """Words of 32 bits, each in this machine's own order."""
    address, _colon, port = text.partition(":")
    words = [int(address[place : place + 8], 16).to_bytes(4, sys.byteorder) for place in range(0, len(address), 8)]
    return str(ipaddress.ip_address(b"".join(words))), int(port, 16)


def read_sysctl(path: str) -> str | None:
    try:
        with open(f"{SYSCTLS}/{path}", encoding="ascii") as file:
            return " ".join(file.read().split())
    except OSError:  # some are write-only, or unset (stable_secret)
        return None


def write_sysctl(path: str, value: str) -> None:
    try:
        with open(f"{SYSCTLS}/{path}", "w", encoding="ascii") as file:
            file.write(value)
    except OSError as error:
        raise _refused(error) from error


def list_sysctls(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(f"{SYSCTLS}/{folder}"))
    except FileNotFoundError:
        return []


def make_tun(link: str, tap: bool, owner: int | None, index: int) -> None:
    """The kernel makes those by ioctl only (tuntap.rst)."""
    flags = (IFF_TAP if tap else IFF_TUN) | IFF_NO_PI
    try:
        with open("/dev/net/tun", "r+b", buffering=0) as device:
            if index:
                fcntl.ioctl(device, TUNSETIFINDEX, struct.pack("=I", index))
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", link.encode(), flags))
            if owner is not None:
                fcntl.ioctl(device, TUNSETOWNER, owner)
            fcntl.ioctl(device, TUNSETPERSIST, 1)
    except OSError as error:
        raise _refused(error, "/dev/net/tun: ") from error


def read(path: str) -> str | None:
    """None: it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def write(path: str, content: str | None) -> None:
    """Replace a file in one step; None removes it, and its folder when that is empty then."""
    try:
        if content is None:
            os.unlink(path)
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(path))
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as file:
            file.write(content)
        os.replace(f"{path}.{os.getpid()}", path)
    except OSError as error:
        raise _refused(error, f"{path}: ") from error


def _refused(error: OSError, about: str = "") -> KernelError:
    number = error.errno or errno.EIO
    return KernelError(number, about + os.strerror(number))
