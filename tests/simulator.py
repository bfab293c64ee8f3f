# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host without a kernel: takes steps as the kernel does, with all that goes along, over the types of the model.

Written from what the kernel does, not from cascade.py, so that each is a check of the other. Pure: each change is a new value.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from _engine.model import COLLECTIONS, HOST, Address, Link, Namespace, Observed, Route, Sysctl
from _engine.steps import Leftover, Pair, Step

LASTING = {"net.ipv4.ip_forward": "0", "net.ipv6.conf.all.forwarding": "0", "net.ipv4.conf.all.rp_filter": "0"}
LASTING |= {"net.ipv6.conf.default.accept_ra": "1", "net.ipv4.ip_local_port_range": "32768 60999"}
OF_LINKS = {"net.ipv4.conf.{}.rp_filter": "0", "net.ipv6.conf.{}.accept_ra": "1", "net.ipv4.neigh.{}.gc_stale_time": "60"}
FRESH = {"mtu": 1500, "mac": "02:ff:ff:ff:ff:ff", "txqueuelen": 1000}
PORT = {"isolated": False, "learning": True, "neigh_suppress": False, "hairpin": False}
LO = Link("lo", state="down", index=1, permanent=True)


class Refused(Exception):
    """The kernel would not do this."""


class World:
    """What is there: namespaces by name, as a dump of everything would tell. ``nic`` are links of the host that exist by themselves."""

    def __init__(self, *nics: str) -> None:
        self._number = 1
        self._settled: set[int] = set()  # bridges whose MTU somebody has set: they do not follow their ports any more
        self.namespaces = {HOST: Namespace(HOST, {"lo": replace(LO, state="up")}, identity=self._next())}
        for name in nics:
            self._put(HOST, Link(name, state="down", permanent=True))

    def observed(self) -> Observed:
        return Observed({name: replace(ns, sysctls=self._sysctls(ns)) for name, ns in self.namespaces.items()})

    def run(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self._carry_out(step)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _sysctls(self, ns: Namespace) -> dict[str, Sysctl]:
        names = [*LASTING.items(), *((key.format(link), value) for key, value in OF_LINKS.items() for link in ns.links)]
        return {**{name: Sysctl(name, value) for name, value in names}, **ns.sysctls}

    # -- steps

    def _carry_out(self, step: Step) -> None:
        if isinstance(step.item, Leftover):
            return
        if isinstance(step.item, Namespace):
            self._namespace(step)
        elif isinstance(step.before, Link) and isinstance(step.after, Link):
            self._change(step.namespace, step.after)
        elif isinstance(step.item, (Link, Pair)):
            self._links(step)
        else:
            self._object(step)

    def _namespace(self, step: Step) -> None:
        name = step.item.name
        if step.after is None:
            for link in list(self.namespaces[name].links):
                self._unlink(name, link)
            del self.namespaces[name]
        elif name in self.namespaces:
            raise Refused(f"{name} is there already")
        else:
            lo = replace(LO, state="up", owner=step.item.owner)
            self.namespaces[name] = Namespace(name, {"lo": lo}, owner=step.item.owner, identity=self._next())

    def _links(self, step: Step) -> None:
        for where, link in step.links:
            if step.after is None:
                self._unlink(where, link.name)
            elif link.name in self.namespaces[where].links:
                raise Refused(f"{where}/{link.name} is there already")
            else:
                lower = link.attributes.get("link")
                if lower and lower not in self.namespaces[link.attributes["namespace"]].links:
                    raise Refused(f"{where}/{link.name}: there is no {lower}")
                self._master(where, link)
                self._put(where, link)

    def _put(self, where: str, link: Link) -> None:
        given = {key: getattr(link, key) if getattr(link, key) is not None else value for key, value in FRESH.items()}
        port = {**PORT, **link.port} if link.master else {}
        index = self._next()
        self._update(where, "links", link.name, replace(link, **given, port=port, index=index))
        if link.kind == "bridge" and link.mtu:
            self._settled.add(index)
        self._follow(where, link.master)

    def _master(self, where: str, link: Link) -> None:
        if link.master and link.master not in self.namespaces[where].links:
            raise Refused(f"{where}/{link.name}: there is no {link.master}")

    def _unlink(self, where: str, name: str) -> None:
        """With its peer, what lies on it, and all of its objects."""
        if where not in self.namespaces or name not in self.namespaces[where].links:
            return
        ns = self.namespaces[where]
        link = ns.links[name]
        left = {key: replace(each, master=None, port={}) if each.master == name else each for key, each in ns.links.items() if key != name}
        self.namespaces[where] = replace(ns, links=left)
        self._lose(where, [each for each in ns.addresses.values() if each.link == name])
        for collection in ("neighbours", "forwards", "rates", "redirects", "routes"):
            self._keep(where, collection, lambda each: not _is_on(each, name))
        for each in list(self.namespaces[where].redirects.values()):
            if each.to == name:
                self._update(where, "redirects", each.key, replace(each, to=""))
        self._keep(where, "sysctls", lambda each: each.name.split(".")[3:4] != [name])
        if link.kind == "veth":
            self._unlink(link.attributes["namespace"], link.attributes["peer"])
        for other, space in list(self.namespaces.items()):
            for upper in list(space.links.values()):
                if (upper.attributes.get("namespace"), upper.attributes.get("link")) == (where, name):
                    self._unlink(other, upper.name)

    def _change(self, where: str, link: Link) -> None:
        self._master(where, link)
        former = self.namespaces[where].links[link.name]
        joined = link.master and link.master != former.master
        port = {**PORT, **link.port} if joined else link.port
        self._update(where, "links", link.name, replace(link, port=port, index=former.index, owner=former.owner))
        if link.kind == "bridge" and link.mtu != former.mtu:
            self._settled.add(former.index)
        self._follow(where, link.master)
        if (former.state, link.state) == ("up", "down"):
            self._keep(where, "addresses", lambda each: each.link != link.name or each.family == 4)
            self._keep(where, "neighbours", lambda each: each.link != link.name)
            self._keep(where, "routes", lambda each: not _is_on(each, link.name))

    def _follow(self, where: str, bridge: str | None) -> None:
        """A bridge has the smallest MTU of its ports (br_mtu_auto_adjust())."""
        links = self.namespaces[where].links
        mtus = [each.mtu for each in links.values() if bridge and each.master == bridge and each.mtu]
        if bridge and mtus and links[bridge].index not in self._settled:
            self._update(where, "links", bridge, replace(links[bridge], mtu=min(mtus)))

    def _object(self, step: Step) -> None:
        collection, item, where = COLLECTIONS[type(step.item)], step.item, step.namespace
        if step.after is None and isinstance(item, Address):
            self._lose(where, [self.namespaces[where].addresses[item.key]])
        elif step.after is None and not isinstance(item, Sysctl):
            if item.key not in getattr(self.namespaces[where], collection):
                raise Refused(f"there is no {item.text}")
            self._keep(where, collection, lambda each: each.key != item.key)
        elif step.after is not None:
            self._make(where, collection, item)

    def _make(self, where: str, collection: str, item: Any) -> None:
        ns = self.namespaces[where]
        links = {hop.link for hop in item.nexthops if hop.link} if isinstance(item, Route) else {getattr(item, "link", None)} - {None}
        for link in links:
            if link not in ns.links:
                raise Refused(f"{item.text}: there is no {link}")
            if isinstance(item, Route) and ns.links[link].state != "up":
                raise Refused(f"{item.text}: {link} is down")
        if isinstance(item, Route) and item.source and item.source not in {each.ip for each in ns.addresses.values()}:
            raise Refused(f"{item.text}: nobody has {item.source}")
        if isinstance(item, Address):
            self.namespaces[where] = replace(ns, addresses=promoted({**ns.addresses, item.key: replace(item, ours=True)}))
        else:
            self._update(where, collection, item.key, replace(item, ours=True))

    # -- what the kernel takes along

    def _lose(self, where: str, addresses: Iterable[Address]) -> None:
        ns = self.namespaces[where]
        gone = {each.key: each for each in addresses}
        left = {key: each for key, each in ns.addresses.items() if key not in gone}
        bare = {each.link for each in gone.values() if each.family == 4} - {each.link for each in left.values() if each.family == 4}
        lost = {each.ip for each in gone.values()} - {each.ip for each in left.values()}
        routes = {}
        for key, each in ns.routes.items():
            loses = each.source in lost
            if each.family == 6:  # IPv6 keeps a route and forgets its source (fib6_remove_prefsrc())
                routes[key] = replace(each, source=None) if loses else each
            elif not loses and not any(hop.link in bare for hop in each.nexthops):
                routes[key] = each
        self.namespaces[where] = replace(ns, addresses=promoted(left), routes=routes)
        self._keep(where, "neighbours", lambda each: each.family == 6 or each.link not in bare)

    def _keep(self, where: str, collection: str, wanted: Any) -> None:
        ns = self.namespaces[where]
        changed: dict[str, Any] = {collection: {key: each for key, each in getattr(ns, collection).items() if wanted(each)}}
        self.namespaces[where] = replace(ns, **changed)

    def _update(self, where: str, collection: str, key: Any, item: Any) -> None:
        ns = self.namespaces[where]
        changed: dict[str, Any] = {collection: {**getattr(ns, collection), key: item}}
        self.namespaces[where] = replace(ns, **changed)


def _is_on(item: Any, link: str) -> bool:
    return any(hop.link == link for hop in item.nexthops) if isinstance(item, Route) else item.link == link


def promoted(addresses: dict[Any, Address]) -> dict[Any, Address]:
    """Of several addresses of IPv4 in one subnet, the first is the primary one."""
    found: dict[Any, Address] = {}
    for each in addresses.values():
        found[each.key] = replace(each, secondary=each.family == 4 and any(_same_subnet(other, each) for other in found.values()))
    return found


def _same_subnet(one: Address, other: Address) -> bool:
    networks = [ipaddress.ip_interface(f"{each.ip}/{each.prefixlen}").network for each in (one, other)]
    return one.link == other.link and networks[0] == networks[1]
