# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way in one call: parse, observe, plan, apply, verify."""

from __future__ import annotations

import contextlib
import gc
import ipaddress
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from . import announce, cascade, files, keys, netns, render
from .apply import Transaction, lease_formers
from .claims import Claims, Ledger, object_id, union, with_formers
from .errors import Fault, NotConverged
from .keep import Change, Keeper, check_name, load
from .kernel import Kernel, check_capabilities
from .model import HOST, Address, Desired, Namespace, Neighbour, Observed, replace
from .observe import EVERYTHING, Seen, look, look_up, observe, observe_again, read
from .obstacles import obstacles
from .parse import parse
from .plan import Plan, plan
from .planner import transfers
from .planner.context import Context
from .resolve import resolve, symbolic
from .steps import Lease, Step, split_where_bridges_rise
from .store import Store

GATHER = ("links", "addresses", "routes", "rules", "neighbours", "jails", "pairs")
VANISH_SECONDS = 10.0  # for a handful of namespaces; the kernel needs some milliseconds for each


@dataclass(frozen=True)
class Outcome:
    """What a run did, or in check mode would do. ``look``: the touched objects before and after, document-shaped."""

    changed: bool
    steps: list[str]
    look: Callable[[], tuple[dict[str, Any], dict[str, Any]]]
    timing: dict[str, float]
    warnings: list[str] = field(default_factory=list)  # what is left out of it
    obstacles: list[str] = field(default_factory=list)  # what of others stands in its way

    @cached_property
    def differences(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Made only if somebody asks: it costs as much as the plan."""
        return self.look()

    @property
    def before(self) -> dict[str, Any]:
        return self.differences[0]

    @property
    def after(self) -> dict[str, Any]:
        return self.differences[1]


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """A run makes values that refer to older ones only: there are no cycles to find, and looking for them takes a quarter of its time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@_without_collector()
def converge(
    document: Mapping[str, Any] | None,
    *,
    name: str = "default",
    purge: bool = True,
    state: str = "present",
    check: bool = False,
    lock_timeout: float = 60.0,
    kept_in: str | None = None,
) -> Outcome:
    """Make the host as the document says.

    :param document: a host document; None for an empty one.
    :param name: owner of what is made. Only its objects are ever purged.
    :param purge: delete what ``name`` owns and the document does not declare.
    :param state: ``absent``: with ``purge`` all that ``name`` owns goes, without it what the document lists.
    :param check: plan only.
    :param lock_timeout: seconds to wait for another writer on this host.
    :param kept_in: folder where the document is kept for the next boot (``keep.folder()``); None: nowhere.
    :raises NetnsError: and nothing is changed then, or it has been changed back.
    """
    everything_goes = state == "absent" and purge
    absent = state == "absent" and not purge
    check_name(name)
    wanted = None if everything_goes else document or {}
    desired = parse(wanted or {}, name, absent)
    with _running(name, purge, absent, Keeper(kept_in, name, wanted, purge), None if check else lock_timeout) as run:
        return run.plan(desired) if check else run.apply(desired)


@_without_collector()
def repeat(
    kept_in: str, name: str, *, purge: bool = True, check: bool = False, lock_timeout: float = 60.0
) -> tuple[Outcome, Collection[str]]:
    """Make the host as the document says that is kept under this name.

    The document is read when no other run can change it any more. What is kept stays as it is.

    :returns: the outcome, and what had been left out when the document was kept; whatever else is left out now is missing.
    :raises NetnsError: and nothing is changed then, or it has been changed back.
    """
    check_name(name)
    with _running(name, purge, False, Keeper(None, name, None, purge), None if check else lock_timeout) as run:
        kept = load(kept_in, name)
        desired = parse(kept.document, name)
        run.asks = False  # what held before the boot holds again
        return run.plan(desired) if check else run.apply(desired), kept.left_out


@_without_collector()
def show(namespaces: Iterable[str] | None = None, gather: Collection[str] | None = None) -> dict[str, Any]:
    """What is there: the host document of it; ``pairs``, both ends of every veth; ``processes`` of each jail. Changes nothing.

    :param namespaces: names (``host`` for the host's own); None for all. Peers are looked for in all.
    :param gather: some of ``GATHER``; None for all.
    """
    wanted = set(GATHER if gather is None else gather)
    with Kernel() as kernel:
        present = [HOST, *(name for name in netns.names() if kernel.identity(name))]
        seen = read(kernel, dict.fromkeys(present, EVERYTHING))
    shown = {name: _only(ns, wanted) for name, ns in seen.items() if namespaces is None or name in set(namespaces)}
    found = render.document(shown)
    for jail in shown[HOST].jails.values() if HOST in shown else ():
        found["jails"][jail.name]["processes"] = list(jail.processes)
    if "pairs" in wanted:
        found["pairs"] = [pair for pair in render.pairs(seen) if {pair["namespace"], pair["peer_namespace"]} & set(shown)]
    return found


def _only(ns: Namespace, wanted: set[str]) -> Namespace:
    """A namespace without the collections that nobody asked for, and without what the kernel makes by itself."""
    declared = {key: each for key, each in ns.addresses.items() if not ipaddress.ip_address(each.ip).is_link_local}
    routes = {key: each for key, each in ns.routes.items() if not each.automatic}
    ns = replace(ns, addresses=declared, routes=routes)
    unwanted: dict[str, Any] = {each: {} for each in ("links", "addresses", "routes", "rules", "neighbours", "jails") if each not in wanted}
    if "links" in unwanted:
        unwanted["forwards"] = unwanted["wireguards"] = unwanted["rates"] = unwanted["redirects"] = {}
    return replace(ns, **unwanted)


@contextlib.contextmanager
def _running(name: str, purge: bool, absent: bool, keeper: Keeper, lock_timeout: float | None) -> Iterator[_Run]:
    """A run, and the lock of all writers, unless the timeout is None."""
    check_capabilities()
    with Kernel() as kernel:
        run = _Run(kernel, Store(kernel.cookie()), name, purge, absent, keeper)
        with contextlib.nullcontext() if lock_timeout is None else run.store.lock(lock_timeout):
            yield run


class Clock:
    """Milliseconds spent in each part of a run."""

    def __init__(self) -> None:
        self.laps = {"observe": 0.0, "plan": 0.0, "apply": 0.0}
        self._last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name] = round((now - self._last) * 1000, 1)
        self._last = now


@dataclass
class _Run:
    """One run of one document."""

    kernel: Kernel
    store: Store
    name: str
    purge: bool
    absent: bool
    keeper: Keeper
    clock: Clock = field(default_factory=Clock)
    asks: bool = True  # the wire, before an address is taken

    def plan(self, desired: Desired) -> Outcome:
        """Tell what would be done."""
        return self._outcome(self._decide(desired))

    def apply(self, desired: Desired) -> Outcome:
        """Do it."""
        decided = self._decide(desired)
        if decided.plan.steps or decided.plan.claims != decided.claims or decided.keeping:
            transaction = Transaction(self.kernel, decided.observed.namespaces, self.name, decided.plan.steps)
            will = with_formers(decided.plan.claims, lease_formers(self.kernel, decided.plan.steps))
            self.store.save(union(decided.claims, will))
            self.store.save(self._carry_out(decided, transaction))
        self.clock.lap("apply")
        return self._outcome(decided)

    def _decide(self, desired: Desired) -> _Decision:
        claims = self.store.load()
        if not self.absent:
            desired = keys.filled(desired, {path: files.read(path) for path in keys.files(desired)})
        elif desired.namespaces[HOST].jails:
            from .jail_kernel import as_made  # few hosts have jails

            desired = as_made(desired)
        real, left_out = resolve(desired, self._foreseen(desired, claims), self._stays(claims))
        observed = observe(self.kernel, real, claims, self.name, self.purge, self.absent)
        self.clock.lap("observe")
        todo = plan(real, observed, claims, self.name, self.purge, self.absent)
        if self.asks:
            self._ask(todo.steps, observed)
        keeping, not_kept = self.keeper.decide(left_out)
        self.clock.lap("plan")
        hindering = [] if self.absent else obstacles(self.kernel, real.namespaces[HOST], observed.namespaces[HOST])
        return _Decision(real, observed, claims, todo, keeping, left_out + not_kept, hindering)

    def _foreseen(self, desired: Desired, claims: Claims) -> Mapping[str, Namespace]:
        """What tells the names that a document leaves to the host."""
        seen = Observed(look_up(self.kernel, symbolic(desired)))
        return transfers.foreseen(Context(dict(desired.namespaces), seen, Ledger(self.name, claims), self.purge, self.absent))

    def _ask(self, steps: Iterable[Step], observed: Observed) -> None:
        """Whether somebody has an address that is going to be answered for; check mode asks, too, and tells the same."""
        entries = [step.after for step in steps if step.before is None and isinstance(step.after, Neighbour) and step.after.probe]
        if entries:
            from .probe import refuse_taken  # most runs need none of it

            refuse_taken(self.kernel, entries, observed.namespaces)

    def _stays(self, claims: Claims) -> Callable[[str, Address], bool]:
        """An address of ours that is not declared any more goes, unless another document claims it too."""

        def stays(namespace: str, address: Address) -> bool:
            claim = claims.get(namespace, {}).get(object_id("addresses", address.key))
            return not (self.purge and address.ours) or bool(claim and claim.names - {self.name})

        return stays

    def _carry_out(self, decided: _Decision, transaction: Transaction) -> Claims:
        """Take all steps, look again, and undo it all unless everything is as planned, and kept. Returns the claims that hold then."""
        steps = decided.plan.steps
        try:
            seen = self._take(decided, transaction)
            claims = with_formers(decided.plan.claims, transaction.formers)
            now = self._verify(decided, claims, seen)
            if decided.keeping:
                decided.keeping.carry_out()
        except BaseException:
            transaction.undo()
            self.store.save(decided.claims)
            raise
        transaction.commit()
        announced = announce.frames(steps, decided.observed.namespaces, now.namespaces)
        if announced:
            self.kernel.emit(HOST, announced)
        _wait_for_ends(self.kernel, steps, decided.observed)
        return claims

    def _take(self, decided: _Decision, transaction: Transaction) -> dict[str, Seen]:
        """Take all steps, and look at each namespace when the last step is taken that touches it.

        That is before bridges rise, for most: then all ports are flooded with what IPv6 has to say for each, and whoever
        asks the kernel something waits.
        """
        first, last = split_where_bridges_rise(decided.plan.steps)
        touched, late = _touched(first, decided.observed), _touched(last, decided.observed)
        seen = {}
        for steps, settled in ((first, touched - late), (last, late)):
            transaction.run(steps)
            claims = with_formers(decided.plan.claims, transaction.formers)
            seen.update(look(self.kernel, settled, decided.desired, claims, self.name))
        return seen

    def _verify(self, decided: _Decision, claims: Claims, seen: Mapping[str, Seen]) -> Observed:
        """What is there now: nothing may be left to do where something was done, and where that has to do with it."""
        again = observe_again(self.kernel, seen, decided.observed)
        touched = _touched(decided.plan.steps, decided.observed)
        near = _near(touched, decided.desired.namespaces) | _near(touched, again.namespaces)
        desired = Desired(_only_named(decided.desired.namespaces, near))
        left = plan(desired, replace(again, namespaces=_only_named(again.namespaces, near)), claims, self.name, self.purge, self.absent)
        if left.steps:
            raise NotConverged([Fault("", f"still to do after all steps: {step.text}") for step in left.steps])
        return again

    def _outcome(self, decided: _Decision) -> Outcome:
        steps = [step.text for step in decided.plan.steps]
        if decided.keeping:
            steps.append(decided.keeping.text)
        return Outcome(bool(steps), steps, lambda: _differences(decided), self.clock.laps, decided.warnings, decided.obstacles)


@dataclass(frozen=True)
class _Decision:
    """What a run starts from, and what it is going to do."""

    desired: Desired
    observed: Observed
    claims: Claims
    plan: Plan
    keeping: Change | None
    warnings: list[str]
    obstacles: list[str]


def _differences(decided: _Decision) -> tuple[dict[str, Any], dict[str, Any]]:
    before, after = render.touched(decided.plan.steps, decided.observed.namespaces)
    kept = decided.keeping.shown if decided.keeping else ({}, {})
    return {**before, **kept[0]}, {**after, **kept[1]}


def _touched(steps: Collection[Step], observed: Observed) -> set[str]:
    """Namespaces where something was done, where the other end of a link is that was made, or what lies on one that was changed."""
    links = [(where, link) for step in steps for where, link in step.links]
    beside = {link.attributes.get("namespace", where) for where, link in links}
    above = cascade.spread(observed.namespaces, {(where, link.name) for where, link in links}) if links else set()
    return {step.namespace for step in steps} | beside | {where for where, _name in above}


def _near(touched: Collection[str], namespaces: Mapping[str, Namespace]) -> set[str]:
    """These, and those where the other ends of their links are."""
    links = [(name, link) for name in touched if name in namespaces for link in namespaces[name].links.values()]
    return {*touched, *(link.attributes.get("namespace", name) for name, link in links)}


def _only_named(namespaces: Mapping[str, Namespace], names: Collection[str]) -> dict[str, Namespace]:
    return {name: ns for name, ns in namespaces.items() if name in names}


def _wait_for_ends(kernel: Kernel, steps: Iterable[Step], observed: Observed) -> None:
    """The other ends of pairs into deleted namespaces vanish some time after those."""
    gone = {step.namespace for step in steps if isinstance(step.item, Namespace) and step.after is None and step.item.made}
    back = {(lease.inside, lease.link.name) for lease in (step.before for step in steps) if isinstance(lease, Lease)}
    for name, ns in observed.namespaces.items():
        ends = [link for link in ns.links.values() if link.attributes.get("namespace") in gone] if name not in gone else []
        left = {link.index for link in ends if (link.attributes["namespace"], link.attributes.get("peer")) not in back}
        if left:
            kernel.wait_gone(name, left, VANISH_SECONDS + len(left) / 20)
