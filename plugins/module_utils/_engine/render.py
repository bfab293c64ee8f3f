# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Model to document: the inverse of parse.py, for diffs and for showing what is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .filters import Filter, Isolated, Masquerade, Publication, ports_text, ports_value
from .jail import Jail
from .kinds import KINDS, paired
from .kinds.vlans import Vlans
from .model import (
    ANYWHERE,
    HOST,
    MAIN_TABLE,
    Address,
    Forward,
    Link,
    Namespace,
    Neighbour,
    NextHop,
    Rate,
    Redirect,
    Resolver,
    Route,
    Rule,
    Sysctl,
    WireGuard,
    default_metric,
    rate_words,
)
from .steps import Lease, Pair, Step, Transfer

Document = dict[str, Any]


def document(namespaces: Mapping[str, Namespace]) -> Document:
    """The host document of these namespaces."""
    found: Document = {"host": {}, "namespaces": {}}
    for name, ns in namespaces.items():
        space = _space(found, name)
        for link in ns.links.values():
            _put(space, link)
        for objects in (
            ns.addresses,
            ns.routes,
            ns.rules,
            ns.neighbours,
            ns.forwards,
            ns.wireguards,
            ns.rates,
            ns.redirects,
            ns.sysctls,
            ns.resolvers,
        ):
            for item in objects.values():
                _put(space, item)
        if ns.jails:
            found["jails"] = {item.name: jail(item) for item in ns.jails.values()}
    return found


def touched(steps: Iterable[Step], observed: Mapping[str, Namespace]) -> tuple[Document, Document]:
    """Before and after of the objects that the steps touch, and of nothing else. A link goes with its addresses."""
    before: Document = {}
    after: Document = {}
    made: set[tuple[str, str]] = set()
    for step in steps:
        if isinstance(step.before, Link) and isinstance(step.after, Link):
            was, will = _changed(link(step.before), link(step.after))
            for found, keys in ((after, will),) if (step.namespace, step.item.name) in made else ((before, was), (after, will)):
                _merge(_link_of(_space(found, step.namespace), step.item.name), keys)
            continue
        if isinstance(step.before, Filter) and isinstance(step.after, Filter):
            for found, keys in zip((before, after), _changed(filter_of(step.before), filter_of(step.after))):
                _space(found, step.namespace)["filter"] = _told(keys)
            continue
        if isinstance(step.item, Lease):
            for found, end in ((before, step.before), (after, step.after)):
                where, each = (end.inside, end.link) if isinstance(end, Lease) else (step.namespace, step.item.device)
                _put(_space(found, where), each)
            continue
        if isinstance(step.item, Transfer):
            for carried in step.item.told:
                _put(_space(before, step.namespace), carried)
                _put(_space(after, step.namespace), step.item.arrived(carried))
            continue
        for found, item in ((before, step.before), (after, step.after)):
            if isinstance(item, Namespace):
                _space(found, item.name)
            elif isinstance(item, (Link, Pair)):
                made.update((where, each.name) for where, each in step.links if item is step.after)
                for where, each in step.links:
                    _put(_space(found, where), each)
                    for owned in _on_link(observed, where, each.name) if found is before else ():
                        _put(_space(found, where), owned)
            elif isinstance(item, Jail):
                found.setdefault("jails", {})[item.name] = jail(item)
            elif item is not None:
                _put(_space(found, step.namespace), item)
    return before, after


def _on_link(observed: Mapping[str, Namespace], where: str, link_name: str) -> list[Any]:
    ns = observed.get(where, Namespace(where))
    lasting = [each for each in ns.addresses.values() if each.ours or not each.ip.startswith("fe80:")]  # the kernel makes its own
    owned: list[Any] = [*lasting, *ns.forwards.values(), *ns.wireguards.values(), *ns.rates.values(), *ns.redirects.values()]
    return [each for each in owned if each.link == link_name]


def _changed(before: Document, after: Document) -> tuple[Document, Document]:
    """What two documents differ in, as both have it."""
    was: Document = {}
    will: Document = {}
    for key in {**before, **after}:
        if isinstance(before.get(key), dict) and isinstance(after.get(key), dict):
            was[key], will[key] = _changed(before[key], after[key])
        else:
            was[key], will[key] = before.get(key), after.get(key)
    differing = [key for key in was if was[key] != will[key]]
    return {key: was[key] for key in differing}, {key: will[key] for key in differing}


def _merge(into: Document, more: Document) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def pairs(namespaces: Mapping[str, Namespace]) -> list[dict[str, str | None]]:
    """Both ends of every veth and netkit, each pair once; a peer that could not be seen is None."""
    found: dict[frozenset[Any], dict[str, str | None]] = {}
    for ns in namespaces.values():
        for link in ns.links.values():
            if not paired(link.kind):
                continue
            where, peer = link.attributes.get("namespace", ""), link.attributes.get("peer", "")
            other = namespaces[where].links.get(peer) if where in namespaces else None
            row = {"namespace": ns.name, "name": link.name, "mac": link.mac}
            row.update(peer_namespace=where or None, peer=peer or None, peer_mac=other.mac if other else None)
            found.setdefault(frozenset([(ns.name, link.name), (where, peer)]), row)
    return list(found.values())


def _space(found: Document, name: str) -> Document:
    space: Document = found.setdefault("host", {}) if name == HOST else found.setdefault("namespaces", {}).setdefault(name, {})
    return space


def _put(space: Document, item: Any) -> None:
    if isinstance(item, Link):
        space.setdefault("links", {}).setdefault(item.name, {}).update(link(item))
    elif isinstance(item, Address):
        addresses, text = _link_of(space, item.link).setdefault("addresses", []), f"{item.ip}/{item.prefixlen}"
        addresses += [text] if text not in addresses else []  # of a link that is deleted some are moved before
    elif isinstance(item, Forward):
        _link_of(space, item.link).setdefault("vxlan", {}).setdefault("remotes", []).append(item.remote)
    elif isinstance(item, WireGuard):
        _link_of(space, item.link).setdefault("wireguard", {}).update(wireguard(item))
    elif isinstance(item, Rate) and item.value:
        _link_of(space, item.link)["rate"] = rate_words(item.value)
    elif isinstance(item, Redirect) and item.to:
        _link_of(space, item.link)["redirect"] = item.to
    elif isinstance(item, Route):
        space.setdefault("routes", []).append(route(item))
    elif isinstance(item, Rule):
        space.setdefault("rules", []).append(rule(item))
    elif isinstance(item, Neighbour):
        own = {"proxy": True} if item.proxy else {"mac": item.mac}
        space.setdefault("neighbours", []).append({"address": item.address, "link": item.link, **own})
    elif isinstance(item, Sysctl):
        space.setdefault("sysctls", {})[item.name] = item.value
    elif isinstance(item, Resolver):
        space["dns"] = {"nameservers": list(item.nameservers), "search": list(item.search)}
    elif isinstance(item, Filter):
        space["filter"] = filter_of(item)


def _link_of(space: Document, name: str) -> Document:
    found: Document = space.setdefault("links", {}).setdefault(name, {})
    return found


def link(item: Link) -> Document:
    """A link's keys, without its addresses."""
    kind = {"kind": item.kind} if item.kind in KINDS else {}
    own = {key: getattr(item, key) for key in ("state", "mtu", "mac", "master", "txqueuelen")}
    special = {str(item.kind): _told(item.attributes), "port": _told(item.port)}
    return {
        **kind,
        **{key: value for key, value in own.items() if value is not None},
        **{key: value for key, value in special.items() if value},
    }


def _told(values: Mapping[str, Any]) -> Document:
    """What is set, in the words of a document."""
    found = {key: value.document() if isinstance(value, Vlans) else value for key, value in values.items() if value is not None}
    return {key: _told(value) if isinstance(value, dict) else value for key, value in found.items()}


def route(item: Route) -> Document:
    family = {"family": f"ipv{item.family}"} if item.destination in ANYWHERE else {}
    found: Document = {"destination": "default" if family else item.destination, **family}
    if item.type != "unicast":
        found["type"] = item.type
    if len(item.nexthops) == 1:
        found.update(_hop(item.nexthops[0]))
    elif item.nexthops:
        found["nexthops"] = [{**_hop(hop), "weight": hop.weight} for hop in item.nexthops]
    if item.source:
        found["source"] = item.source
    if item.metric != default_metric(item.family):
        found["metric"] = item.metric
    if item.table != MAIN_TABLE:
        found["table"] = item.table
    return found


def jail(item: Jail) -> Document:
    around = {"unit": item.unit} if item.unit else {"cgroup": item.cgroup}
    found = {"addresses": list(item.addresses), "ports": list(item.ports), "loopback": item.loopback, **around, "link": item.link}
    # What somebody has taken apart has no words in a document.
    return {**{key: value for key, value in found.items() if value}, **({} if item.intact else {"changed_by_hand": True})}


def wireguard(item: WireGuard) -> Document:
    """Without keys, but for the public ones."""
    keys = ("public_key", "preshared_key_file", "endpoint", "persistent_keepalive")
    peers = [{**_set(peer, keys), "allowed_ips": list(peer.allowed_ips)} for peer in item.peers or ()]
    return {**_set(item, ("private_key_file", "listen_port", "fwmark")), **({"peers": peers} if peers else {})}


def _set(item: Any, keys: Iterable[str]) -> Document:
    return {key: getattr(item, key) for key in keys if getattr(item, key)}


def filter_of(item: Filter) -> Document:
    guards = {guard.link: {**({"mac": guard.mac} if guard.mac else {}), "addresses": list(guard.addresses)} for guard in item.guards}
    masquerade = [_masquerade(entry) for entry in item.masquerade]
    isolated = [_isolated(entry) for entry in item.isolated]
    anycast = {entry.link: {"mac": entry.mac, "addresses": list(entry.addresses)} for entry in item.anycast}
    publish = [_publication(entry) for entry in item.publish]
    found = {"guards": guards, "isolated": isolated, "masquerade": masquerade, "anycast": anycast, "publish": publish}
    # A table that somebody changed otherwise than in its sets has no words in a document.
    return {**{key: value for key, value in found.items() if value}, **({} if item.intact else {"changed_by_hand": True})}


def _masquerade(entry: Masquerade) -> Document:
    shared = {**_set(entry, ("address",)), **({"ports": ports_text(entry.ports)} if entry.ports else {})}
    return {"sources": list(entry.sources), "links": list(entry.links), **shared}


def _publication(entry: Publication) -> Document:
    return {"host_port": ports_value(entry.host_ports), **_set(entry, ("protocol", "host_address", "address", "port", "link"))}


def _isolated(entry: Isolated) -> Document:
    found = {"links": entry.links, "destinations": entry.destinations, "except": entry.excepted}
    return {key: list(value) for key, value in found.items() if value}


def _hop(hop: NextHop) -> Document:
    found = {"gateway": hop.gateway, "link": hop.link, "onlink": hop.onlink or None}
    return {key: value for key, value in found.items() if value is not None}


def rule(item: Rule) -> Document:
    found = {
        "priority": item.priority,
        "family": f"ipv{item.family}",
        "from": item.source,
        "to": item.destination,
        "iif": item.iif,
        "oif": item.oif,
        "fwmark": item.fwmark,
        "table": item.table,
        "type": item.type if item.type != "lookup" else None,
    }
    return {key: value for key, value in found.items() if value is not None}
