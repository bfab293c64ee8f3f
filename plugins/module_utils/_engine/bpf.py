# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""bpf(2) by ctypes: programs, links to cgroups, and maps that keep a text. No compiler and no library on the host."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from dataclasses import dataclass

from .errors import EnvironmentMissing, KernelError

LIBC = ctypes.CDLL(None, use_errno=True)
SYSCALLS = {"x86_64": 321, "aarch64": 280}
MAP_CREATE, MAP_LOOKUP, MAP_UPDATE, MAP_FREEZE = 0, 1, 2, 22  # bpf_cmd
PROG_LOAD, PROG_BY_ID, OBJ_PIN, OBJ_GET, GET_INFO, LINK_CREATE, LINK_UPDATE = 5, 13, 6, 7, 15, 28, 29
ARRAY = 2  # BPF_MAP_TYPE_ARRAY
LOG_BYTES = 1 << 16
SHOWN_LINES = 6  # of the verifier's log: the last ones say what is wrong


@dataclass(frozen=True)
class Hook:
    """Where a program is run: ``type`` and ``attach`` are the kernel's numbers (bpf_prog_type, bpf_attach_type)."""

    type: int
    attach: int


@dataclass(frozen=True)
class Link:
    """A program at a cgroup. ``cgroup`` 0: the cgroup is gone, and the program runs nowhere."""

    program: int
    cgroup: int
    attach: int


def load(name: str, hook: Hook, code: bytes) -> int:
    """A program from its instructions. Returns a descriptor.

    :raises KernelError: with the end of the verifier's log.
    """
    log = ctypes.create_string_buffer(LOG_BYTES)
    text, licence = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b"GPL")
    attr = struct.pack(
        "=IIQQIIQII16sII",
        *(hook.type, len(code) // 8, ctypes.addressof(text), ctypes.addressof(licence)),
        *(0, 0, 0, 0, 0),  # no log: it costs, and a program that was accepted once is accepted again
        *(_name(name), 0, hook.attach),
    )
    try:
        return _call(PROG_LOAD, attr, f"load {name}")
    except KernelError as error:
        told = attr[:24] + struct.pack("=IIQ", 1, LOG_BYTES, ctypes.addressof(log)) + attr[40:]
        try:
            return _call(PROG_LOAD, told, f"load {name}")
        except KernelError:
            lines = log.value.decode(errors="replace").strip().splitlines()[-SHOWN_LINES:]
            raise KernelError(error.errno, "; ".join([str(error), *lines])) from None


def link(program: int, cgroup: int, attach: int) -> int:
    """Have a program run for a cgroup (a descriptor of its folder), beside those that others have there. Returns a descriptor."""
    return _call(LINK_CREATE, struct.pack("=IIII", program, cgroup, attach, 0), "attach")


def replace(attached: int, program: int) -> None:
    """Have a link run another program: no packet is seen by neither or by both."""
    _call(LINK_UPDATE, struct.pack("=IIII", attached, program, 0, 0), "replace")


def look(attached: int) -> Link:
    """What a link is (struct bpf_link_info)."""
    _type, _id, program, _pad, cgroup, attach, _pad = struct.unpack("=IIIIQII", _info(attached, 32))
    return Link(program, cgroup, attach)


def program_of(identity: int) -> int:
    """A descriptor of the program that a :class:`Link` names."""
    return _call(PROG_BY_ID, struct.pack("=III", identity, 0, 0), "look at")


def keep_text(name: str, text: str) -> int:
    """A map of one value that cannot be changed any more. Returns a descriptor."""
    value = text.encode()
    attr = struct.pack("=IIIII I I16s", ARRAY, 4, len(value), 1, 0, 0, 0, _name(name))
    descriptor = _call(MAP_CREATE, attr, f"map {name}")
    try:
        key, content = ctypes.c_uint32(0), ctypes.create_string_buffer(value, len(value))
        _call(MAP_UPDATE, struct.pack("=IIQQQ", descriptor, 0, ctypes.addressof(key), ctypes.addressof(content), 0), f"map {name}")
        _call(MAP_FREEZE, struct.pack("=I", descriptor), f"map {name}")
    except KernelError:
        os.close(descriptor)
        raise
    return descriptor


def kept_text(descriptor: int) -> str:
    """What :func:`keep_text` was given (struct bpf_map_info)."""
    size = struct.unpack_from("=IIII", _info(descriptor, 80))[3]
    key, content = ctypes.c_uint32(0), ctypes.create_string_buffer(-(-size // 8) * 8)
    _call(MAP_LOOKUP, struct.pack("=IIQQQ", descriptor, 0, ctypes.addressof(key), ctypes.addressof(content), 0), "read map")
    return content.raw[:size].decode()


def pin(descriptor: int, path: str) -> None:
    """Give it a name in a file system of type bpf: it lives as long as that."""
    name = ctypes.create_string_buffer(path.encode())
    _call(OBJ_PIN, struct.pack("=QII", ctypes.addressof(name), descriptor, 0), path)


def get(path: str) -> int:
    """A descriptor of what is pinned there."""
    name = ctypes.create_string_buffer(path.encode())
    return _call(OBJ_GET, struct.pack("=QII", ctypes.addressof(name), 0, 0), path)


def _info(descriptor: int, size: int) -> bytes:
    info = ctypes.create_string_buffer(size)
    _call(GET_INFO, struct.pack("=IIQ", descriptor, size, ctypes.addressof(info)), "look at")
    return info.raw


def _name(name: str) -> bytes:
    """At most 15 letters, digits, dots and underscores (bpf_obj_name_cpy())."""
    return "".join(each if (each.isalnum() and each.isascii()) or each in "._" else "_" for each in name)[:15].encode()


def _call(command: int, attr: bytes, about: str) -> int:
    number = SYSCALLS.get(os.uname().machine)
    if number is None:
        raise EnvironmentMissing.of(f"jails need bpf(2), and its number on {os.uname().machine} is not known here")
    buffer = ctypes.create_string_buffer(attr, len(attr))
    result = int(LIBC.syscall(number, command, buffer, len(attr)))
    if result < 0:
        code = ctypes.get_errno()
        if code == errno.ENOSYS:
            raise EnvironmentMissing.of("jails need a kernel with CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF")
        raise KernelError(code, f"bpf: {about}: {os.strerror(code)}")
    return result
