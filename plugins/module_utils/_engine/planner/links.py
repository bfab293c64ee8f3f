# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links that are made, deleted, made anew and changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .. import cascade
from ..cascade import End
from ..claims import object_id
from ..kinds import KINDS, paired
from ..model import HOST, Link, Namespace, replace
from ..steps import Pair, Step, fresh, word
from . import leases
from .context import Context, whose
from .objects import WITH_LINK

MANAGED = ("state", "mtu", "mac", "master", "txqueuelen")
PLACE = ("peer", "namespace", "link", "interface", "permanent_mac", "addresses_of")
ETHERNET_MTU = 1500
Ordered = list[tuple[str, Link]]  # declared links with their namespaces, those that others name first
MADE = "made"  # claim on a link whose mark comes after its creation


def peer_of(link: Link) -> End:
    return (link.attributes.get("namespace", ""), link.attributes.get("peer", ""))


def removals(ctx: Context, doomed: set[str]) -> dict[End, str]:
    """Links that go, outside of namespaces that go, and why (a reason may need no words)."""
    reasons = {}
    leased = leases.leased(ctx)
    for where, ns in ctx.now.items():
        for link in ns.links.values() if where not in doomed else ():
            reason = None if (where, link.name) in leased else _reason(ctx, where, link)
            if reason is not None:
                reasons[where, link.name] = reason
    return reasons


def gone(ctx: Context, reasons: Iterable[End], doomed: set[str]) -> set[End]:
    """All links that are not there any more when those for which there is a reason, and the doomed namespaces, are gone."""
    inside = {(where, name) for where in doomed for name in ctx.now[where].links}
    return cascade.spread(ctx.now, {*reasons, *inside})


def _reason(ctx: Context, where: str, link: Link) -> str | None:
    want = ctx.wanted(where).links.get(link.name)
    made = link.owner == ctx.name or (link.owner is None and ctx.name in ctx.ledger.names(where, object_id(MADE, link.name)))
    mine = made or (ctx.own(where) and not link.permanent)
    if want is None:
        return "" if ctx.purge and made and not link.permanent else None
    if want.state == "absent" or (ctx.absent and want.kind):
        if not mine:
            ctx.fault(where, f"the link {link.name} {whose(link.owner)} and is left alone", "links", link.name)
        return ""
    if want.kind in (None, leases.KIND) or ctx.absent:
        return None
    other = _otherness(want, _recalled(ctx, where, link))
    if mine:
        return f"made anew: {other}" if other else None
    if other or ctx.name:
        hint = "list it without kind to use it, or name another"
        ctx.fault(where, f"the link {where}/{link.name} exists already and {whose(link.owner)}; {hint}", "links", link.name)
    return None


def _hidden(link: Link) -> str:
    return KINDS[link.kind].hidden if link.kind in KINDS else ""


def _recalled(ctx: Context, where: str, link: Link) -> Link:
    """With the attribute that the kernel does not tell; without a claim, what goes without saying."""
    if not _hidden(link):
        return link
    claim = ctx.ledger.get(where, object_id(MADE, link.name))
    return replace(link, attributes={**link.attributes, _hidden(link): claim.former if claim else where})


def _otherness(want: Link, seen: Link) -> str:
    """What makes it another link: its kind, or an attribute that the kernel cannot change. Empty: the same link."""
    if want.kind != seen.kind:
        return f"kind {seen.kind} to {want.kind}"
    keys = KINDS[str(want.kind)].unchangeable(seen.attributes, want.attributes)
    return ", ".join(f"{key} {word(seen.attributes.get(key))} to {word(want.attributes[key])}" for key in keys)


def creations(ctx: Context, ordered: Ordered, missing: set[End]) -> list[Step]:
    """Declared links that are not there, or are in ``missing``: those that others need first. From here on they are there, down."""
    steps: dict[frozenset[End], Step] = {}
    for where, link in ordered:
        seen = ctx.now[where].links.get(link.name)
        if (seen and (where, link.name) not in missing) or link.state == "absent" or link.kind == leases.KIND:
            continue
        if link.kind is None:
            ctx.fault(where, f"there is no link {link.name} in {where}; to make one, give its kind", "links", link.name)
            continue
        step = _creation(ctx, where, link)
        if step:
            steps.setdefault(_ends(step), step)
    return list(steps.values())


def settle(ctx: Context, steps: Iterable[Step]) -> None:
    """The links that these steps create are there from here on."""
    made: dict[str, dict[str, Link]] = {}
    for step in steps:
        for where, link in step.links:
            made.setdefault(where, {})[link.name] = _fresh(ctx, where, link)
    for where, links in made.items():
        ctx.now[where] = replace(ctx.now[where], links={**ctx.now[where].links, **links})


def _fresh(ctx: Context, where: str, link: Link) -> Link:
    """A link just made. As the port of a vrf it has nothing of a bridge's port."""
    made = fresh(link)
    master = ctx.wanted(where).links.get(link.master or "")
    return replace(made, port={}) if master and (master.kind or _kind(ctx, where, master.name)) == "vrf" else made


def _creation(ctx: Context, where: str, link: Link) -> Step | None:
    """Created down: it comes up when its configuration stands."""
    new = replace(link, state="down", port={}, owner=ctx.name)
    if not paired(link.kind):
        if link.kind == "tun" or link.attributes.get("namespace", where) != where:
            ctx.ledger.take(where, object_id(MADE, link.name), link.attributes.get(_hidden(link)))
        return Step(where, None, new)
    inside, peer = peer_of(link)
    if inside not in ctx.now:
        return None  # the missing namespace is a fault of its own
    other = replace(ctx.wanted(inside).links[peer], state="down", port={}, owner=ctx.name)
    if inside == HOST and where != HOST:
        where, new, inside, other = inside, other, where, new
    return Step(where, None, Pair(new, replace(other, master=None), inside))


def by_dependency(ctx: Context) -> Ordered:
    """Declared links of namespaces that are there; masters and lower links before those that name them."""
    links = {(ns.name, link.name): link for ns in ctx.desired.values() if ns.name in ctx.now for link in ns.links.values()}
    ordered: dict[End, Link] = {}

    def visit(end: End, trail: tuple[End, ...]) -> None:
        if end in ordered or end not in links:
            return
        if end in trail:
            ctx.fault(end[0], "links lie on each other in a circle: " + ", ".join("/".join(each) for each in trail), "links", end[1])
            return
        link = links[end]
        visit((end[0], link.master or ""), (*trail, end))
        visit((link.attributes.get("namespace", ""), link.attributes.get("link", "")), (*trail, end))
        ordered[end] = link

    for end in sorted(links, key=lambda end: (links[end].kind != "bridge", end[0] != HOST)):
        visit(end, ())
    return [(where, link) for (where, _name), link in ordered.items()]


def removal_steps(ctx: Context, reasons: Mapping[End, str], doomed: set[str], made: Iterable[Step]) -> list[Step]:
    """One step for each link or pair, those that lie on others first, bridges last.

    None for a pair whose other end goes with its namespace, unless its name is wanted at once (it lingers for a
    while) or a process keeps that namespace alive.
    """
    wanted = {end for step in made for end in _ends(step)}
    explicit = set()
    for where, ns in ctx.now.items():
        for link in ns.links.values() if where not in doomed else ():
            end, inside = (where, link.name), peer_of(link)[0]
            needed = end in wanted or bool(ctx.observed.processes.get(inside))
            if (inside in doomed and needed) or (inside not in doomed and end in reasons):
                explicit.add(end)
    steps: dict[frozenset[End], Step] = {}
    for where, name in sorted(cascade.spread(ctx.now, explicit), key=lambda end: _removal_order(ctx, end)):
        if name in ctx.now[where].links:
            step = _removal(ctx, where, ctx.now[where].links[name], reasons.get((where, name), ""))
            steps.setdefault(_ends(step), step)
    return list(steps.values())


def _removal_order(ctx: Context, end: End) -> tuple[bool, int, End]:
    depth, below = 0, end
    while below[0] in ctx.now and below[1] in ctx.now[below[0]].links and depth < len(ctx.now) + len(ctx.now[below[0]].links):
        lower = ctx.now[below[0]].links[below[1]].attributes
        below = (lower.get("namespace", ""), lower.get("link", ""))
        depth += 1
    link = ctx.now[end[0]].links.get(end[1])
    return (link is not None and link.kind == "bridge", -depth, end)


def _removal(ctx: Context, where: str, link: Link, reason: str) -> Step:
    """A pair goes by one step that knows both ends, so that it can be undone."""
    inside, peer = peer_of(link)
    other = ctx.now[inside].links.get(peer) if inside in ctx.now else None
    if not paired(link.kind) or other is None:
        return Step(where, link, None, reason)
    if inside == HOST and where != HOST:
        return Step(inside, Pair(other, link, where), None, reason)
    return Step(where, Pair(link, other, inside), None, reason)


def _ends(step: Step) -> frozenset[End]:
    return frozenset((where, link.name) for where, link in step.links)


def forget(ctx: Context, gone: set[End]) -> None:
    """Claims on links that are gone."""
    for where, ns in ctx.now.items():
        for claim in (MADE, WITH_LINK):
            for name in ctx.ledger.held(claim, where):
                if (where, name) in gone or name not in ns.links:
                    ctx.ledger.leave(where, object_id(claim, name))


def releases(ctx: Context) -> list[Step]:
    """Attributes of links that exist already go back to what they were, when nobody declares them any more."""
    return [step for where in list(ctx.now) for key in ctx.ledger.held("links", where) for step in _release(ctx, where, *key)]


def _release(ctx: Context, where: str, name: str, attribute: str) -> list[Step]:
    want = ctx.wanted(where).links.get(name)
    declared = want is not None and getattr(want, attribute) is not None
    if declared != ctx.absent or not (ctx.purge or ctx.absent):
        return []
    claim = ctx.ledger.leave(where, object_id("links", (name, attribute)))
    link = ctx.now[where].links.get(name)
    if claim is None or link is None or getattr(link, attribute) == claim.former:
        return []
    return [_replaced(ctx, where, link, replace(link, **{attribute: claim.former}))]


def departures(ctx: Context, ordered: Ordered) -> list[Step]:
    """Ports that leave a bridge of ours, before anything is made: a port cannot be the lower link of another."""
    steps = []
    for where, want in _present(ctx, ordered):
        have = ctx.now[where].links[want.name]
        master = ctx.now[where].links.get(have.master or "")
        if ctx.purge and want.kind and want.master is None and master and master.owner == ctx.name:
            steps.append(_replaced(ctx, where, have, replace(have, master=None, port={})))
    return steps


def enlargements(ctx: Context, ordered: Ordered) -> list[Step]:
    """A larger MTU of a lower link comes before that of the links that lie on it."""
    lower = {(link.attributes.get("namespace"), link.attributes.get("link")) for ns in ctx.desired.values() for link in ns.links.values()}
    steps = []
    for where, want in _present(ctx, ordered):
        have = ctx.now[where].links[want.name]
        if (where, want.name) in lower and want.mtu and have.mtu and want.mtu > have.mtu and (want.kind or ctx.own(where)):
            steps.append(_replaced(ctx, where, have, replace(have, mtu=want.mtu)))
    return steps


def _present(ctx: Context, ordered: Ordered) -> Ordered:
    """Declared links that are there."""
    return [(where, link) for where, link in ordered if link.name in ctx.now[where].links and link.state != "absent"]


def _replaced(ctx: Context, where: str, have: Link, after: Link) -> Step:
    masters = {_kind(ctx, where, name) for name in (have.master, after.master)} if have.master != after.master else set()
    flaps = have.state == "up" and "vrf" in masters
    ctx.now[where] = replace(ctx.now[where], links={**ctx.now[where].links, have.name: after})
    if have.state != after.state or flaps:
        for inside, name in cascade.along(ctx.followers, [(where, have.name)]):
            _turn(ctx, inside, name, after.state, flaps)
    return Step(where, have, after)


def _turn(ctx: Context, where: str, name: str, state: str | None, flaps: bool) -> None:
    """The link goes up or down; or down and up again, as the kernel has it when a link joins a vrf (cycle_netdev())."""
    ns = ctx.now.get(where)
    if ns is None or name not in ns.links:
        return
    ns = cascade.downed(ns, {name}) if state == "down" or flaps else ns
    ctx.now[where] = replace(ns, links={**ns.links, name: replace(ns.links[name], state=state)})


def _kind(ctx: Context, where: str, name: str | None) -> str | None:
    link = ctx.now[where].links.get(name or "")
    return link.kind if link else None


def changes(ctx: Context, ns: Namespace) -> list[Step]:
    """Attributes in place."""
    steps = []
    joined: dict[str, int] = {}  # smallest MTU of the ports that join a bridge
    for want in _rising(ns):
        have = ctx.now[ns.name].links.get(want.name)
        if have is None or want.state == "absent":
            continue
        if want.master and (have.master != want.master or not have.index):
            joined[want.master] = min(joined.get(want.master, ETHERNET_MTU), want.mtu or have.mtu or ETHERNET_MTU)
        have = _followed(have, joined.get(want.name), want.mtu)
        _check_port(ctx, ns, have, want)
        if want.kind is None and not ctx.own(ns.name):
            for attribute in MANAGED:
                if getattr(want, attribute) is not None:
                    ctx.ledger.take(ns.name, object_id("links", (want.name, attribute)), getattr(have, attribute))
        if _differs(have, want):
            steps.append(_replaced(ctx, ns.name, have, _merged(have, want)))
    return steps


def _differs(have: Link, want: Link) -> bool:
    """Something that is declared is not so."""
    if any(getattr(want, key) not in (None, getattr(have, key)) for key in MANAGED):
        return True
    kind = any(value is not None and key not in PLACE and have.attributes.get(key) != value for key, value in want.attributes.items())
    return kind or any(have.port.get(key) != value for key, value in want.port.items())


def _rising(ns: Namespace) -> list[Link]:
    """Declared links in the order in which they come up: those that lie on others after them, and bridges after their ports:
    each port that joins a running bridge costs more (flooded MLD and DAD)."""
    ports: dict[str, list[Link]] = {}
    for link in ns.links.values():
        ports.setdefault(link.master or "", []).append(link)
    begun: set[str] = set()
    ordered = []

    def visit(link: Link) -> None:
        if link.name in begun:
            return
        begun.add(link.name)
        for port in ports.get(link.name, ()):
            visit(port)
        lower = ns.links.get(link.attributes.get("link") or "")
        if lower and link.attributes["namespace"] == ns.name:
            visit(lower)
        ordered.append(link)

    for link in sorted(ns.links.values(), key=lambda link: link.kind == "bridge"):
        visit(link)
    return ordered


def _followed(have: Link, joined: int | None, wanted: int | None) -> Link:
    """A bridge that was made without an MTU follows its ports; one that this run makes keeps what it was given. The kernel
    does not tell of others whether they follow: what is wanted is asked for unless it comes either way."""
    if have.kind != "bridge" or not (have.index and have.mtu and joined) or joined >= have.mtu or joined == wanted:
        return have
    return replace(have, mtu=joined)


def _merged(have: Link, want: Link) -> Link:
    """The link as it shall be: what is declared over what is there."""
    declared = {key: getattr(want, key) for key in MANAGED if getattr(want, key) is not None}
    attributes = {key: value for key, value in want.attributes.items() if key not in PLACE and value is not None}
    port = {**have.port, **want.port} if declared.get("master", have.master) else {}
    return replace(have, **declared, attributes={**have.attributes, **attributes}, port=port)


def _check_port(ctx: Context, ns: Namespace, have: Link, want: Link) -> None:
    """A NIC that carries the host's addresses is no port: they could not be reached any more."""
    if not want.master or have.master == want.master or want.kind or _kind(ctx, ns.name, want.master) == "vrf":
        return
    if ns.links[want.master].addresses_of == have.name:
        return
    carried = [each.ip for each in ctx.now[ns.name].addresses.values() if each.link == have.name and not each.ip.startswith("fe80:")]
    if carried:
        message = f"{have.name} carries the address {carried[0]}: as a port of {want.master} it would be cut off"
        ctx.fault(ns.name, message, "links", have.name, "master")
