# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel to model: what is there, as far as a document could concern it. Reading never creates."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import cascade, files, netns, sysctl
from .cascade import End
from .claims import Claims, key_of, object_id
from .codec import Request, required
from .errors import KernelError
from .filters import Filter
from .jail import Jail
from .kernel import Kernel
from .kinds import paired
from .model import ALIAS, HOST, MAIN_TABLE, Desired, Link, Namespace, Observed, Sysctl, WireGuard, local_path, named, replace, resolver_path
from .planner.transfers import MOVED
from .wire import address, forward, link, neighbour, rate, redirect, resolver, route, rule, ruleset, vlans, wireguard

ALL_TABLES = 0

Ends = Mapping["tuple[str, int]", End]  # (namespace, index) of a link to its peer or lower link


@dataclass(frozen=True)
class Wanted:
    """What to read of one namespace beside its links and addresses."""

    tables: frozenset[int] = frozenset({MAIN_TABLE})
    rules: bool = False
    neighbours: bool = False
    vlans: bool = False
    sysctls: frozenset[str] = frozenset()
    resolver: bool = False
    queues: bool = False
    jails: bool = False
    filters: Mapping[str, str | None] = field(default_factory=dict)  # by document: the digest of what was loaded


EVERYTHING = Wanted(frozenset({ALL_TABLES}), rules=True, neighbours=True, resolver=True, queues=True, jails=True)


@dataclass
class Seen:
    """A namespace as read, before the ends of its links in other namespaces are known."""

    links: list[link.Seen]
    rest: dict[str, Any] = field(default_factory=dict)

    @property
    def by_index(self) -> dict[int, link.Seen]:
        return {seen.link.index: seen for seen in self.links}


def observe(kernel: Kernel, desired: Desired, claims: Claims, name: str, purge: bool, absent: bool) -> Observed:
    """All that the document ``desired``, or the purge of what ``name`` once declared, could touch. Flags as for :func:`plan.plan`."""
    present = netns.names()
    paths = {ns.path: kernel.identity_of(ns.path) for ns in desired.namespaces.values() if ns.path}
    unbound = _look_at_unbound(kernel, desired, paths)
    claimed = {each for each, held in claims.items() if purge and any(name in claim.names for claim in held.values())}
    concerned = {HOST, *desired.namespaces, *claimed}
    undeclared = {*present, *claimed} - {HOST, *desired.namespaces} if purge else set()
    going = {each for each in undeclared if _owner(kernel, each) == name}
    names = sorted(each for each in concerned | going if kernel.identity(each))
    wanted = {each: _wanted(desired, claims, each, name) for each in names}
    wanted.update({each: replace(wanted[each], tables=frozenset()) for each in going})  # routes go with it, and would come back with it
    namespaces = read(kernel, wanted)
    if _has_lost_ends(namespaces, desired, name, purge):
        others = {each: Wanted() for each in present if each not in wanted and kernel.identity(each)}
        namespaces = read(kernel, {**wanted, **others})
    doomed = {each: ns for each, ns in namespaces.items() if ns.owner == name and _declared(desired, each) == absent}
    inside = kernel.processes({ns.identity for ns in doomed.values()})
    return Observed(
        namespaces,
        leftovers=frozenset(other for other in present if other in concerned and other not in namespaces),
        paths=paths,
        unbound=unbound,
        processes={each: tuple(inside[ns.identity]) for each, ns in doomed.items() if ns.identity in inside},
    )


def _has_lost_ends(namespaces: Mapping[str, Namespace], desired: Desired, name: str, purge: bool) -> bool:
    """A pair that may go has an end in a namespace that was not read: an undo will need to know it."""
    for where, ns in namespaces.items():
        declared = desired.namespaces[where].links if where in desired.namespaces else {}
        for each in ns.links.values():
            concerned = each.name in declared or (purge and each.owner == name)
            if concerned and paired(each.kind) and "peer" not in each.attributes:
                return True
    return False


def _look_at_unbound(kernel: Kernel, desired: Desired, paths: Mapping[str, int]) -> dict[str, int]:
    """Open the namespaces to adopt that have not got their name yet, to see what is in them."""
    unbound = {}
    for ns in desired.namespaces.values():
        bound = kernel.identity_of(local_path(ns.name)) if ns.path else 0
        if ns.path and paths[ns.path] not in (0, bound):
            unbound[ns.name] = bound
            kernel.look_at(ns.name, ns.path)
    return unbound


def _declared(desired: Desired, name: str) -> bool:
    return name in desired.namespaces and desired.namespaces[name].made


def look(kernel: Kernel, names: Collection[str], desired: Desired, claims: Claims, document: str) -> dict[str, Seen]:
    """What ``document`` could touch of the namespaces with these names, for :func:`observe_again`."""
    return {each: _read_one(kernel, each, _wanted(desired, claims, each, document)) for each in sorted(names) if kernel.identity(each)}


def observe_again(kernel: Kernel, seen: Mapping[str, Seen], former: Observed) -> Observed:
    """The namespaces that were looked at again, after something was done to them; the others as they were."""
    again = _assembled(kernel, seen)
    kept = {name: ns for name, ns in former.namespaces.items() if kernel.identity(name)}
    changed = again if len(kept) == len(former.namespaces) else {**kept, **again}  # links go with a namespace that is gone
    now = {**kept, **{name: _recalled(ns, former.namespaces.get(name), kept) for name, ns in changed.items()}}
    return replace(former, namespaces=now, leftovers=frozenset(), unbound={}, processes={})


def _recalled(ns: Namespace, former: Namespace | None, kept: Mapping[str, Namespace]) -> Namespace:
    """Ends of links in namespaces that were not read again are where they were. A link whose other end
    was in a namespace that is deleted is as good as gone: it vanishes when the last descriptor is closed."""
    links = {}
    for each in ns.links.values():
        before = former.links.get(each.name) if former else None
        if before is None or before.index != each.index:
            links[each.name] = each
        elif before.attributes.get("namespace", HOST) in (*kept, HOST):
            links[each.name] = replace(each, attributes={**before.attributes, **each.attributes}, owner=before.owner)
    vanishing = {(ns.name, name) for name in ns.links if name not in links}
    return replace(cascade.without_links({ns.name: ns}, vanishing)[ns.name], links=links)


def look_up(kernel: Kernel, names: Iterable[str]) -> dict[str, Namespace]:
    """Links, addresses and routes, as far as these namespaces are there."""
    return read(kernel, {name: Wanted() for name in names if kernel.identity(name)})


def read(kernel: Kernel, wanted: Mapping[str, Wanted]) -> dict[str, Namespace]:
    """Namespaces by name; links know their peers and lower links as far as those are in namespaces read."""
    return _assembled(kernel, {name: _read_one(kernel, name, each) for name, each in wanted.items()})


def _assembled(kernel: Kernel, seen: Mapping[str, Seen]) -> dict[str, Namespace]:
    ends = _ends(kernel, seen)
    owners = {(name, each.link.name): each.link.owner for name, one in seen.items() for each in one.links}
    return {name: _assemble(kernel, name, one, ends, owners) for name, one in seen.items()}


def _owner(kernel: Kernel, name: str) -> str | None:
    """Whose namespace it is: told by the alias of its lo. Somebody else's is closed again at once."""
    if not kernel.identity(name):
        return None
    [answer] = kernel.send(name, [Request("RTM_GETLINK", {"index": link.LOOPBACK_INDEX}, link.DUMP.attrs, answer=True)])
    alias = required(answer).attrs.get("IFLA_IFALIAS") or ""
    if not alias.startswith(ALIAS):
        kernel.release(name)
        return None
    return str(alias[len(ALIAS) :])


def _wanted(desired: Desired, claims: Claims, name: str, document: str) -> Wanted:
    ns = desired.namespaces.get(name) or Namespace(name)
    held = claims.get(name, {})
    own = held.get(object_id("filters", document))
    claimed = {collection: {key_of(each) for each in held if each.startswith(collection + " ")} for collection in ("routes", "sysctls")}
    moves = name == HOST and (any(each.addresses_of for each in ns.links.values()) or any(each.startswith(f"{MOVED} ") for each in held))
    tables = {ALL_TABLES} if moves else {MAIN_TABLE} | {each.table for each in ns.routes.values()} | {key[1] for key in claimed["routes"]}
    return Wanted(
        frozenset(tables),
        rules=bool(ns.rules) or any(each.startswith("rules ") for each in held),
        neighbours=bool(ns.neighbours) or any(each.startswith("neighbours ") for each in held),
        vlans=any("vlans" in each.port or "vlans" in each.attributes for each in ns.links.values()),
        sysctls=frozenset(ns.sysctls) | frozenset(claimed["sysctls"]),
        resolver=bool(ns.resolvers) or any(each.startswith("resolvers ") for each in held),
        queues=bool(ns.rates or ns.redirects) or any(each.startswith(("rates ", "redirects ")) for each in held),
        jails=bool(ns.jails) or any(each.startswith("jails ") for each in held),
        filters={document: own.former if own else None} if own or ns.filters else {},
    )


def _read_one(kernel: Kernel, name: str, wanted: Wanted) -> Seen:
    seen = Seen([link.decode(message) for message in kernel.dump(name, link.DUMP)])
    if wanted.vlans or any(one.link.attributes.get("vlan_filtering") for one in seen.links):
        seen.links = _with_vlans(kernel, name, seen.links)
    names = {index: one.link.name for index, one in seen.by_index.items()}
    tunnels = [one.link.index for one in seen.links if one.link.kind == "vxlan" and one.link.owner is not None]
    seen.rest = {
        "addresses": _dump(kernel, name, address, [address.DUMP], names),
        "routes": _dump(kernel, name, route, route.dumps(sorted(wanted.tables)), names),
        "rules": _dump(kernel, name, rule, rule.DUMPS if wanted.rules else [], names),
        "neighbours": _dump(kernel, name, neighbour, neighbour.DUMPS if wanted.neighbours else [], names),
        "forwards": _dump(kernel, name, forward, [forward.dump(index) for index in tunnels], names),
        "wireguards": named(_read_wireguard(kernel, name, one.link) for one in seen.links if one.link.kind == "wireguard"),
        "sysctls": named(filter(None, (_read_sysctl(kernel, name, each) for each in sorted(wanted.sysctls)))),
        "resolvers": named(_read_resolver(kernel, name)) if wanted.resolver else {},
        **(read_queues(kernel, name, names) if wanted.queues else {}),
        "jails": named(_read_jails()) if wanted.jails and name == HOST else {},
        "filters": named(found for each, loaded in wanted.filters.items() for found in read_filter(kernel, name, each, loaded)),
    }
    return seen


def _with_vlans(kernel: Kernel, name: str, links: Iterable[link.Seen]) -> list[link.Seen]:
    """Bridges and their ports with the VLANs that they let pass."""
    found = dict(vlans.decode(message) for message in kernel.dump(name, vlans.DUMP))

    def filled(each: Link) -> Link:
        have = {"vlans": found[each.index]} if each.index in found else {}
        if each.kind == "bridge":
            each = replace(each, attributes={**each.attributes, **have})
        return replace(each, port={**each.port, **have}) if each.port else each

    return [one._replace(link=filled(one.link)) for one in links]


def _dump(kernel: Kernel, name: str, translator: Any, requests: Iterable[Request], names: Mapping[int, str]) -> dict[Any, Any]:
    objects = []
    for request in requests:
        try:
            messages = kernel.dump(name, request)
        except KernelError as error:
            if error.errno != errno.ENOENT:  # a routing table that does not exist yet
                raise
            continue
        objects += [found for found in (translator.decode(message, names) for message in messages) if found]
    return named(sorted(objects, key=lambda each: each.ours))  # beside a route of ours there may be one like it, by an advertisement


def read_queues(kernel: Kernel, name: str, names: Mapping[int, str]) -> dict[str, Any]:
    """What somebody chose as the root of a link's queues, and what is done with what arrives."""
    found = kernel.dump(name, rate.DUMP)
    taken = {each: message.fields["ifindex"] for message in found for each in (redirect.link_of(message, names),) if each}
    return {
        "rates": named(filter(None, (rate.decode(message, names) for message in found))),
        "redirects": named(redirect.decode(each, kernel.dump(name, redirect.filters(index)), names) for each, index in taken.items()),
    }


def _read_jails() -> list[Jail]:
    from . import jail_kernel  # few hosts have jails

    return jail_kernel.observe()


def _read_sysctl(kernel: Kernel, name: str, key: str) -> Sysctl | None:
    value = kernel.read_sysctl(name, sysctl.path(key))
    if value is None:
        return None
    echoes: list[tuple[str, str]] = []
    if key in sysctl.FORWARDING and name == HOST:
        for echo in sysctl.echo_names(key, kernel.list_sysctls(name, sysctl.FORWARDING[key])):
            now = kernel.read_sysctl(name, sysctl.path(echo))
            if now is not None and now != sysctl.echo_value(echo, value):
                echoes.append((echo, now))
    return Sysctl(key, value, tuple(echoes))


def _read_wireguard(kernel: Kernel, name: str, each: Link) -> WireGuard:
    answers = kernel.generic(name, wireguard.FAMILY, wireguard.GET_DEVICE, wireguard.ask(each.index), dump=True)
    return wireguard.decode(each.name, answers)


def _read_resolver(kernel: Kernel, name: str) -> list[Any]:
    content = files.read(resolver_path(name)) if name != HOST else None
    return [] if content is None else [resolver.decode(content)]


def read_filter(kernel: Kernel, name: str, document: str, loaded: str | None) -> list[Filter]:
    """The filter of a document, if it has one. ``loaded``: see :func:`ruleset.decode`."""
    listings = kernel.list_tables(name, ruleset.table(document), as_json=True)
    return [ruleset.decode(document, listings, loaded)] if listings else []


def _ends(kernel: Kernel, seen: Mapping[str, Seen]) -> dict[tuple[str, int], tuple[str, str]]:
    """(namespace, index) of a link to (namespace, name) of its peer or lower link.

    A link tells the index of its other end and a number for that end's namespace. Candidates are few: a
    namespace with a link of that index (that points back, if it is a pair); the kernel is asked to confirm.
    """
    ends: dict[tuple[str, int], tuple[str, str]] = {}
    index_of = {name: one.by_index for name, one in seen.items()}
    holders: dict[int, list[str]] = {}
    pointing: dict[tuple[int, int], list[str]] = {}
    for name, one in seen.items():
        for each in one.links:
            holders.setdefault(each.link.index, []).append(name)
            pointing.setdefault((each.link.index, each.parent), []).append(name)
    for name, one in seen.items():
        questions = []
        for each in one.links:
            if not each.parent or (name, each.link.index) in ends:
                continue
            if each.nsid is None:
                local = index_of[name].get(each.parent)
                if local:
                    ends[name, each.link.index] = (name, local.link.name)
                continue
            candidates = pointing.get((each.parent, each.link.index), []) if paired(each.link.kind) else holders.get(each.parent, [])
            questions += [(each, candidate) for candidate in candidates if candidate != name]
        for each, candidate in _confirmed(kernel, name, questions):
            other = index_of[candidate][each.parent].link
            ends[name, each.link.index] = (candidate, other.name)
            if paired(each.link.kind):
                ends[candidate, other.index] = (name, each.link.name)
    return ends


def _confirmed(kernel: Kernel, name: str, questions: list[tuple[link.Seen, str]]) -> list[tuple[link.Seen, str]]:
    """Those pairs of link and namespace where the link's other end really is in that namespace."""
    requests = [Request("RTM_GETNSID", attrs=[("NETNSA_FD", kernel.descriptor(candidate))], answer=True) for _seen, candidate in questions]
    answers = map(required, kernel.send(name, requests))
    return [question for question, answer in zip(questions, answers) if answer.attrs.get("NETNSA_NSID") == question[0].nsid]


def _assemble(kernel: Kernel, name: str, one: Seen, ends: Ends, owners: Mapping[End, str | None]) -> Namespace:
    names = {index: seen.link.name for index, seen in one.by_index.items()}
    links = {seen.link.name: _placed(seen, names.get(seen.master), ends.get((name, seen.link.index)), owners) for seen in one.links}
    lo = links["lo"].owner if name != HOST and "lo" in links else None
    groups = {each.name: each.attributes.get("group") for each in links.values()}
    forwards = {key: each for key, each in one.rest["forwards"].items() if groups.get(each.link) != each.remote}
    path = None if lo is not None or name == HOST else local_path(name)
    return Namespace(name, links, **{**one.rest, "forwards": forwards}, path=path, owner=lo, identity=kernel.identity(name))


def _placed(seen: link.Seen, master: str | None, end: End | None, owners: Mapping[End, str | None]) -> Link:
    """With the names of its master and its other end. A pair is ours if either end is marked."""
    each = seen.link
    if end is None:
        return replace(each, master=master) if master else each
    pair = paired(each.kind)
    owner = owners.get(end) if pair and each.owner is None else each.owner
    return replace(
        each, master=master, owner=owner, attributes={**each.attributes, "namespace": end[0], "peer" if pair else "link": end[1]}
    )
