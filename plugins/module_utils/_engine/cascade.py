# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel takes along: deleting a link or an address deletes more than was asked for. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from . import sysctl
from .kinds import KINDS
from .model import Address, Link, Namespace, Redirect, Route, replace

End = tuple[str, str]  # namespace, link


def without_links(observed: Mapping[str, Namespace], gone: set[End]) -> dict[str, Namespace]:
    """What is left when these links are gone, and all of their objects with them."""
    names = by_namespace(gone)
    return {name: _drop_links(ns, names.get(name, set())) for name, ns in observed.items()}


def by_namespace(ends: Iterable[End]) -> dict[str, set[str]]:
    """Names of links by their namespace."""
    found: dict[str, set[str]] = {}
    for where, name in ends:
        found.setdefault(where, set()).add(name)
    return found


def spread(observed: Mapping[str, Namespace], removed: set[End]) -> set[End]:
    """These links, their peers, and everything that lies on them."""
    above: dict[End, list[End]] = {}
    for ns in observed.values():
        for link in ns.links.values():
            other = link.attributes.get("peer") or link.attributes.get("link")
            if other:
                above.setdefault((link.attributes["namespace"], other), []).append((ns.name, link.name))
    return along(above, removed)


def _drop_links(ns: Namespace, gone: set[str]) -> Namespace:
    if not gone:
        return ns
    links = {name: _released(link, gone) for name, link in ns.links.items() if name not in gone}
    addresses = {key: each for key, each in ns.addresses.items() if each.link not in gone}
    rest = replace(
        ns,
        links=links,
        addresses=addresses,
        neighbours={key: each for key, each in ns.neighbours.items() if each.link not in gone},
        forwards={key: each for key, each in ns.forwards.items() if each.link not in gone},
        wireguards={key: each for key, each in ns.wireguards.items() if each.link not in gone},
        rates={key: each for key, each in ns.rates.items() if each.link not in gone},
        redirects={key: _aimless(each, gone) for key, each in ns.redirects.items() if each.link not in gone},
        sysctls={key: each for key, each in ns.sysctls.items() if not any(sysctl.about_link(each.name, link) for link in gone)},
        routes={key: each for key, each in ns.routes.items() if not any(hop.link in gone for hop in each.nexthops)},
    )
    return _drop_sources(rest, {each.ip for key, each in ns.addresses.items() if key not in addresses})


def _released(link: Link, gone: set[str]) -> Link:
    return replace(link, master=None, port={}) if link.master in gone else link


def _aimless(redirect: Redirect, gone: set[str]) -> Redirect:
    """A redirect outlives its target; what arrives is lost then."""
    return replace(redirect, to="") if redirect.to in gone else redirect


def without_addresses(ns: Namespace, removed: Mapping[Any, Address], kept: Collection[str] = ()) -> Namespace:
    """Without these addresses, routes that have one as their source go, and all that is IPv4 of a link that has none left.

    The others of a subnet stay (see ``Kernel.promoting``). ``kept``: links that get another IPv4 address before.
    """
    if not removed:
        return ns
    left = {key: each for key, each in ns.addresses.items() if key not in removed}
    bare = (
        {each.link for each in removed.values() if each.family == 4} - {each.link for each in left.values() if each.family == 4} - set(kept)
    )
    neighbours = {key: each for key, each in ns.neighbours.items() if each.family == 6 or each.link not in bare}
    routes = {key: each for key, each in ns.routes.items() if each.family == 6 or not any(hop.link in bare for hop in each.nexthops)}
    return _drop_sources(replace(ns, addresses=left, neighbours=neighbours, routes=routes), {each.ip for each in removed.values()})


def downed(ns: Namespace, links: set[str]) -> Namespace:
    """When links go down: their routes and neighbours go, and their IPv6 addresses (addrconf_ifdown())."""
    if not links:
        return ns
    return replace(
        ns,
        addresses={key: each for key, each in ns.addresses.items() if not (each.family == 6 and each.link in links)},
        neighbours={key: each for key, each in ns.neighbours.items() if each.link not in links},
        routes={key: each for key, each in ns.routes.items() if not any(hop.link in links for hop in each.nexthops)},
    )


def followers(namespaces: Iterable[Namespace]) -> dict[End, list[End]]:
    """Links whose kind makes them come up and go down with the link they lie on, by that link."""
    found: dict[End, list[End]] = {}
    for ns in namespaces:
        for link in ns.links.values():
            if link.kind in KINDS and KINDS[link.kind].follows:
                found.setdefault((link.attributes.get("namespace", ""), link.attributes.get("link", "")), []).append((ns.name, link.name))
    return found


def along(above: Mapping[End, Collection[End]], ends: Iterable[End]) -> set[End]:
    """These links and all above them, however far up."""
    found = set(ends)
    edge = list(found)
    while edge:
        fresh = [each for each in above.get(edge.pop(), ()) if each not in found]
        found.update(fresh)
        edge += fresh
    return found


def _drop_sources(ns: Namespace, addresses: set[str]) -> Namespace:
    """Routes with one of these as source go, unless another link still has the address."""
    lost = addresses - {each.ip for each in ns.addresses.values()}

    def loses(each: Route) -> bool:
        return each.source in lost

    return replace(ns, routes={key: each for key, each in ns.routes.items() if not loses(each)})
