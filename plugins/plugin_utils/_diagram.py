# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diagram shows of a host document, the same for every format.

A host is a set of *segments* (a bridge, a parent of sub-interfaces, a pair by itself), of *boxes*
(the namespaces) and of *wires*, each from a segment to an interface of a box, or to a port that leads elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

HOST = "host"
DOCUMENT = frozenset((HOST, "namespaces"))
ROUTES = 5
REMOTES = 3
PAIRS = ("veth", "netkit")
SUBLINKS = ("macvlan", "ipvlan")

Links = Mapping[str, Mapping[str, Any]]
Place = tuple[str, str]  # namespace, link


@dataclass(frozen=True)
class Interface:
    """A link and what is written beside its name: its kind, its addresses."""

    name: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "  ".join((self.name, *self.notes))


@dataclass(frozen=True)
class Box:
    name: str
    interfaces: tuple[Interface, ...] = ()
    routes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wire:
    """From a segment to interface number ``interface`` of box number ``box``; to the port ``label`` alone where box is None."""

    label: str = ""
    box: int | None = None
    interface: int = 0


@dataclass(frozen=True)
class Segment:
    """``name`` is empty for a pair of two boxes, and for a pair that the host routes to."""

    name: str = ""
    notes: tuple[str, ...] = ()
    wires: tuple[Wire, ...] = ()

    def __str__(self) -> str:
        return "  ".join((self.name, *self.notes))


@dataclass(frozen=True)
class Host:
    """``links`` are those of the host that no segment shows."""

    name: str
    segments: tuple[Segment, ...] = ()
    boxes: tuple[Box, ...] = ()
    links: tuple[Interface, ...] = ()
    routes: tuple[str, ...] = ()


def read(document: Any) -> list[Host]:
    """The hosts of one host document, or of a mapping of hosts to theirs. Raises ValueError if it is neither."""
    document = _decoded(document)
    if not isinstance(document, Mapping):
        raise ValueError(f"a host document is a mapping, not {type(document).__name__}")
    fleet = {str(name): _decoded(value) for name, value in document.items()}
    if _is_fleet(fleet):
        return [_Reader(name, value).host() for name, value in fleet.items()]
    if not DOCUMENT & document.keys():
        raise ValueError("a host document has 'host' or 'namespaces'; a fleet is a mapping of hosts to their documents")
    return [_Reader(HOST, document).host()]


def _decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value.lstrip().startswith("{") else value


def _is_fleet(hosts: Mapping[str, Any]) -> bool:
    """Whether each value is a document. ``{host: {}, namespaces: {}}`` is rather one document than two hosts."""
    documents = all(isinstance(value, Mapping) and DOCUMENT.issuperset(value) for value in hosts.values())
    return documents and (any(hosts.values()) or not DOCUMENT & hosts.keys()) and bool(hosts)


@dataclass
class _Draft:
    """A segment whose wires are still being found."""

    name: str = ""
    notes: tuple[str, ...] = ()
    wires: list[tuple[str, Place | None]] = field(default_factory=list)


class _Reader:
    """Reads one document. Ends of pairs that are named but not listed are drawn as well."""

    def __init__(self, name: str, document: Mapping[str, Any]) -> None:
        self.name = name
        spaces = {HOST: document.get(HOST) or {}, **(document.get("namespaces") or {})}
        self.spaces: dict[str, Mapping[str, Any]] = {key: space or {} for key, space in spaces.items()}
        self.links: dict[str, dict[str, Mapping[str, Any]]] = {key: _listed(space) for key, space in self.spaces.items()}
        for namespace, peer, link in [found for key in self.spaces for found in _pairs(key, self.links[key])]:
            self.links.setdefault(namespace, {}).setdefault(peer, link)
        self.shared: dict[str, _Draft] = {}  # by the host's link
        self.single: list[_Draft] = []
        self.shown: set[str] = set()  # links of the host that a segment shows

    def host(self) -> Host:
        for name, link in self.links[HOST].items():
            if link.get("kind") == "bridge":
                self._segment(name)
        for namespace, links in self.links.items():
            for name, link in links.items():
                self._join((namespace, name), link)
        return self._assembled([*self.shared.values(), *self.single])

    def _join(self, place: Place, link: Mapping[str, Any]) -> None:
        """Put a link on its segment. A pair is put there from its container's end; the host's end is the wire's label."""
        namespace, name = place
        peer = self._peer(link)
        if namespace == HOST:
            segment = _segment_of(link)
            if segment and (peer is None or peer[0] == HOST):
                self._segment(segment).wires.append((_label(name, link, pairs=True), None))
                self.shown.add(name)
            return
        if link.get("kind") in SUBLINKS and _parent(place, link)[0] == HOST:
            self._segment(_parent(place, link)[1]).wires.append((link["kind"], place))
        elif peer is not None and peer[0] == HOST:
            self._join_host_end(peer[1], place)
        elif peer is not None and place < peer:
            self.single.append(_Draft(wires=[("", place), ("", peer)]))

    def _join_host_end(self, name: str, place: Place) -> None:
        link = self.links[HOST][name]
        self.shown.add(name)
        if link.get("master"):
            self._segment(link["master"]).wires.append(("  ".join((name, *_vlans(link))), place))
        else:
            self.single.append(_Draft(wires=[(_label(name, link), place)]))

    def _peer(self, link: Mapping[str, Any]) -> Place | None:
        """The other end of a pair that leads out of the namespace, or into one."""
        if link.get("kind") not in PAIRS:
            return None
        pair = link.get(link["kind"]) or {}
        return (str(pair.get("namespace") or HOST), str(pair.get("peer")))

    def _segment(self, name: str) -> _Draft:
        link = self.links[HOST].get(name, {})
        self.shown.add(name)
        return self.shared.setdefault(name, _Draft(clean(name), _notes(link)))

    def _assembled(self, drafts: list[_Draft]) -> Host:
        names = self._order(drafts)
        boxes = tuple(self._box(name) for name in names)
        segments = []
        for draft in drafts:
            wires = tuple(self._wire(label, place, names) for label, place in draft.wires)
            segments.append(Segment(draft.name, draft.notes, wires))
        rest = {name: link for name, link in self.links[HOST].items() if name not in self.shown}
        links = tuple(Interface(clean(name), _notes(link, pairs=True)) for name, link in rest.items())
        return Host(clean(self.name), tuple(segments), boxes, links, _routes(self.spaces[HOST]))

    def _order(self, drafts: list[_Draft]) -> list[str]:
        """Namespaces, those of one segment together, otherwise as in the document."""
        first: dict[str, int] = {}
        for number, draft in enumerate(drafts):
            for wire in draft.wires:
                if wire[1] is not None:
                    first.setdefault(wire[1][0], number)
        names = [name for name in self.links if name != HOST]
        return sorted(names, key=lambda name: first.get(name, len(drafts)))

    def _box(self, name: str) -> Box:
        links = self.links[name]
        interfaces = tuple(Interface(clean(link), _notes(links[link], inside=True)) for link in links)
        return Box(clean(name), interfaces, _routes(self.spaces.get(name, {})))

    def _wire(self, label: str, place: Place | None, names: list[str]) -> Wire:
        if place is None:
            return Wire(label)
        return Wire(label, names.index(place[0]), list(self.links[place[0]]).index(place[1]))


def lanes(spans: Sequence[tuple[int, int]]) -> list[int]:
    """A lane for each span of rows, so that no two in one lane touch: the vertical lines that wires start from."""
    taken: list[int] = []  # last row of each lane
    result = [0] * len(spans)
    for number in sorted(range(len(spans)), key=spans.__getitem__):
        start, end = spans[number]
        lane = next((lane for lane, last in enumerate(taken) if last < start), len(taken))
        taken[lane : lane + 1] = [end]
        result[number] = lane
    return result


def shortened(routes: Sequence[str]) -> list[str]:
    """Enough routes to see what they are like; the rest is counted."""
    if len(routes) <= ROUTES:
        return list(routes)
    return [*routes[: ROUTES - 1], f"and {len(routes) - ROUTES + 1} more routes"]


def _listed(space: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Links worth drawing: not the ones to be removed, and lo only if it has addresses."""
    links: Links = space.get("links") or {}
    drawn = {name: link or {} for name, link in links.items() if (link or {}).get("state") != "absent"}
    return {name: link for name, link in drawn.items() if name != "lo" or _addresses(link)}


def _pairs(namespace: str, links: Links) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Other ends of pairs: namespace, name, and the end itself as a document would have it."""
    for name, link in links.items():
        kind = str(link.get("kind"))
        pair = (link.get(kind) or {}) if kind in PAIRS else {}
        if "peer" in pair:
            end = {"kind": kind, kind: {"peer": name, "namespace": namespace}}
            yield str(pair.get("namespace") or HOST), str(pair["peer"]), end


def _parent(place: Place, link: Mapping[str, Any]) -> Place:
    values = link.get(link["kind"]) or {}
    return (str(values.get("namespace") or place[0]), str(values.get("link")))


def _segment_of(link: Mapping[str, Any]) -> str:
    """The host's link whose segment one of the host's links is on."""
    parent = _parent((HOST, ""), link)[1] if link.get("kind") in SUBLINKS else ""
    return str(link.get("master") or parent)


def _label(name: str, link: Mapping[str, Any], pairs: bool = False) -> str:
    return "  ".join((clean(name), *_notes(link, pairs=pairs)))


def _addresses(link: Mapping[str, Any]) -> list[str]:
    return [clean(address) for address in link.get("addresses") or ()]


def _notes(link: Mapping[str, Any], inside: bool = False, pairs: bool = False) -> tuple[str, ...]:
    """What is written beside a link. ``inside``: its master is not drawn. ``pairs``: nor is its other end."""
    notes = [note for note in (_kind(link, pairs),) if note]
    if inside and link.get("master"):
        notes.append(f"on {clean(link['master'])}")
    if link.get("route_to"):
        notes.append(f"the way to {clean(link['route_to'])}")
    notes += [*_vlans(link), *_addresses(link)]
    if link.get("state") == "down":
        notes.append("down")
    return tuple(notes)


def _kind(link: Mapping[str, Any], pairs: bool) -> str:
    kind = str(link.get("kind") or "")
    values: Mapping[str, Any] = link.get(kind) or {}
    if kind in PAIRS:
        return f"{kind} to {clean(values.get('peer'))}" if pairs else kind.replace("veth", "")
    if kind == "vxlan":
        ways = [values["group"]] if values.get("group") else _few(values.get("remotes") or [])
        words = [str(values.get("id")), *(["to", ", ".join(map(str, ways))] if ways else [])]
        words += ["over", str(values["link"])] if values.get("link") else []
        return clean(" ".join([kind, *words]))
    if kind == "vlan":
        return clean(f"vlan {values.get('id')} of {values.get('link')}")
    if kind == "physical":
        return clean(f"device {values.get('interface') or values.get('permanent_mac')}")
    if kind == "tun":
        return clean(values.get("mode") or kind)
    if kind in SUBLINKS:
        return clean(" ".join([kind, str(values.get("mode") or "")]).strip())
    return clean(kind)


def _few(remotes: Sequence[Any]) -> list[Any]:
    return [*remotes[:REMOTES], *([f"{len(remotes) - REMOTES} more"] if len(remotes) > REMOTES else [])]


def _vlans(link: Mapping[str, Any]) -> list[str]:
    """Of a port of a bridge that filters them."""
    ids = [str(vlan["id"]) for vlan in (link.get("port") or {}).get("vlans") or ()]
    return [clean(f"vlans {', '.join(ids)}")] if ids else []


def _routes(space: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(_route(route) for route in space.get("routes") or ())


def _route(route: Mapping[str, Any]) -> str:
    """In the words of ip-route(8)."""
    words = [str(route["type"])] if route.get("type", "unicast") != "unicast" else []
    # Without a gateway nothing else tells which default route it is.
    words.append("::/0" if route.get("family") == "ipv6" and not route.get("gateway") else str(route.get("destination")))
    for hop in route.get("nexthops") or [route]:
        for word, key in (("via", "gateway"), ("dev", "link"), ("weight", "weight")):
            words += [word, str(hop[key])] if hop.get(key) else []
    for word, key in (("table", "table"), ("metric", "metric")):
        words += [word, str(route[key])] if route.get(key) else []
    return clean(" ".join(words))


def clean(value: Any) -> str:
    """Text that can be drawn: a document that was not checked may hold anything."""
    return "".join(character if character.isprintable() else "?" for character in str(value))
