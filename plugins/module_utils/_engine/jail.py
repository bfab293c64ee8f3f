# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A jail: a cgroup whose sockets may only use a few of the host's addresses. The type of the document and of what is observed."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from .digest import sha256

LOOPBACKS = "127.128.0.0/9"  # the half of 127.0.0.0/8 from which jails get theirs
LOOPBACKS6 = "fd77:6566:7400::/64"  # unique local addresses (RFC 4193)
SLICE = ".slice"
PLACES = ("weft/", "weft.slice/")  # where cgroups are that jails name themselves


@dataclass(frozen=True)
class Jail:
    """``ports``: numbers and ranges such as 80-89, sorted; none: all. ``cgroup``: below the mount of cgroup2."""

    name: str
    addresses: tuple[str, ...] = ()  # in the order of the document: the first of a family is what the wildcard means
    ports: tuple[str, ...] = ()
    loopback: str = "own"  # own, host
    cgroup: str = ""
    unit: str | None = None  # of systemd, that is to run in this cgroup
    link: str = "lo"  # has the addresses
    intact: bool = True  # every program is there, and runs for this very cgroup
    made: bool = field(default=True, compare=False)  # the cgroup was not there before
    processes: tuple[int, ...] = field(default=(), compare=False)
    ours: bool = field(default=True, compare=False)

    @property
    def key(self) -> str:
        return self.name

    @property
    def text(self) -> str:
        ports = f" ports {', '.join(self.ports)}" if self.ports else ""
        broken = "" if self.intact else " (not as it was made)"
        return f"jail {self.name} {', '.join(self.addresses)}{ports} around {self.unit or self.cgroup}{broken}"

    def of_family(self, family: int) -> tuple[str, ...]:
        return tuple(each for each in self.addresses if (":" in each) == (family == 6))

    @property
    def loopbacks(self) -> tuple[str | None, str | None]:
        """What 127.0.0.1 and ::1 mean inside; None: the host's, or nothing, in a jail that has no IPv6."""
        if self.loopback == "host":
            return None, None
        return _within(LOOPBACKS, self.name), _within(LOOPBACKS6, self.name) if self.of_family(6) else None


def cgroup_of(name: str, unit: str | None) -> str:
    """Where a jail is that names no cgroup. A service gets a slice around it, which stays when the service is started anew."""
    if unit is None:
        return f"weft/{name}"
    path, parts = [], (unit if unit.endswith(SLICE) else slice_of(name))[: -len(SLICE)].split("-")
    for count in range(1, len(parts) + 1):
        path.append("-".join(parts[:count]) + SLICE)
    return "/".join(path)


def slice_of(name: str) -> str:
    """As systemd.slice(5) has it: a dash means within, so that one in the name is escaped (systemd-escape(1))."""
    return "weft-" + "".join(each if (each.isalnum() and each.isascii()) or each in "_." else _escaped(each) for each in name) + SLICE


def _escaped(letter: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in letter.encode())


def _within(prefix: str, name: str) -> str:
    """An address that follows from the name: the same on every run, and hardly ever another's."""
    network = ipaddress.ip_network(prefix)
    number = int(sha256(name.encode()), 16)
    return str(network[1 + number % (network.num_addresses - 2)])
