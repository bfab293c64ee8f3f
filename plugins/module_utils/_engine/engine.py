# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way in one call: parse, observe, plan, apply, verify."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from . import render
from .apply import Transaction
from .claims import Claim, Claims
from .errors import Fault, NotConverged
from .kernel import Kernel, check_capabilities
from .model import HOST, Desired, Namespace, Observed
from .observe import EVERYTHING, look_up, observe, observe_again, read
from .parse import parse
from .plan import Plan, plan
from .resolve import resolve, symbolic
from .steps import Step
from .store import Store

GATHER = ("links", "addresses", "routes", "rules", "neighbours", "pairs")
VANISH_SECONDS = 10.0  # for a handful of namespaces; the kernel needs some milliseconds for each


@dataclass(frozen=True)
class Outcome:
    """What a run did, or in check mode would do. ``before`` and ``after``: the touched objects, document-shaped."""

    changed: bool
    steps: list[str]
    before: dict[str, Any]
    after: dict[str, Any]
    timing: dict[str, float]
    warnings: list[str] = field(default_factory=list)


def converge(
    document: Mapping[str, Any] | None,
    *,
    name: str = "default",
    purge: bool = True,
    state: str = "present",
    check: bool = False,
    lock_timeout: float = 60.0,
) -> Outcome:
    """Make the host as the document says.

    :param document: a host document; None for an empty one.
    :param name: owner of what is made. Only its objects are ever purged.
    :param purge: delete what ``name`` owns and the document does not declare.
    :param state: ``absent``: with ``purge`` all that ``name`` owns goes, without it what the document lists.
    :param check: plan only.
    :param lock_timeout: seconds to wait for another writer on this host.
    :raises NetnsError: and nothing is changed then, or it has been changed back.
    """
    everything_goes = state == "absent" and purge
    absent = state == "absent" and not purge
    desired = parse({} if everything_goes else document or {}, name)
    check_capabilities()
    with Kernel() as kernel:
        store = Store(kernel.cookie())
        if check:
            return _run(kernel, store, desired, name, purge, absent, check)
        with store.lock(lock_timeout):
            return _run(kernel, store, desired, name, purge, absent, check)


def show(namespaces: Iterable[str] | None = None, gather: Collection[str] | None = None) -> dict[str, Any]:
    """What is there: the host document of it, and ``pairs``, both ends of every veth. Changes nothing.

    :param namespaces: names (``host`` for the host's own); None for all. Peers are looked for in all.
    :param gather: some of ``GATHER``; None for all.
    """
    wanted = set(GATHER if gather is None else gather)
    with Kernel() as kernel:
        present = [HOST, *(name for name in kernel.names() if kernel.identity(name))]
        seen = read(kernel, dict.fromkeys(present, EVERYTHING))
    shown = {name: _only(ns, wanted) for name, ns in seen.items() if namespaces is None or name in set(namespaces)}
    found = render.document(shown)
    if "pairs" in wanted:
        found["pairs"] = [pair for pair in render.pairs(seen) if {pair["namespace"], pair["peer_namespace"]} & set(shown)]
    return found


def _only(ns: Namespace, wanted: set[str]) -> Namespace:
    """A namespace without the collections that nobody asked for."""
    unwanted: dict[str, Any] = {each: {} for each in ("links", "addresses", "routes", "rules", "neighbours") if each not in wanted}
    if "links" in unwanted:
        unwanted["forwards"] = {}
    return replace(ns, **unwanted)


def _run(kernel: Kernel, store: Store, desired: Desired, name: str, purge: bool, absent: bool, check: bool) -> Outcome:
    clock = _Clock()
    claims = store.load()
    desired, warnings = resolve(desired, look_up(kernel, symbolic(desired)))
    observed = observe(kernel, desired, claims, name, purge)
    clock.lap("observe")
    todo = plan(desired, observed, claims, name, purge, absent)
    clock.lap("plan")
    if not check and (todo.steps or todo.claims != claims):
        store.save(_both(claims, todo.claims))
        store.save(_apply(kernel, store, todo, observed, desired, claims, name, purge, absent))
    clock.lap("apply")
    before, after = render.touched(todo.steps)
    return Outcome(bool(todo.steps), [step.text for step in todo.steps], before, after, clock.laps, warnings)


def _apply(
    kernel: Kernel, store: Store, todo: Plan, observed: Observed, desired: Desired, claims: Claims, name: str, purge: bool, absent: bool
) -> Claims:
    """Carry out the plan, look again, and undo it all unless everything is as planned. Returns the claims with what was learnt."""
    transaction = Transaction(kernel, observed.namespaces, name)
    try:
        transaction.run(todo.steps)
        learnt = {key: replace(todo.claims[key], former=former) for key, former in transaction.formers.items() if key in todo.claims}
        kept = {**todo.claims, **learnt}
        again = observe_again(kernel, _touched(todo.steps), observed, desired, kept, name)
        left = plan(desired, again, kept, name, purge, absent).steps
        if left:
            raise NotConverged([Fault("", f"still to do after all steps: {step.text}") for step in left])
    except BaseException:
        transaction.undo()
        store.save(claims)
        raise
    transaction.commit()
    _wait_for_ends(kernel, todo.steps, observed)
    return kept


def _touched(steps: Collection[Step]) -> set[str]:
    """Namespaces where something was done, or where the other end of a link is that was made."""
    ends = [(where, link.attributes.get("namespace", where)) for step in steps for where, link in step.links]
    return {step.namespace for step in steps} | {name for pair in ends for name in pair}


def _wait_for_ends(kernel: Kernel, steps: Iterable[Step], observed: Observed) -> None:
    """The other ends of pairs into deleted namespaces vanish some time after those."""
    gone = {step.namespace for step in steps if isinstance(step.item, Namespace) and step.after is None and step.item.made}
    for name, ns in observed.namespaces.items():
        left = {link.index for link in ns.links.values() if link.attributes.get("namespace") in gone} if name not in gone else set()
        if left:
            kernel.wait_gone(name, left, VANISH_SECONDS + len(left) / 20)


def _both(one: Claims, other: Claims) -> Claims:
    """Claims that hold while a run is under way: a crash may leave objects of the old state or of the new one."""
    merged = dict(one)
    for key, claim in other.items():
        merged[key] = Claim(claim.names | merged[key].names, claim.former) if key in merged else claim
    return merged


class _Clock:
    """Milliseconds spent in each part of a run."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name] = round((now - self._last) * 1000, 1)
        self._last = now
