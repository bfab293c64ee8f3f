# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces that are made, adopted and deleted."""

from __future__ import annotations

from ..model import HOST, Link, Namespace, local_path, replace
from ..steps import Leftover, Step
from .context import Context, whose

CLAIM = "namespace"
SHOWN_PIDS = 5


def doomed(ctx: Context) -> set[str]:
    """Namespaces of ours that go, and everything in them."""
    if ctx.absent:
        return {name for name, ns in ctx.desired.items() if ns.made and ctx.own(name)}
    return {name for name in ctx.now if ctx.purge and ctx.own(name) and name not in ctx.desired}


def removals(ctx: Context) -> list[Step]:
    steps = []
    for ns in ctx.desired.values():
        if ctx.absent and ns.name != HOST:
            steps += _remove_declared(ctx, ns)
    if ctx.purge:
        steps += _purge(ctx)
    return steps


def creations(ctx: Context) -> list[Step]:
    """Also replacements: an adopted name whose process has become another."""
    steps = []
    for ns in ctx.desired.values():
        if ns.path == local_path(ns.name):
            if ns.name not in ctx.now and not ctx.absent:
                ctx.fault(ns.name, f"there is no namespace {ns.name}")
        elif ns.name != HOST and not ctx.absent:
            steps += _adopt(ctx, ns) if ns.path else _make(ctx, ns)
    return steps


def _make(ctx: Context, ns: Namespace) -> list[Step]:
    seen = ctx.now.get(ns.name)
    if seen is None:
        return [_new(ctx, ns)]
    if seen.owner == ctx.name:
        ctx.ledger.leave(ns.name, CLAIM)
        ctx.ledger.take(ns.name, CLAIM, {"in_use": ns.in_use})
    elif ctx.name:
        hint = f"to use it, add path: {local_path(ns.name)}" if seen.owner is None else "give it another name"
        ctx.fault(ns.name, f"the namespace {ns.name} exists already and {whose(seen.owner)}; {hint}")
    else:  # asked for by a single module: it is there, and its lo is somebody else's business
        ctx.desired[ns.name] = replace(ns, links={name: link for name, link in ns.links.items() if name != "lo"})
    return []


def _adopt(ctx: Context, ns: Namespace) -> list[Step]:
    target = ctx.observed.paths.get(ns.path or "", 0)
    if not target:
        ctx.fault(ns.name, f"{ns.path} is no network namespace: is the process still running?")
    elif HOST in ctx.now and target == ctx.now[HOST].identity:
        ctx.fault(ns.name, f"{ns.path} is the host's own network namespace")
    elif ns.name in ctx.observed.unbound:
        bound = ctx.observed.unbound[ns.name]
        if bound and not _adopted(ctx, ns.name):
            ctx.fault(ns.name, f"the namespace {ns.name} exists already and is not the one at {ns.path}")
            return []
        ctx.ledger.forget(ns.name)
        ctx.ledger.take(ns.name, CLAIM, {"adopted": True})
        former = [Step(ns.name, Namespace(ns.name, path=ns.path, identity=bound), None)] if bound else []
        return [*former, Step(ns.name, None, Namespace(ns.name, path=ns.path))]
    return []


def _new(ctx: Context, ns: Namespace) -> Step:
    """From here on the namespace is there, with its lo up."""
    ctx.ledger.forget(ns.name)
    ctx.ledger.take(ns.name, CLAIM, {"in_use": ns.in_use})
    new = Namespace(ns.name, owner=ctx.name)
    ctx.now[ns.name] = replace(new, links={"lo": Link("lo", state="up", index=1, permanent=True)})
    return Step(ns.name, None, new)


def _adopted(ctx: Context, name: str) -> bool:
    """The name was given by this document to a namespace that exists without it."""
    claim = ctx.ledger.get(name, CLAIM)
    return bool(claim and ctx.name in claim.names and claim.former.get("adopted"))


def _remove_declared(ctx: Context, ns: Namespace) -> list[Step]:
    seen = ctx.now.get(ns.name)
    if ns.path == local_path(ns.name) and not _adopted(ctx, ns.name):
        return []
    if seen is None:
        return _remove_leftover(ctx, ns.name)
    if not ctx.own(ns.name) and not _adopted(ctx, ns.name):
        ctx.fault(ns.name, f"the namespace {ns.name} {whose(seen.owner)} and is left alone")
        return []
    return _remove(ctx, seen, ns.in_use)


def _purge(ctx: Context) -> list[Step]:
    steps = []
    for name, seen in list(ctx.now.items()):
        if name not in ctx.desired and (ctx.own(name) or _adopted(ctx, name)):
            claim = ctx.ledger.get(name, CLAIM)
            steps += _remove(ctx, seen, claim.former.get("in_use", "refuse") if claim else "refuse")
    for name in sorted(ctx.observed.leftovers - set(ctx.desired)):
        steps += _remove_leftover(ctx, name)
    return steps


def _remove(ctx: Context, seen: Namespace, in_use: str) -> list[Step]:
    pids = ctx.observed.processes.get(seen.name, ())
    if pids and in_use != "force" and ctx.own(seen.name):
        shown = ", ".join(map(str, pids[:SHOWN_PIDS])) + (", …" if len(pids) > SHOWN_PIDS else "")
        ctx.fault(seen.name, f"processes live in the namespace {seen.name} (pid {shown}): end them, or set in_use: force")
    ctx.ledger.leave(seen.name, CLAIM)
    return [Step(seen.name, _bare(seen), None)]


def _remove_leftover(ctx: Context, name: str) -> list[Step]:
    ours = ctx.name in ctx.ledger.names(name, CLAIM)
    if ours:
        ctx.ledger.forget(name)
    return [Step(name, Leftover(name), None)] if ours and name in ctx.observed.leftovers else []


def _bare(ns: Namespace) -> Namespace:
    """The namespace as such, for a step."""
    return Namespace(ns.name, path=ns.path, owner=ns.owner, identity=ns.identity)
