# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any host document that a kernel can hold, for hypothesis: small, with few names, so that two of them have much in common.

What a kernel would refuse is not drawn: a gateway that no link leads to, a macvlan on a bridge's port, a route over a link that is down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]
End = tuple[str, str]  # namespace, link

NAMESPACES = ("n1", "n2", "n3")
NAMES = ("e0", "e1", "e2", "e3")
FREE = {4: ("192.0.2.0/24", "198.51.100.7/32"), 6: ("2001:db8:1::/48", "2001:db8::7/128")}
SYSCTLS = {
    "net.ipv4.ip_forward": (0, 1),
    "net.ipv6.conf.all.forwarding": (0, 1),
    "net.ipv4.conf.all.rp_filter": (0, 2),
    "net.ipv6.conf.default.accept_ra": (0, 2),
    "net.ipv4.ip_local_port_range": ("32768 60999", "20000 30000"),
}
LINK_SYSCTLS = {"net.ipv4.conf.{}.rp_filter": (0, 1), "net.ipv6.conf.{}.accept_ra": (0, 2), "net.ipv4.neigh.{}.gc_stale_time": (60, 90)}


def _some(draw: st.DrawFn, options: Any, most: int) -> list[Any]:
    options = list(options)
    return draw(st.lists(st.sampled_from(options), unique_by=repr, max_size=most)) if options else []


class _Draft:
    """A document while it is drawn."""

    def __init__(self, draw: st.DrawFn, existing: tuple[str, ...]) -> None:
        self.draw = draw
        self.existing = existing
        self.spaces: dict[str, Document] = {name: {"links": {}} for name in ["host", *_some(draw, NAMESPACES, len(NAMESPACES))]}
        self.lower: set[End] = set()  # links that others lie on

    def finished(self) -> Document:
        self._links()
        for where, name, link in list(self._all()):
            self._attributes(where, name, link)
        for where, space in self.spaces.items():
            self._objects(where, space)
        return {"host": self.spaces.pop("host"), "namespaces": self.spaces}

    def yes(self) -> bool:
        return self.draw(st.booleans())

    def one(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    # -- links

    def _all(self) -> Any:
        return [(where, name, link) for where, space in self.spaces.items() for name, link in space["links"].items()]

    def _place(self, *names: str) -> End | None:
        free = [(where, name) for where in self.spaces for name in names if name not in self.spaces[where]["links"]]
        return self.draw(st.sampled_from(free)) if free else None

    def _links(self) -> None:
        for name in self.existing:
            if self.yes():
                self.spaces["host"]["links"][name] = {}
        for where in self.spaces:
            if where != "host" and self.yes():
                self.spaces[where]["links"]["lo"] = {}
        makers: list[Callable[[End], Document | None]] = [self._bridge, self._veth, self._tun, self._ifb, self._vxlan, self._macvlan]
        kinds = self.draw(st.lists(st.sampled_from([0, 0, 1, 1, 1, 1, 2, 3, 4, 5, 5]), max_size=8))
        for kind in sorted(kinds):
            end = self._place(*(("br0", "br1") if kind == 0 else NAMES))
            if end:
                link = makers[kind](end)
                if link is not None:
                    self.spaces[end[0]]["links"][end[1]] = link

    def _bridge(self, _end: End) -> Document:
        options = {"stp": self.yes, "mcast_snooping": self.yes, "ageing_time": lambda: self.one(100, 300)}
        chosen = {key: options[key]() for key in _some(self.draw, options, 2)}
        return {"kind": "bridge", **({"bridge": chosen} if chosen else {})}

    def _veth(self, end: End) -> Document | None:
        self.spaces[end[0]]["links"][end[1]] = {}
        other = self._place(*NAMES)
        if other is None:
            del self.spaces[end[0]]["links"][end[1]]
            return None
        if self.yes():
            self.spaces[other[0]]["links"][other[1]] = {"kind": "veth", "veth": {"peer": end[1], "namespace": end[0]}}
        else:  # the other end is implied: nobody else may have its name
            self.spaces[other[0]]["links"][other[1]] = {"kind": "veth", "implied": True}
        return {"kind": "veth", "veth": {"peer": other[1], "namespace": other[0]}}

    def _tun(self, _end: End) -> Document:
        return {"kind": "tun", "tun": {"mode": self.one("tun", "tap"), **({"owner": 1000} if self.yes() else {})}}

    def _ifb(self, _end: End) -> Document:
        return {"kind": "ifb"}

    def _vxlan(self, end: End) -> Document:
        net = self.one("192.0.2.{}", "2001:db8::{}")
        found: Document = {"id": 10 * NAMES.index(end[1]) + self.one(1, 2), "local": net.format(1)}
        if self.yes():
            found["remotes"] = [net.format(each) for each in _some(self.draw, (7, 8, 9), 3)]
        if self.yes():
            found["learning"] = self.yes()
        return {"kind": "vxlan", "vxlan": found}

    def _macvlan(self, end: End) -> Document | None:
        below = [(where, name) for where, name, link in self._all() if link.get("kind") in ("veth", "bridge") and "implied" not in link]
        if not below:
            return None
        where, name = self.draw(st.sampled_from(below))
        self.lower.add((where, name))
        place = {} if where == end[0] else {"namespace": where}
        return {"kind": "macvlan", "macvlan": {"link": name, "mode": self.one("bridge", "private", "vepa"), **place}}

    # -- what links have

    def _attributes(self, where: str, name: str, link: Document) -> None:
        if link.pop("implied", False):
            del self.spaces[where]["links"][name]
            return
        if name != "lo":
            self._own_attributes(where, name, link)
        if self.yes():
            kinds = ("10.9.{n}.{h}/32", "fd09:{n}::{h}/128")  # a subnet on lo would draw gateways to it
            subnets = _some(self.draw, (*kinds, "10.{n}.0.{h}/24", "fd00:{n}::{h}/64") if name != "lo" else kinds, 3)
            found = [each.format(n=self.one(1, 2, 3), h=self.one(1, 2, 3)) for each in [*subnets, *subnets[:1]]]
            link["addresses"] = list(dict.fromkeys(found))

    def _own_attributes(self, where: str, name: str, link: Document) -> None:
        kind = link.get("kind")
        if self.yes():
            link["state"] = self.one("up", "up", "down")
        if self.yes() and kind not in ("macvlan", "vxlan"):
            link["mtu"] = self.one(1280, 1400, 1500)
        if kind == "bridge" or (self.yes() and link.get("tun", {}).get("mode") != "tun"):  # a bridge without one takes that of a port
            spaces = ("host", *NAMESPACES)
            link["mac"] = f"02:00:00:0{spaces.index(where)}:{(*NAMES, 'br0', 'br1', *self.existing).index(name):02x}:{self.one(1, 2):02x}"
        if self.yes():
            link["txqueuelen"] = self.one(100, 1000)
        if self.yes() and kind != "tun":
            link["rate"] = self.one("10mbit", "1gbit")
        ifbs = [each for each, other in self.spaces[where]["links"].items() if other.get("kind") == "ifb" and each != name]
        if ifbs and kind != "ifb" and self.yes():
            link["redirect"] = self.draw(st.sampled_from(ifbs))
        bridges = [each for each, other in self.spaces[where]["links"].items() if other.get("kind") == "bridge"]
        able = kind in ("veth", "vxlan", "ifb") or link.get("tun", {}).get("mode") == "tap"
        if bridges and able and (where, name) not in self.lower and self.yes():
            link["master"] = self.draw(st.sampled_from(bridges))
            chosen = _some(self.draw, ("isolated", "learning", "hairpin", "neigh_suppress"), 2)
            if chosen:
                link["port"] = {key: self.yes() for key in chosen}

    # -- what namespaces have

    def _objects(self, where: str, space: Document) -> None:
        links = space["links"]
        up = {name for name, link in links.items() if link.get("state", "up" if link.get("kind") or name == "lo" else "") == "up"}
        routes = [self._route(links, up) for _each in range(self.draw(st.integers(0, 5)))]
        unique = {(each["destination"], each.get("family"), each.get("table"), each.get("metric")): each for each in routes if each}
        ethernet = [name for name in links if name != "lo" and links[name].get("tun", {}).get("mode") != "tun"]
        found = {
            "routes": list(unique.values()),
            "rules": _some(self.draw, self._rules(), 3),
            "neighbours": [self._neighbour(name, number) for number in (1, 2) for name in _some(self.draw, ethernet, 2)],
            "sysctls": self._sysctls(links),
        }
        space.update({key: value for key, value in found.items() if value})
        if where != "host" and self.yes():
            search = {"search": ["example.test"]} if self.yes() else {}
            space["dns"] = {"nameservers": [self.one("192.0.2.53", "2001:db8::53")], **search}

    def _gateways(self, links: Document, up: set[str]) -> list[tuple[str, str]]:
        """Links that are up, each with an address that its subnet has and nobody else."""
        found = {}
        for name in sorted(up - {"lo"}):
            for each in links[name].get("addresses", ()):
                if each.endswith(("/24", "/64")):
                    found[name, each.rpartition(":" if ":" in each else ".")[0] + (":fe" if ":" in each else ".254")] = None
        return list(found)

    def _route(self, links: Document, up: set[str]) -> Document | None:
        family = self.one(4, 6)
        found: Document = {"destination": self.one(*FREE[family], "default"), "family": f"ipv{family}"}
        if self.yes():
            found["table"] = self.one(100, 1000)
        if self.yes():
            found["metric"] = self.one(10, 20)
        gateways = [each for each in self._gateways(links, up) if (":" in each[1]) == (family == 6)]
        ways: list[Callable[[], Document]] = [lambda: {"type": self.one("blackhole", "unreachable", "prohibit", "throw")}]
        if gateways:
            ways += [lambda: self._hop(*self.draw(st.sampled_from(gateways)), family)] * 3
        if len(gateways) > 1:
            ways.append(lambda: self._multipath(gateways))
        bare = sorted(name for name in up if name != "lo" and (family == 6 or links[name].get("addresses")))
        if bare:
            ways.append(lambda: {"link": self.draw(st.sampled_from(bare))})
        found.update(self.one(*ways)())
        own = [each.partition("/")[0] for link in links.values() for each in link.get("addresses", ())]
        sources = [each for each in own if (":" in each) == (family == 6)]
        if sources and "type" not in found and "nexthops" not in found and self.yes():
            found["source"] = self.draw(st.sampled_from([*sources, *links]))
        return found

    def _hop(self, link: str, gateway: str, family: int) -> Document:
        way = self.one("gateway", "link", "onlink", "over IPv6" if family == 4 else "link")
        if way == "gateway":
            return {"gateway": gateway}
        if way == "over IPv6":
            return {"gateway": "fe80::1", "link": link}
        if way == "onlink":
            return {"gateway": "203.0.113.1" if family == 4 else "fe80::2", "link": link, "onlink": True}
        return {"gateway": gateway, "link": link}

    def _multipath(self, gateways: list[tuple[str, str]]) -> Document:
        hops = self.draw(st.lists(st.sampled_from(gateways), unique=True, min_size=2, max_size=3))
        return {"nexthops": [{"gateway": gateway, "link": link, "weight": self.one(1, 1, 5)} for link, gateway in hops]}

    def _rules(self) -> list[Document]:
        return [
            {"priority": 100, "from": "198.18.0.0/15", "table": self.one(100, 1000)},
            {"priority": 100, "from": "2001:db8:f::/48", "to": "all", "type": self.one("prohibit", "unreachable", "blackhole")},
            {"priority": 200, "family": self.one("ipv4", "ipv6"), "iif": self.one("e0", "lo"), "table": 100},
            {"priority": 200, "family": "ipv4", "fwmark": self.one("0x1", "1/0xff"), "table": "main"},
            {"priority": 300, "to": self.one("198.18.0.0/15", "2001:db8:f::/48"), "oif": "e1", "table": 100},
        ]

    def _neighbour(self, link: str, number: int) -> Document:
        way = {"proxy": True} if self.yes() else {"mac": f"02:00:00:00:aa:0{self.one(1, 2)}"}
        return {"address": self.one("10.1.0.{}", "fd00:1::{}").format(100 + number), "link": link, **way}

    def _sysctls(self, links: Document) -> dict[str, Any]:
        own = {key.format(name): values for key, values in LINK_SYSCTLS.items() for name in sorted(links)}
        known = {**SYSCTLS, **own}
        return {name: self.one(*known[name]) for name in _some(self.draw, known, 3)}


@st.composite
def documents(draw: st.DrawFn, existing: tuple[str, ...] = ()) -> Document:
    """A host document. ``existing``: links that the host has already, each of them listed or not."""
    return _Draft(draw, existing).finished()
