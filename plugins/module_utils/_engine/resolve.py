# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that only the host can tell: a link found by a route, a source address that is a link's first. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from . import sysctl
from .model import ANYWHERE, Address, Desired, Link, Namespace, Route, is_address, named, replace


def symbolic(desired: Desired) -> set[str]:
    """Namespaces that have to be looked at before their part of the document can be read."""
    return {name for name, ns in desired.namespaces.items() if _route_targets(ns) or any(map(_names_link, ns.routes.values()))}


def resolve(
    desired: Desired, seen: Mapping[str, Namespace], stays: Callable[[str, Address], bool] = lambda _namespace, _address: True
) -> tuple[Desired, list[str]]:
    """The document with real names in it, and warnings about what had to be left out.

    :param seen: links, addresses and routes of the namespaces that :func:`symbolic` names.
    :param stays: whether an address that is there, in this namespace, will still be there after the run.
    """
    warnings: list[str] = []
    namespaces = dict(desired.namespaces)
    for name in sorted(symbolic(desired)):
        namespaces[name] = _resolve(namespaces[name], _lasting(seen.get(name, Namespace(name)), stays), warnings)
    return Desired(namespaces), warnings


def _lasting(seen: Namespace, stays: Callable[[str, Address], bool]) -> Namespace:
    return replace(seen, addresses={key: each for key, each in seen.addresses.items() if stays(seen.name, each)})


def _resolve(ns: Namespace, seen: Namespace, warnings: list[str]) -> Namespace:
    targets = _route_targets(ns)
    real = {name: _link_towards(seen, target) for name, target in targets.items()}
    for name, target in targets.items():
        if real[name] is None and _needed(ns, name):
            warnings.append(f"{ns.name}: what needs the link {name} is left out: no route leads to {target}")
    renamed = _renamed(ns, real) if targets else ns
    return replace(renamed, routes=named(_with_source(route, renamed, seen) for route in renamed.routes.values()))


def _route_targets(ns: Namespace) -> dict[str, str]:
    return {name: link.route_to for name, link in ns.links.items() if link.route_to}


def _names_link(route: Route) -> bool:
    """The route's source is to be a link's address."""
    return route.source is not None and not is_address(route.source)


def _needed(ns: Namespace, link: str) -> bool:
    """Something would be missing without the link: a sysctl that guards it would not."""
    used: set[str | None] = {hop.link for route in ns.routes.values() for hop in route.nexthops}
    used |= {each.link for each in ns.neighbours.values()} | {each.link for each in ns.addresses.values()}
    return link in used


def _link_towards(seen: Namespace, address: str) -> str | None:
    """Longest prefix match over routes that are not ours: ours must not decide where they are made."""
    target = ipaddress.ip_address(address)
    found = [
        (ipaddress.ip_network(route.destination).prefixlen, -route.metric, route.nexthops[0].link or "")
        for route in seen.routes.values()
        if not route.ours and route.type == "unicast" and route.nexthops and _leads_to(route, target)
    ]
    return max(found)[2] or None if found else None


def _leads_to(route: Route, target: Any) -> bool:
    if route.family != target.version:
        return False
    return route.destination in ANYWHERE if target.is_unspecified else target in ipaddress.ip_network(route.destination)


def _renamed(ns: Namespace, real: Mapping[str, str | None]) -> Namespace:
    """With the real name wherever a symbolic one stands; without what has none."""

    def name_of(link: str) -> str:
        return real.get(link, link) or ""

    links: dict[str, Link] = {}
    for link in ns.links.values():
        fresh = replace(link, name=name_of(link.name), master=name_of(link.master or "") or None, route_to=None)
        if link.attributes.get("link") and link.attributes.get("namespace") == ns.name:
            fresh = replace(fresh, attributes={**link.attributes, "link": name_of(link.attributes["link"])})
        if fresh.name:
            links[fresh.name] = _merged(links[fresh.name], fresh) if fresh.name in links else fresh
    routes = (_renamed_route(each, name_of) for each in ns.routes.values())
    return replace(
        ns,
        links=links,
        addresses=named(replace(each, link=name_of(each.link)) for each in ns.addresses.values() if name_of(each.link)),
        neighbours=named(replace(each, link=name_of(each.link)) for each in ns.neighbours.values() if name_of(each.link)),
        rates=named(replace(each, link=name_of(each.link)) for each in ns.rates.values() if name_of(each.link)),
        redirects=named(replace(each, link=name_of(each.link)) for each in ns.redirects.values() if name_of(each.link)),
        routes=named(each for each in routes if all(hop.link != "" for hop in each.nexthops)),
        sysctls=named(each for each in (_renamed_sysctl(each, real) for each in ns.sysctls.values()) if each),
    )


def _merged(one: Link, other: Link) -> Link:
    """Two symbolic names turned out to be one link: what either says holds."""
    said = {
        key: getattr(one, key) if getattr(one, key) is not None else getattr(other, key)
        for key in ("state", "mtu", "mac", "master", "txqueuelen")
    }
    return replace(other if other.kind else one, **said)


def _renamed_route(route: Route, name_of: Any) -> Route:
    hops = tuple(hop._replace(link=name_of(hop.link) if hop.link else None) for hop in route.nexthops)
    return replace(route, nexthops=hops, source=name_of(route.source or "") or None)


def _renamed_sysctl(each: Any, real: Mapping[str, str | None]) -> Any:
    for name, found in real.items():
        if sysctl.about_link(each.name, name):
            return replace(each, name=sysctl.rename_link(each.name, name, found)) if found else None
    return each


def _with_source(route: Route, ns: Namespace, seen: Namespace) -> Route:
    """A source that names a link becomes the first global address of that link."""
    if not _names_link(route):
        return route
    declared = [each for each in ns.addresses.values() if each.link == route.source]
    present = [each for each in seen.addresses.values() if each.link == route.source]
    usable = [each.ip for each in declared + present if each.family == route.family and _leaves_the_link(each.ip)]
    return replace(route, source=usable[0] if usable else None)


def _leaves_the_link(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_link_local or parsed.is_loopback)
