# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of the host document and of the observed state: the same for both.

A namespace holds links and *objects*: addresses, routes, rules, neighbours, forwarding
entries and sysctls. Every object has a ``key`` (what makes it this one and not another),
and ``text`` is how steps and errors call it. Fields with ``compare=False`` are
facts of the kernel that no document declares.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar, Union

from .filters import Filter
from .jail import Jail

HOST = "host"
PROTOCOL = 0x77  # marks routes, rules, addresses and neighbours of ours; unassigned in rt_protos
RTPROT_KERNEL = 2  # rtnetlink.h
ALIAS = "weft:"  # marks links of ours, and the lo of namespaces of ours
MAIN_TABLE = 254
LOCAL_TABLE = 255
ANYWHERE = ("0.0.0.0/0", "::/0")


Value = TypeVar("Value")


def replace(model: Value, /, **changes: Any) -> Value:
    """As ``dataclasses.replace()``, for values without checks of their own: a run makes tens of thousands of them."""
    copy = object.__new__(type(model))
    vars(copy).update(vars(model), **changes)
    return copy


@dataclass(frozen=True)
class Link:
    """A network device. ``kind`` None: it exists already; only what is set here is managed.

    ``attributes`` is the kind's dictionary. An attribute that is None or missing is not managed.
    """

    name: str
    kind: str | None = None
    state: str | None = None  # up, down, absent
    mtu: int | None = None
    mac: str | None = None
    master: str | None = None
    txqueuelen: int | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    port: Mapping[str, Any] = field(default_factory=dict)  # as a port of a bridge
    route_to: str | None = None  # found by the host's route to this address, not by name
    index: int = field(default=0, compare=False)
    owner: str | None = field(default=None, compare=False)  # document name; None: foreign
    permanent: bool = field(default=False, compare=False)  # hardware, or otherwise not ours to make
    permanent_mac: str | None = field(default=None, compare=False)  # as the hardware has it

    @property
    def key(self) -> str:
        return self.name

    @property
    def addresses_of(self) -> str | None:
        """The port whose addresses a declared bridge takes."""
        return self.attributes.get("addresses_of") if self.state != "absent" else None


@dataclass(frozen=True)
class Address:
    """An address of a link: with another prefix length it is another one."""

    link: str
    ip: str
    prefixlen: int
    secondary: bool = field(default=False, compare=False)
    ours: bool = field(default=False, compare=False)
    lasting: bool = field(default=True, compare=False)  # until somebody removes it; else for a time

    @property
    def key(self) -> tuple[str, str, int]:
        return (self.link, self.ip, self.prefixlen)

    @property
    def family(self) -> int:
        return 6 if ":" in self.ip else 4

    @property
    def text(self) -> str:
        return f"address {self.link} {self.ip}/{self.prefixlen}"


class NextHop(NamedTuple):
    gateway: str | None = None
    link: str | None = None
    weight: int = 1
    onlink: bool = False


@dataclass(frozen=True)
class Route:
    """``destination`` is CIDR, 0.0.0.0/0 and ::/0 for the default routes."""

    destination: str
    type: str = "unicast"
    nexthops: tuple[NextHop, ...] = ()
    source: str | None = None  # an address; in a document also a link's name: its first address
    metric: int = 0
    table: int = MAIN_TABLE
    ours: bool = field(default=False, compare=False)
    protocol: int = field(default=PROTOCOL, compare=False)

    @property
    def automatic(self) -> bool:
        """Made by the kernel, or in its name, with an address."""
        return self.protocol == RTPROT_KERNEL

    @property
    def key(self) -> tuple[str, int, int]:
        return (self.destination, self.table, self.metric)

    @property
    def family(self) -> int:
        return 6 if ":" in self.destination else 4

    @property
    def text(self) -> str:
        name = "default" if self.destination in ANYWHERE else self.destination
        words = ["route", name]
        if self.type != "unicast":
            words.append(self.type)
        for hop in self.nexthops:
            words += ["via", hop.gateway] if hop.gateway else []
            words += ["dev", hop.link] if hop.link else []
            words += ["onlink"] if hop.onlink else []
            words += ["weight", str(hop.weight)] if hop.weight != 1 else []
        words += ["src", self.source] if self.source else []
        words += ["table", str(self.table)] if self.table != MAIN_TABLE else []
        words += ["metric", str(self.metric)] if self.metric != default_metric(self.family) else []
        return " ".join(words)


@dataclass(frozen=True)
class Rule:
    """A routing policy rule. All fields together are its identity: a changed rule is another rule."""

    priority: int
    family: int
    source: str | None = None  # `from` in the document
    destination: str | None = None  # `to`
    iif: str | None = None
    oif: str | None = None
    fwmark: str | None = None  # "0x1/0xff"
    table: int | None = None
    type: str = "lookup"
    ours: bool = field(default=False, compare=False)

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.priority, self.family, self.source, self.destination, self.iif, self.oif, self.fwmark, self.table, self.type)

    @property
    def text(self) -> str:
        words = ["rule", str(self.priority)]
        for word, value in (("from", self.source), ("to", self.destination), ("iif", self.iif), ("oif", self.oif), ("fwmark", self.fwmark)):
            words += [word, value] if value else []
        words += ["lookup", str(self.table)] if self.type == "lookup" else [self.type]
        return " ".join(words + (["ipv6"] if self.family == 6 else []))


@dataclass(frozen=True)
class Neighbour:
    """A permanent entry: the MAC of an address; or a proxy entry, for which the link answers itself (ip-neighbour(8))."""

    link: str
    address: str
    mac: str | None = None
    proxy: bool = False
    ours: bool = field(default=False, compare=False)
    probe: bool = field(default=False, compare=False)  # a proxy entry that is not made while somebody on the wire has the address

    @property
    def key(self) -> tuple[str, str, bool]:
        return (self.link, self.address, self.proxy)

    @property
    def family(self) -> int:
        return 6 if ":" in self.address else 4

    @property
    def text(self) -> str:
        return f"neighbour {self.link} {self.address} " + ("proxy" if self.proxy else f"lladdr {self.mac}")


@dataclass(frozen=True)
class Forward:
    """A permanent forwarding entry of a vxlan link: frames to ``mac`` go to the host ``remote``."""

    link: str
    mac: str
    remote: str
    ours: bool = field(default=True, compare=False)

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.link, self.mac, self.remote)

    @property
    def text(self) -> str:
        return f"forward {self.link} {self.mac} to {self.remote}"


@dataclass(frozen=True)
class Rate:
    """What a link sends at most: a token bucket as its root queueing discipline (tc-tbf(8)). ``kind``: another one's, if that is there."""

    link: str
    value: int = 0  # bit/s
    bucket: int = 0  # how long it takes to fill, in the kernel's ticks
    limit: int = 0  # bytes that may wait
    kind: str = "tbf"
    ours: bool = field(default=True, compare=False)

    @property
    def key(self) -> str:
        return self.link

    @property
    def text(self) -> str:
        return f"rate {self.link} {self.words}"

    @property
    def words(self) -> str:
        return rate_words(self.value) if self.value else self.kind


@dataclass(frozen=True)
class Redirect:
    """What arrives on a link goes through the queue of another one, an ifb, before anybody sees it: so it can be held to a rate.

    ``to`` empty: something else has its ingress.
    """

    link: str
    to: str = ""
    ours: bool = field(default=True, compare=False)

    @property
    def key(self) -> str:
        return self.link

    @property
    def text(self) -> str:
        return f"redirect {self.link} to {self.to or 'something else'}"


@dataclass(frozen=True)
class Peer:
    """Whom a wireguard link talks to. ``preshared_key``: read from the file that a document names."""

    public_key: str
    endpoint: str | None = None  # None in a document: whatever is there
    allowed_ips: tuple[str, ...] = ()  # sorted
    persistent_keepalive: int = 0  # seconds; 0: never
    preshared_key: str | None = field(default=None, repr=False)
    preshared_key_file: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class WireGuard:
    """Keys and peers of a wireguard link. In a document, what is None is not managed."""

    link: str
    private_key: str | None = field(default=None, repr=False)
    private_key_file: str | None = field(default=None, compare=False)
    listen_port: int | None = None
    fwmark: int | None = None
    peers: tuple[Peer, ...] | None = None  # sorted by their keys
    ours: bool = field(default=True, compare=False)

    @property
    def key(self) -> str:
        return self.link

    @property
    def text(self) -> str:
        return f"wireguard {self.link} of {len(self.peers or ())} peers"

    @property
    def endpoints(self) -> dict[str, str]:
        return {peer.public_key: peer.endpoint for peer in self.peers or () if peer.endpoint}

    def over(self, seen: WireGuard | None, told: Mapping[str, str]) -> WireGuard:
        """With what is not declared as it was seen. ``told``: endpoints that were declared when it was last
        made so: a peer whose endpoint is declared as it was then stays where it may have roamed to."""
        if seen is None:
            return self
        peers = seen.peers if self.peers is None else tuple(_roamed(peer, seen.peers or (), told) for peer in self.peers)
        unsaid = {key: getattr(seen, key) for key in ("private_key", "listen_port", "fwmark") if getattr(self, key) is None}
        return replace(self, peers=peers, **unsaid)


def _roamed(peer: Peer, seen: tuple[Peer, ...], told: Mapping[str, str]) -> Peer:
    now = next((each.endpoint for each in seen if each.public_key == peer.public_key), None)
    return replace(peer, endpoint=now) if now and peer.endpoint in (None, told.get(peer.public_key)) else peer


@dataclass(frozen=True)
class Sysctl:
    """A setting of the namespace, as a text."""

    name: str  # net.ipv4.ip_forward; a `/` inside a component stands for a dot, as in sysctl(8)
    value: str
    echoes: tuple[tuple[str, str], ...] = field(default=(), compare=False)  # see sysctl.py
    ours: bool = field(default=True, compare=False)

    @property
    def key(self) -> str:
        return self.name

    @property
    def text(self) -> str:
        return f"sysctl {self.name} {self.value}"


@dataclass(frozen=True)
class Resolver:
    """/etc/netns/<name>/resolv.conf, which `ip netns exec` and others put over /etc/resolv.conf (ip-netns(8))."""

    nameservers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    ours: bool = field(default=True, compare=False)

    @property
    def key(self) -> str:
        return "resolv.conf"

    @property
    def text(self) -> str:
        return "resolv.conf nameserver " + " ".join(self.nameservers)


Object = Union[Address, Route, Rule, Neighbour, Forward, Sysctl, WireGuard, Rate, Redirect, Resolver, Jail, Filter]
Objects = Mapping[Any, Object]  # by key


@dataclass(frozen=True)
class Namespace:
    """A network namespace: in a document what it shall have, observed what it has.

    ``path`` set: it exists already and is known by that path (a running container's, or
    just /run/netns/<name>); it is not ours to make or delete.
    """

    name: str
    links: Mapping[str, Link] = field(default_factory=dict)
    addresses: Mapping[Any, Address] = field(default_factory=dict)
    routes: Mapping[Any, Route] = field(default_factory=dict)
    rules: Mapping[Any, Rule] = field(default_factory=dict)
    neighbours: Mapping[Any, Neighbour] = field(default_factory=dict)
    forwards: Mapping[Any, Forward] = field(default_factory=dict)
    sysctls: Mapping[Any, Sysctl] = field(default_factory=dict)
    wireguards: Mapping[Any, WireGuard] = field(default_factory=dict)
    rates: Mapping[Any, Rate] = field(default_factory=dict)
    redirects: Mapping[Any, Redirect] = field(default_factory=dict)
    resolvers: Mapping[Any, Resolver] = field(default_factory=dict)
    jails: Mapping[Any, Jail] = field(default_factory=dict)  # of the host
    filters: Mapping[Any, Filter] = field(default_factory=dict)
    path: str | None = None
    in_use: str = "refuse"
    owner: str | None = field(default=None, compare=False)
    identity: int = field(default=0, compare=False)  # inode of the namespace

    @property
    def made(self) -> bool:
        """It is (to be) made and deleted by this collection."""
        return self.name != HOST and self.path is None


# Collections of a namespace by the type of their objects, in the order in which they are made.
COLLECTIONS: dict[type, str] = {
    Sysctl: "sysctls",
    WireGuard: "wireguards",
    Rate: "rates",
    Redirect: "redirects",
    Resolver: "resolvers",
    Address: "addresses",
    Neighbour: "neighbours",
    Forward: "forwards",
    Route: "routes",
    Rule: "rules",
    Jail: "jails",
    Filter: "filters",
}
OBJECTS = tuple(COLLECTIONS.values())[:-1]  # filters stand before all of these, and fall after them
BEFORE_LINKS = OBJECTS[:4]  # these stand before links come up


@dataclass(frozen=True)
class Desired:
    """A host document, parsed. ``namespaces`` has the host's own too, under ``host``."""

    namespaces: Mapping[str, Namespace] = field(default_factory=dict)


@dataclass(frozen=True)
class Observed:
    """What the kernel has, as far as a document could concern it.

    ``leftovers``: names under /run/netns that are bound to nothing. ``paths``: inode of the namespace at
    each path to adopt, 0 for none. ``unbound``: names under which the namespace to adopt was looked at, but
    which are not bound to it: the inode of what they are bound to, 0 for nothing. ``processes``: pids inside
    namespaces of ours that may have to go.
    """

    namespaces: Mapping[str, Namespace] = field(default_factory=dict)
    leftovers: frozenset[str] = frozenset()
    paths: Mapping[str, int] = field(default_factory=dict)
    unbound: Mapping[str, int] = field(default_factory=dict)
    processes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def is_address(text: str) -> bool:
    """An IP address, rather than the name of a link."""
    try:
        return bool(socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text))
    except (OSError, ValueError):
        return False


def rate_words(bits: int) -> str:
    """As tc(8) writes it: in the largest unit in which it is a whole number."""
    power = next(power for power in (4, 3, 2, 1, 0) if bits % 1000**power == 0)
    return f"{bits // 1000**power}{('bit', 'kbit', 'mbit', 'gbit', 'tbit')[power]}"


def default_metric(family: int) -> int:
    """What the kernel uses when a route names no metric."""
    return 1024 if family == 6 else 0


def local_path(name: str) -> str:
    return f"/run/netns/{name}"


def resolver_path(name: str) -> str:
    return f"/etc/netns/{name}/resolv.conf"


def named(items: Any) -> dict[Any, Any]:
    """Objects by their key."""
    return {item.key: item for item in items}
