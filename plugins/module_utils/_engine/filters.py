# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a document has nftables do on the host: the types of its ``filter``, and of what was observed of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Guard:
    """Whatever enters by this link must come from this MAC and one of these addresses. ``bridged``: the link is a bridge's port."""

    link: str
    mac: str  # empty: the link has none
    addresses: tuple[str, ...] = ()  # sorted; the link-local address that follows from the MAC goes without saying
    bridged: bool = False


@dataclass(frozen=True)
class Isolated:
    """Nothing is forwarded between these links. Where they are ports of a bridge, which keeps isolated ports apart itself, the
    host is the way round: it does not take from them what is for ``destinations``, but for the addresses ``excepted``."""

    links: tuple[str, ...]
    destinations: tuple[str, ...] = ()
    excepted: tuple[str, ...] = ()
    bridged: bool = False


Ports = tuple[int, int]  # the first and the last


@dataclass(frozen=True)
class Masquerade:
    """What comes from these prefixes gets the host's own address when it leaves by any other link than these.

    ``address``: one that stands for all that is behind it, also where one of them reaches another by it. What is sent from a port
    that is published there stays at that port, all else gets one of ``ports``.
    """

    sources: tuple[str, ...]
    links: tuple[str, ...] = ()
    address: str | None = None
    ports: Ports | None = None


@dataclass(frozen=True)
class Publication:
    """What is sent to these ports of the host is for a container's address, which is behind this link of the host."""

    protocol: str  # tcp, udp
    host_ports: Ports
    address: str
    link: str
    port: int | None = None  # None: the port to which it was sent
    host_address: str | None = None  # None: every address of the host

    @property
    def family(self) -> int:
        return 6 if ":" in self.address else 4

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.family, self.protocol, self.host_ports, self.host_address or "")

    @property
    def text(self) -> str:
        where = self.host_address or "*"
        return f"{where if self.family == 4 else f'[{where}]'}:{ports_text(self.host_ports)}/{self.protocol}"

    @property
    def looped(self) -> bool:
        """The host's loopback address counts."""
        return self.family == 4 and (self.host_address or "127.").startswith("127.")

    def has(self, protocol: str, port: int) -> bool:
        return protocol == self.protocol and self.host_ports[0] <= port <= self.host_ports[1]

    def leads_to(self, address: str, port: int, asked: int) -> bool:
        """Whether what was sent to the port ``asked`` is for this address and port."""
        return (address, port) == (self.address, asked if self.port is None else self.port)


@dataclass(frozen=True)
class Anycast:
    """A gateway that other hosts have as well, with the same MAC and addresses: nothing of it or about it crosses this port of a bridge."""

    link: str
    mac: str
    addresses: tuple[str, ...] = ()  # sorted; the link-local address that follows from the MAC goes without saying


@dataclass(frozen=True)
class Filter:
    """All that a document has nftables do on the host: one table of each family that it needs."""

    document: str  # name of the document: the table bears it
    guards: tuple[Guard, ...] = ()  # sorted, as everything here, so that equal filters are equal
    isolated: tuple[Isolated, ...] = ()
    masquerade: tuple[Masquerade, ...] = ()
    anycast: tuple[Anycast, ...] = ()
    publish: tuple[Publication, ...] = ()
    intact: bool = True  # the kernel has it as it was loaded
    listing: str = field(default="", compare=False)  # what the kernel has, as a digest: see wire/ruleset.py
    ours: bool = field(default=True, compare=False)

    @property
    def key(self) -> str:
        return self.document

    @property
    def text(self) -> str:
        counted = {**self.parts, "publications": self.publish, "publish": ()}
        return "filter " + ", ".join(f"{len(value)} {word}" for word, value in counted.items() if value)

    @property
    def parts(self) -> Mapping[str, tuple[Any, ...]]:
        """By their keys in the document. A filter without any is none."""
        return {key: getattr(self, key) for key in ("guards", "isolated", "masquerade", "anycast", "publish")}


def ports_text(ports: Ports) -> str:
    first, last = ports
    return str(first) if first == last else f"{first}-{last}"


def ports_value(ports: Ports) -> int | str:
    """As a document has them."""
    return ports[0] if ports[0] == ports[1] else ports_text(ports)
