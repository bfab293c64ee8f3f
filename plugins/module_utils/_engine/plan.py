# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Desired and observed to steps. Decides everything, touches nothing."""

from __future__ import annotations

from dataclasses import dataclass

from . import cascade
from .claims import Claims, Ledger
from .errors import ConflictError
from .model import BEFORE_LINKS, HOST, OBJECTS, Desired, Observed
from .planner import filters, jails, leases, links, namespaces, objects, transfers
from .planner.context import Context
from .steps import Step


@dataclass(frozen=True)
class Plan:
    """``claims`` are what holds once the steps are done."""

    steps: tuple[Step, ...]
    claims: Claims


def plan(desired: Desired, observed: Observed, claims: Claims, name: str, purge: bool = True, absent: bool = False) -> Plan:
    """The steps from ``observed`` to ``desired``, in the order in which the kernel takes them.

    :param name: the document's name; only objects of this name are deleted.
    :param purge: what is ours and not declared goes.
    :param absent: what is declared goes.
    :raises ConflictError: with every reason why the document cannot hold on this host.
    """
    ctx = Context(dict(desired.namespaces), observed, Ledger(name, claims), purge, absent)
    steps = _steps(ctx)
    jails.check(ctx, steps)
    if ctx.faults:
        raise ConflictError(ctx.faults)
    return Plan(tuple(steps), ctx.ledger.claims)


def _steps(ctx: Context) -> list[Step]:
    doomed = namespaces.doomed(ctx)
    returned = [*leases.returns(ctx, doomed), *transfers.returns(ctx)]
    reasons = links.removals(ctx, doomed)
    gone = links.gone(ctx, reasons, doomed)
    removed = objects.removals(ctx, gone, doomed)
    before = dict(ctx.now)
    objects.settle(ctx, removed)
    ctx.now = cascade.without_links(ctx.now, gone)
    links.forget(ctx, gone)
    released = links.releases(ctx)
    removed_namespaces = namespaces.removals(ctx)
    for each in doomed:
        ctx.ledger.forget(each)
        del ctx.now[each]
    made_namespaces = namespaces.creations(ctx)
    moved = [] if ctx.absent else leases.moves(ctx)
    filtered = [] if ctx.absent else filters.changes(ctx)
    ordered = [] if ctx.absent else links.by_dependency(ctx)
    left = links.departures(ctx, ordered)
    made = links.creations(ctx, ordered, gone)
    after, ctx.now = ctx.now, before
    removed_links = links.removal_steps(ctx, reasons, doomed, made)
    ctx.now = after
    links.settle(ctx, made)
    grown = links.enlargements(ctx, ordered)
    configured = [] if ctx.absent else _configuration(ctx)
    unfiltered = filters.removals(ctx)
    first = objects.early(removed, configured)
    early = set(map(id, first))
    later = [step for step in configured if id(step) not in early]
    removals = [*returned, *first, *removed, *removed_links, *released, *removed_namespaces]
    return [*removals, *left, *filtered, *made_namespaces, *moved, *made, *grown, *later, *unfiltered]


def _configuration(ctx: Context) -> list[Step]:
    """What is made in namespaces and of links that are there."""
    steps = []
    for name in _rising(ctx):
        want = ctx.desired[name]
        for collection in BEFORE_LINKS:
            steps += objects.changes(ctx, want, collection)
        steps += links.changes(ctx, want)
        steps += transfers.takes(ctx) if name == HOST else []
        for collection in OBJECTS[len(BEFORE_LINKS) :]:
            steps += objects.changes(ctx, want, collection)
    return steps


def _rising(ctx: Context) -> list[str]:
    """Namespaces in the order in which they are configured: those whose links lie on links of others after them; else
    containers before the host, so that bridges come up last."""
    lower = {
        name: {link.attributes["namespace"] for link in ns.links.values() if link.attributes.get("link")} - {name}
        for name, ns in ctx.desired.items()
        if name in ctx.now
    }
    ordered: dict[str, None] = {}
    begun: set[str] = set()

    def visit(name: str) -> None:
        if name in begun or name not in lower:
            return
        begun.add(name)
        for other in sorted(lower[name]):
            visit(other)
        ordered[name] = None

    for name in sorted(lower, key=lambda name: (bool(lower[name]), name == HOST)):
        visit(name)
    return list(ordered)
