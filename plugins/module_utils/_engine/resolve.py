# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that only the host can tell: a link found by a route, a source address that is a link's first. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from . import sysctl
from .model import ANYWHERE, Desired, Link, Namespace, Observed, Route, is_address, named


def resolve(desired: Desired, observed: Observed) -> tuple[Desired, list[str]]:
    """The document with real names in it, and warnings about what had to be left out."""
    warnings: list[str] = []
    namespaces = {name: _resolve(ns, observed.namespaces.get(name, Namespace(name)), warnings) for name, ns in desired.namespaces.items()}
    return Desired(namespaces), warnings


def _resolve(ns: Namespace, seen: Namespace, warnings: list[str]) -> Namespace:
    symbolic = {name: link for name, link in ns.links.items() if link.route_to}
    real = {name: _link_towards(seen, link.route_to or "") for name, link in symbolic.items()}
    for name, link in symbolic.items():
        if real[name] is None:
            warnings.append(f"{ns.name}: no route to {link.route_to}: what needs the link {name} is left out")
    if symbolic:
        ns = _renamed(ns, real)
    return replace(ns, routes=named(_with_source(route, ns, seen) for route in ns.routes.values()))


def _link_towards(seen: Namespace, address: str) -> str | None:
    """Longest prefix match over routes that are not ours: ours must not decide where they are made."""
    target = ipaddress.ip_address(address)
    found = [
        (ipaddress.ip_network(route.destination).prefixlen, -route.metric, route.nexthops[0].link)
        for route in seen.routes.values()
        if not route.ours and route.type == "unicast" and route.nexthops and route.nexthops[0].link
        if (route.destination in ANYWHERE if target.is_unspecified else _within(target, route.destination))
        and route.family == target.version
    ]
    return max(found)[2] if found else None  # type: ignore[type-var]


def _within(address: Any, prefix: str) -> bool:
    network = ipaddress.ip_network(prefix)
    return address.version == network.version and address in network


def _renamed(ns: Namespace, real: Mapping[str, str | None]) -> Namespace:
    def name_of(link: str | None) -> str | None:
        return real.get(link, link) if link else link

    links: dict[str, Link] = {}
    for link in ns.links.values():
        name = name_of(link.name)
        if name is None:
            continue
        lower = link.attributes.get("link")
        attributes = (
            {**link.attributes, "link": name_of(lower)} if lower and link.attributes.get("namespace") == ns.name else link.attributes
        )
        fresh = replace(link, name=name, master=name_of(link.master), attributes=attributes, route_to=None)
        links[name] = _merged(links[name], fresh) if name in links else fresh
    return replace(
        ns,
        links=links,
        addresses=named(replace(each, link=name_of(each.link)) for each in ns.addresses.values() if name_of(each.link)),
        neighbours=named(replace(each, link=name_of(each.link)) for each in ns.neighbours.values() if name_of(each.link)),
        routes=named(
            _renamed_route(each, name_of) for each in ns.routes.values() if all(name_of(hop.link) or not hop.link for hop in each.nexthops)
        ),
        sysctls=named(each for each in (_renamed_sysctl(each, real) for each in ns.sysctls.values()) if each),
    )


def _merged(one: Link, other: Link) -> Link:
    """Two symbolic names turned out to be one link: what either says holds."""
    said = {
        key: getattr(one, key) if getattr(one, key) is not None else getattr(other, key)
        for key in ("state", "mtu", "mac", "master", "txqueuelen")
    }
    return replace(one, **said)


def _renamed_route(route: Route, name_of: Any) -> Route:
    hops = tuple(replace(hop, link=name_of(hop.link)) for hop in route.nexthops)
    source = name_of(route.source) if route.source else None
    return replace(route, nexthops=hops, source=source)


def _renamed_sysctl(each: Any, real: Mapping[str, str | None]) -> Any:
    for name, found in real.items():
        if sysctl.about_link(each.name, name):
            return replace(each, name=sysctl.rename_link(each.name, name, found)) if found else None
    return each


def _with_source(route: Route, ns: Namespace, seen: Namespace) -> Route:
    """A source that names a link becomes the first global address of that link."""
    if route.source is None or is_address(route.source):
        return route
    declared = [each for each in ns.addresses.values() if each.link == route.source]
    present = [each for each in seen.addresses.values() if each.link == route.source]
    usable = [each.ip for each in declared + present if each.family == route.family and not ipaddress.ip_address(each.ip).is_link_local]
    return replace(route, source=usable[0] if usable else None)
