# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses, routes, rules, neighbours, forwarding entries, sysctls, resolvers: all by one comparison."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import cascade, sysctl
from ..cascade import End
from ..claims import object_id
from ..model import COLLECTIONS, MAIN_TABLE, OBJECTS, Address, Forward, Namespace, Resolver, Route, Sysctl, WireGuard, replace
from ..steps import Step
from .context import Context, listed, whose

MARKED = ("addresses", "forwards", "routes")  # in a namespace of ours the marks in the kernel tell enough of these

WITH_LINK = "wireguards"  # a part of their link: they go with it, and only then
OUTSIDE = ("resolvers",)  # files on the host: they do not go with the namespace


def removals(ctx: Context, gone: set[End], doomed: set[str]) -> list[Step]:
    """Objects that go: not declared any more, or declared to be absent. Those on links that go need no step."""
    steps = []
    lost = cascade.by_namespace(gone)
    for name, seen in ctx.now.items():
        for collection in reversed(OBJECTS) if name not in doomed else OUTSIDE:
            steps += removed(ctx, seen, collection, lost.get(name, set()))
    return steps


def settle(ctx: Context, steps: Iterable[Step]) -> None:
    """What these steps remove is not there from here on, nor what the kernel takes along. A sysctl is as it was before."""
    gone: dict[tuple[str, str], dict[Any, Any]] = {}
    for step in steps:
        gone.setdefault((step.namespace, COLLECTIONS[type(step.item)]), {})[step.item.key] = step.item
    for (name, collection), items in gone.items():
        ns = ctx.now[name]
        if collection == "addresses":
            ns = cascade.without_addresses(ns, items, _addressed(ctx, name))
        left = {key: item for key, item in getattr(ns, collection).items() if key not in items}
        changed: dict[str, Any] = {collection: {**left, **items} if collection == "sysctls" else left}
        ctx.now[name] = replace(ns, **changed)


def _addressed(ctx: Context, namespace: str) -> set[str]:
    """Links that have an IPv4 address when all is done."""
    return set() if ctx.absent else {each.link for each in ctx.wanted(namespace).addresses.values() if each.family == 4}


def early(removed: Iterable[Step], made: Iterable[Step]) -> list[Step]:
    """Those of ``made`` that have to come before ``removed``: a link that loses its last IPv4 address loses all IPv4
    routes and neighbours with it, whoever made them (fib_disable_ip()); so the new address comes before the old one goes."""

    def link_of(step: Step) -> tuple[str, str] | None:
        return (step.namespace, step.item.link) if isinstance(step.item, Address) and step.item.family == 4 else None

    losing = set(map(link_of, removed)) - {None}
    return [step for step in made if link_of(step) in losing]


def changes(ctx: Context, ns: Namespace, collection: str) -> list[Step]:
    """Objects that are made and changed."""
    have = getattr(ctx.now[ns.name], collection)
    steps: list[Step] = []
    for item in sorted(getattr(ns, collection).values(), key=_making_order):
        step = _reconciled(ctx, ns, collection, have.get(item.key), item) or _overwritten(steps, item)
        steps += [step] if step else []
    return steps


def _overwritten(steps: Iterable[Step], item: Any) -> Step | None:
    """A sysctl that is as declared, until one of these steps makes the kernel change it."""
    for step in steps if isinstance(item, Sysctl) else ():
        if sysctl.overwrites(step.item.key, item.name):
            echo = sysctl.echo_value(item.name, step.item.value)
            return Step(step.namespace, replace(item, value=echo), item) if echo != item.value else None
    return None


def satisfies(seen: Any, want: Any) -> bool:
    """Whether what is there is what is wanted. A next hop without a link may lead over any."""
    if not isinstance(want, Route) or len(seen.nexthops) != len(want.nexthops):
        return bool(seen == want)
    hops = tuple(hop._replace(link=None) if other.link is None else hop for hop, other in zip(seen.nexthops, want.nexthops))
    return bool(replace(seen, nexthops=hops) == want)


def removed(ctx: Context, ns: Namespace, collection: str, lost: set[str]) -> list[Step]:
    """Objects of one collection that go. ``lost``: links that go, and their objects with them."""
    have, want = getattr(ns, collection), getattr(ctx.wanted(ns.name), collection)
    steps: list[Step] = []
    if collection == WITH_LINK:
        return steps
    claimed = ctx.ledger.held(collection, ns.name)
    going = [item for key, item in have.items() if (key in want if ctx.absent else ctx.purge and key not in want)]
    going = [item for item in going if item.ours or ctx.absent or item.key in claimed]
    going.reverse()  # so that an undo makes the first one first
    for item in sorted(going, key=_removal_order):
        step = _removal(ctx, ns, object_id(collection, item.key), item)
        steps += [step] if step and not _goes_along(item, lost) else []
    for key in claimed:
        if key not in have and ((ctx.purge and key not in want) or (ctx.absent and key in want)):
            ctx.ledger.leave(ns.name, object_id(collection, key))
    return steps


def _removal(ctx: Context, ns: Namespace, identifier: str, item: Any) -> Step | None:
    """Only what is ours goes; a sysctl goes back to its former value."""
    names = ctx.ledger.names(ns.name, identifier)
    if ctx.absent and not isinstance(item, Sysctl) and not _mine(ctx, ns, item, names):
        ctx.fault(ns.name, f"{item.text} {whose(listed(names))} and is left alone")
        return None
    last = ctx.ledger.leave(ns.name, identifier)
    if isinstance(item, Sysctl):
        return _restoration(ns, item, last.former) if last and last.former else None
    unclaimed = not names and (ctx.own(ns.name) or (isinstance(item, Forward) and ns.links[item.link].owner == ctx.name))
    return Step(ns.name, item, None) if (last or unclaimed) and (item.ours or ctx.absent) else None


def _restoration(ns: Namespace, item: Sysctl, former: Any) -> Step | None:
    echoes = tuple((echo, value) for echo, value in former["echoes"])
    if former["value"] == item.value and set(echoes) <= set(item.echoes):
        return None
    return Step(ns.name, item, Sysctl(item.name, former["value"], echoes))


def _mine(ctx: Context, ns: Namespace, item: Any, names: frozenset[str]) -> bool:
    inside = ctx.own(ns.name) and not isinstance(item, Resolver)  # a file on the host is not ours by its name alone
    return inside or ctx.name in names or (item.ours and not names)


def _reconciled(ctx: Context, ns: Namespace, collection: str, seen: Any, item: Any) -> Step | None:
    if isinstance(item, WireGuard):
        return _configured(ctx, ns, object_id(collection, item.key), seen, item)
    same = seen is not None and satisfies(seen, item)
    marked = ctx.own(ns.name) and collection in MARKED and not (isinstance(item, Route) and item.table != MAIN_TABLE)
    if same and (marked or not seen.ours):
        return None  # what somebody else made does as well, and stays theirs
    identifier = object_id(collection, item.key)
    names = ctx.ledger.names(ns.name, identifier)
    others = names - {ctx.name}
    if not same and seen is not None and (others if isinstance(item, Sysctl) else not _mine(ctx, ns, seen, names)):
        ctx.fault(ns.name, f"{item.text} cannot be made: {seen.text} exists already and {whose(listed(others))}")
        return None
    if seen is None and isinstance(item, Sysctl) and not _comes_later(ctx, ns, item):
        ctx.fault(ns.name, "this kernel has no such sysctl here", "sysctls", item.name)
        return None
    if not marked:
        former = {"value": seen.value, "echoes": seen.echoes} if isinstance(seen, Sysctl) else None
        ctx.ledger.take(ns.name, identifier, former)
    return None if same else Step(ns.name, seen, item)


def _configured(ctx: Context, ns: Namespace, identifier: str, seen: WireGuard | None, item: WireGuard) -> Step | None:
    claim = ctx.ledger.get(ns.name, identifier)
    after = item.over(seen, claim.former if claim else {})
    ctx.ledger.note(ns.name, identifier, item.endpoints)
    return None if after == seen else Step(ns.name, seen, after)


def _comes_later(ctx: Context, ns: Namespace, item: Sysctl) -> bool:
    """Of links and namespaces that are yet to be made nothing can be read."""
    now = ctx.now[ns.name]
    return not now.identity or any(sysctl.about_link(item.name, link.name) for link in now.links.values() if not link.index)


def _goes_along(item: Any, links: set[str]) -> bool:
    """The object goes with one of these links."""
    if isinstance(item, Route):
        return any(hop.link in links for hop in item.nexthops)
    if isinstance(item, Sysctl):
        return any(sysctl.about_link(item.name, each) for each in links)
    return getattr(item, "link", None) in links


def _making_order(item: Any) -> Any:
    """Routes that others lead over first; else the document's order (the first address of a subnet is the primary one)."""
    if isinstance(item, Sysctl):
        return sysctl.order(item.name)
    return isinstance(item, Route) and any(hop.gateway for hop in item.nexthops)


def _removal_order(item: Any) -> tuple[bool, bool]:
    """Routes that others lead over last; forwarding back before what guards against its side effects."""
    leads = isinstance(item, Route) and not any(hop.gateway for hop in item.nexthops)
    return (isinstance(item, Sysctl) and item.name not in sysctl.FORWARDING, leads)
