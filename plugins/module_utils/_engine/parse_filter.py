# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter of a host document to the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .filters import Anycast, Filter, Guard, Isolated, Masquerade, Publication
from .kinds import KINDS
from .model import HOST, Link, named, replace
from .reader import Reader, given, undeclared
from .schema import Check, Listing, choice, integer, ip, mac, network, plain_link_name, ports
from .wire.ruleset import sorted_addresses

FILTER_KEYS = ("guards", "isolated", "masquerade", "anycast", "publish")
FORWARD, ALL_GROUPS = "group_fwd_mask", 0xFFFD  # pause frames are never forwarded (br_private.h: BR_GROUPFWD_MACPAUSE)
GUARD_CHECKS: dict[str, Check] = {"mac": mac, "addresses": Listing(ip)}
ISOLATED_CHECKS: dict[str, Check] = {"destinations": Listing(network), "except": Listing(ip)}
MASQUERADE_CHECKS: dict[str, Check] = {"sources": Listing(network), "address": ip, "ports": ports}
PUBLISH_CHECKS: dict[str, Check] = {
    "protocol": choice("tcp", "udp"),
    "host_port": ports,
    "host_address": ip,
    "port": integer(1, 65535),
    "address": ip,
    "link": plain_link_name,
}


def parse_filter(reader: Reader, name: str, links: Mapping[str, Link], raw: Any) -> dict[Any, Filter]:
    path = f"{HOST}.filter"
    values = reader.mapping(raw, path, FILTER_KEYS)
    guards = [
        _guard(reader, links, link, guard, f"{path}.guards.{link}")
        for link, guard in reader.mapping(values.get("guards"), f"{path}.guards").items()
    ]
    isolated = [_isolated(reader, links, item, at) for at, item in reader.items(values.get("isolated"), f"{path}.isolated")]
    masquerade = [_masquerade(reader, links, item, at) for at, item in reader.items(values.get("masquerade"), f"{path}.masquerade")]
    anycast = [
        _anycast(reader, links, link, item, f"{path}.anycast.{link}")
        for link, item in reader.mapping(values.get("anycast"), f"{path}.anycast").items()
    ]
    publish = reader.collect(
        (at, _publication(reader, links, item, at)) for at, item in reader.items(values.get("publish"), f"{path}.publish")
    )
    found = Filter(
        name,
        tuple(sorted(filter(None, guards), key=lambda guard: guard.link)),
        tuple(sorted(filter(None, isolated), key=lambda entry: entry.links)),
        tuple(sorted(filter(None, masquerade), key=lambda entry: entry.sources)),
        tuple(sorted(filter(None, anycast), key=lambda entry: entry.link)),
        tuple(sorted(publish.values(), key=lambda entry: entry.key)),
    )
    return named([found]) if any(found.parts.values()) else {}


def _links(reader: Reader, links: Mapping[str, Link], raw: Any, path: str) -> tuple[str, ...]:
    return tuple(sorted({item for at, item in reader.items(raw, path) if _is_listed(reader, links, item, at)}))


def _is_listed(reader: Reader, links: Mapping[str, Link], raw: Any, path: str) -> bool:
    name = reader.value(raw, path, plain_link_name)
    if name is None:
        return False
    if name not in links:
        reader.fault(path, undeclared(name, HOST))
    elif links[name].route_to:
        reader.fault(path, f"{name} is found by a route: a filter needs the link's own name")
    return True


def _guard(reader: Reader, links: Mapping[str, Link], link: Any, raw: Any, path: str) -> Guard | None:
    values = reader.values(raw, path, GUARD_CHECKS)
    _is_listed(reader, links, link, path)
    without = _without_mac(links.get(link))
    if not without and (not isinstance(raw, Mapping) or "mac" not in raw):
        reader.fault(f"{path}.mac", "a guard needs it")
    if without and "mac" in values:
        reader.fault(f"{path}.mac", f"{link} cannot send with it: {without}")
    if link not in links or not (without or "mac" in values):
        return None
    mac = values.get("mac", "")
    return Guard(link, mac, sorted_addresses(values.get("addresses", ()), mac), links[link].master is not None)


def _without_mac(link: Link | None) -> str:
    """Why this link has no MAC; empty: it has one."""
    return KINDS[link.kind].without_mac(link.attributes) if link and link.kind else ""


def _anycast(reader: Reader, links: Mapping[str, Link], link: Any, raw: Any, path: str) -> Anycast | None:
    values = reader.values(raw, path, GUARD_CHECKS)
    for key in GUARD_CHECKS:
        if not given(raw, key):
            reader.fault(f"{path}.{key}", "an anycast gateway needs it")
    if _is_listed(reader, links, link, path) and link in links and links[link].master is None:
        reader.fault(path, f"{link} is no port of a bridge: it has no master")
    if "mac" not in values:
        return None
    return Anycast(link, values["mac"], sorted_addresses(values.get("addresses", ()), values["mac"]))


def all_guarded(links: Mapping[str, Link], filters: Iterable[Filter]) -> dict[str, Link]:
    """A bridge learns from frames to 01:80:c2:00:00:0x without asking the filter, unless it is to forward them: so the guard sees them."""
    guarded = {guard.link for each in filters for guard in each.guards if guard.bridged}
    return {name: replace(link, port={FORWARD: ALL_GROUPS, **link.port}) if name in guarded else link for name, link in links.items()}


def _isolated(reader: Reader, links: Mapping[str, Link], raw: Any, path: str) -> Isolated | None:
    values = reader.values(raw, path, ISOLATED_CHECKS, "links")
    names = _links(reader, links, values.get("links"), f"{path}.links")
    if not names:
        reader.fault(f"{path}.links", "isolation needs it: between which links?")
        return None
    bridged = {name in links and links[name].master is not None for name in names}
    if len(bridged) > 1:
        reader.fault(f"{path}.links", "some of these are ports of a bridge, some are not: keep them in sets of their own")
    if bridged == {False} and values.get("destinations"):
        reader.fault(f"{path}.destinations", "this is about ports of a bridge; the links have no master")
    destinations, excepted = (tuple(sorted(set(values.get(key, ())))) for key in ("destinations", "except"))
    return Isolated(names, destinations, excepted, True in bridged)


def _masquerade(reader: Reader, links: Mapping[str, Link], raw: Any, path: str) -> Masquerade | None:
    values = reader.values(raw, path, MASQUERADE_CHECKS, "links")
    if not isinstance(raw, Mapping) or not raw.get("sources"):
        reader.fault(f"{path}.sources", "masquerading needs it: whose packets?")
    within = _links(reader, links, values.get("links"), f"{path}.links")
    address, sources = values.get("address"), values.get("sources", ())
    if address and any((":" in source) != (":" in address) for source in sources):
        reader.fault(f"{path}.address", f"{address} is not of the family of all sources")
    if "ports" in values and address is None:
        reader.fault(f"{path}.ports", "these are ports of an address: which?")
    return Masquerade(tuple(sorted(set(sources))), within, address, values.get("ports")) if sources else None


def _publication(reader: Reader, links: Mapping[str, Link], raw: Any, path: str) -> Publication | None:
    values = reader.values(raw, path, PUBLISH_CHECKS)
    for key in ("protocol", "host_port", "address", "link"):
        if not given(raw, key):
            reader.fault(f"{path}.{key}", "a published port needs it")
    if "link" in values:
        _is_listed(reader, links, values["link"], f"{path}.link")
    host_address, several = values.get("host_address"), len(set(values.get("host_port", ()))) > 1
    if host_address and "address" in values and (":" in host_address) != (":" in values["address"]):
        reader.fault(f"{path}.host_address", f"{host_address} and {values['address']} are of different families")
    if several and "port" in values:
        reader.fault(f"{path}.port", "several ports keep their numbers")
    if several and not host_address:
        reader.fault(f"{path}.host_address", "several ports at once need it: at which address of the host?")
    if {"protocol", "host_port", "address", "link"} - values.keys():
        return None
    port = values.get("port", None if host_address else values["host_port"][0])
    return Publication(values["protocol"], values["host_port"], values["address"], values["link"], port, host_address)
