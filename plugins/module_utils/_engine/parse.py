# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host document (design: what one host gets) to the model, with every fault and its path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import parse_jails, parse_transfers, queues
from .errors import DocumentError
from .kinds import KINDS, paired
from .kinds.port import PORT
from .model import (
    HOST,
    LOCAL_TABLE,
    MAIN_TABLE,
    Address,
    Desired,
    Forward,
    Link,
    Namespace,
    Neighbour,
    NextHop,
    Resolver,
    Route,
    Rule,
    Sysctl,
    WireGuard,
    default_metric,
    is_address,
    local_path,
    replace,
)
from .parse_filter import all_guarded, parse_filter
from .reader import Reader, given, undeclared
from .schema import (
    Check,
    Listing,
    boolean,
    choice,
    file_name,
    fwmark,
    integer,
    interface,
    ip,
    link_name,
    mac,
    namespace_name,
    network,
    selector,
    sysctl_name,
    sysctl_value,
    table,
    text,
)
from .schema import path as absolute_path

IN_USE = choice("refuse", "force")
FAMILIES = {"ipv4": 4, "ipv6": 6}
DEFAULTS = {4: "0.0.0.0/0", 6: "::/0"}
ROUTE_TYPES = ("unicast", "local", "blackhole", "unreachable", "prohibit", "throw")
FLOOD = "00:00:00:00:00:00"  # a vxlan entry for all destinations that are not known (bridge-fdb(8))
IPV6_MIN_MTU = 1280

LINK_CHECKS: dict[str, Check] = {
    "kind": choice(*KINDS),
    "state": choice("up", "down", "absent"),
    "mtu": integer(68, 65536),
    "mac": mac,
    "master": link_name,
    "txqueuelen": integer(0, 0xFFFFFFFF),
    "route_to": ip,
}
ROUTE_CHECKS: dict[str, Check] = {
    "destination": text,
    "family": choice(*FAMILIES),
    "gateway": ip,
    "link": link_name,
    "source": text,
    "metric": integer(0, 0xFFFFFFFF),
    "table": table,
    "onlink": boolean,
    "type": choice(*ROUTE_TYPES),
}
HOP_CHECKS: dict[str, Check] = {"gateway": ip, "link": link_name, "weight": integer(1, 256), "onlink": boolean}
RULE_CHECKS: dict[str, Check] = {
    "priority": integer(0, 0xFFFFFFFF),
    "family": choice(*FAMILIES),
    "from": selector,
    "to": selector,
    "iif": link_name,
    "oif": link_name,
    "fwmark": fwmark,
    "table": table,
    "type": choice("lookup", "blackhole", "unreachable", "prohibit"),
}
NEIGHBOUR_CHECKS: dict[str, Check] = {"address": ip, "link": link_name, "mac": mac, "proxy": boolean, "probe": boolean}
WIREGUARD_KEYS = ("private_key_file", "listen_port", "fwmark", "peers")
OBJECT_KEYS = ("remotes", *WIREGUARD_KEYS)  # attributes of links that become objects of their own
EVERY_NAMESPACE = ("links", "routes", "rules", "neighbours", "sysctls")
HOST_KEYS = (*EVERY_NAMESPACE, "filter")
NAMESPACE_KEYS = (*EVERY_NAMESPACE, "dns", "pid", "path", "in_use")


def parse(document: Any, name: str = "", absent: bool = False) -> Desired:
    """The document as a :class:`Desired`, both ends of every pair spelt out.

    :param name: of the document; its filter bears it.
    :param absent: what is declared shall go: only what names it is needed.
    :raises DocumentError: with all faults of the document.
    """
    reader = Reader()
    top = reader.mapping(document, "", ("host", "namespaces", "jails"))
    namespaces = {HOST: _namespace(reader, HOST, top.get("host"), HOST)}
    for space, raw in reader.mapping(top.get("namespaces"), "namespaces").items():
        path = f"namespaces.{space}"
        parsed = _namespace(reader, space, raw, path)
        if reader.value(space, path, namespace_name) is not None:
            namespaces[space] = parsed
    namespaces = _complete_pairs(reader, namespaces)
    host, raw = namespaces[HOST], top.get("host")
    filters = parse_filter(reader, name, host.links, raw.get("filter") if isinstance(raw, Mapping) else None)
    host = replace(host, links=all_guarded(host.links, filters.values()), filters=filters)
    host = parse_jails.with_addresses(host, parse_jails.read(reader, top.get("jails"), absent))
    namespaces[HOST] = parse_transfers.with_ports(reader, host)
    parse_transfers.check_elsewhere(reader, (each for each in namespaces.values() if each.name != HOST))
    for namespace in namespaces.values():
        _check_references(reader, namespace, namespaces)
    _check_shared(reader, namespaces)
    _check_leases(reader, namespaces)
    if reader.faults:
        raise DocumentError(reader.faults)
    return Desired(namespaces)


def _path_of(name: str) -> str:
    return name if name == HOST else f"namespaces.{name}"


def _namespace(reader: Reader, name: str, raw: Any, path: str) -> Namespace:
    values = reader.mapping(raw, path, NAMESPACE_KEYS if path != HOST else HOST_KEYS)
    links: dict[str, Link] = {}
    addresses: list[tuple[str, Any]] = []
    forwards: list[tuple[str, Any]] = []
    wireguards: list[tuple[str, Any]] = []
    queued: list[tuple[str, Any]] = []
    for link, link_raw in reader.mapping(values.get("links"), f"{path}.links").items():
        at = f"{path}.links.{link}"
        parsed = _link(reader, name, link, link_raw, at)
        addresses += _addresses(reader, parsed, link_raw, at)
        forwards += [(at, Forward(link, FLOOD, remote)) for remote in parsed.attributes.get("remotes", ())]
        wireguards += _wireguard(parsed, at)
        queued += queues.read(reader, parsed, link_raw, at)
        if reader.value(link, at, link_name) is not None:
            links[link] = _without_objects(parsed)
    if name != HOST and "pid" not in values and "path" not in values:
        lo = links.get("lo")
        links["lo"] = replace(lo, state=lo.state or "up") if lo else Link("lo", state="up")
    rates, redirects = queues.sorted_out(reader, queued)
    return Namespace(
        name,
        links,
        addresses=reader.collect(addresses),
        forwards=reader.collect(forwards),
        wireguards=reader.collect(wireguards),
        rates=rates,
        redirects=redirects,
        routes=reader.collect((at, _route(reader, item, at)) for at, item in reader.items(values.get("routes"), f"{path}.routes")),
        rules=reader.collect((at, _rule(reader, item, at)) for at, item in reader.items(values.get("rules"), f"{path}.rules")),
        neighbours=reader.collect(
            (at, _neighbour(reader, item, at)) for at, item in reader.items(values.get("neighbours"), f"{path}.neighbours")
        ),
        sysctls=reader.collect(_sysctls(reader, values.get("sysctls"), f"{path}.sysctls")),
        resolvers=reader.collect(_resolver(reader, values.get("dns"), f"{path}.dns")),
        path=_adopted(reader, values, path),
        in_use=reader.value(values.get("in_use", "refuse"), f"{path}.in_use", IN_USE) or "refuse",
    )


def _without_objects(link: Link) -> Link:
    """Less those attributes that became objects of their own."""
    if not any(key in link.attributes for key in OBJECT_KEYS):
        return link
    return replace(link, attributes={key: value for key, value in link.attributes.items() if key not in OBJECT_KEYS})


def _wireguard(link: Link, path: str) -> Iterable[tuple[str, Any]]:
    values = {key: link.attributes[key] for key in WIREGUARD_KEYS if key in link.attributes}
    if values:
        yield path, WireGuard(link.name, **values)


def _adopted(reader: Reader, values: Mapping[str, Any], path: str) -> str | None:
    if values.get("pid") is not None and values.get("path") is not None:
        reader.fault(f"{path}.pid", "give pid or path, not both")
    if values.get("pid") is not None:
        pid = reader.value(values["pid"], f"{path}.pid", integer(1, 1 << 22))
        return f"/proc/{pid}/ns/net" if pid else None
    where: str | None = values.get("path")
    return where if where is None else reader.value(where, f"{path}.path", absolute_path)


def _link(reader: Reader, namespace: str, name: str, raw: Any, path: str) -> Link:
    values = reader.values(raw, path, LINK_CHECKS, "addresses", "port", *queues.CHECKS, *KINDS)
    kind = values.get("kind")
    for other in sorted(KINDS.keys() & values.keys() - {kind}):
        reader.fault(f"{path}.{other}", f"the link is of kind {kind}" if kind else f"add kind: {other}")
    attributes = _attributes(reader, namespace, kind, values.get(kind), f"{path}.{kind}") if kind else {}
    port = reader.values(values.get("port"), f"{path}.port", PORT.checks)
    if port and not values.get("master"):
        reader.fault(f"{path}.port", "these belong to the port of a bridge: name its master")
    if kind and name == "lo":
        reader.fault(f"{path}.kind", "lo is there already: list it without kind")
    no_mac = KINDS[kind].without_mac(attributes) if kind and "mac" in values else ""
    if no_mac:
        reader.fault(f"{path}.mac", f"kind {kind} cannot be given one: {no_mac}")
    if kind and "route_to" in values:
        reader.fault(f"{path}.route_to", "this finds an existing link: list it without kind")
    return Link(
        name,
        kind,
        values.get("state", "up" if kind else None),
        values.get("mtu"),
        values.get("mac"),
        values.get("master"),
        values.get("txqueuelen"),
        attributes,
        port,
        values.get("route_to"),
    )


def _attributes(reader: Reader, namespace: str, kind: str, raw: Any, path: str) -> dict[str, Any]:
    told = reader.values(raw, path, KINDS[kind].checks)
    for key, item in KINDS[kind].keys.items():
        if item.required and not given(raw, key):
            reader.fault(f"{path}.{key}", f"a {kind} needs it")
    for key, message in KINDS[kind].faults(told):
        reader.fault(f"{path}.{key}", message)
    values = {**KINDS[kind].defaults, **told}
    return {"namespace": namespace, **values} if values.get("link") or KINDS[kind].hidden == "namespace" else values


def _addresses(reader: Reader, link: Link, raw: Any, path: str) -> Iterable[tuple[str, Any]]:
    listed = raw.get("addresses") if isinstance(raw, Mapping) else None
    seen: set[str] = set()
    for at, item in reader.items(listed, f"{path}.addresses"):
        value = reader.value(item, at, interface)
        if value:
            address, _slash, length = value.partition("/")
            yield at, Address(link.name, address, int(length))
            if ":" in address and address in seen:
                reader.fault(at, f"{address} is declared twice on {link.name}: the kernel has an IPv6 address once, with one prefix length")
            seen.add(address)
            if ":" in address and link.mtu and link.mtu < IPV6_MIN_MTU:
                reader.fault(f"{path}.mtu", f"IPv6 needs {IPV6_MIN_MTU}: {address} would be lost")


def _route(reader: Reader, raw: Any, path: str) -> Route | None:
    values = reader.values(raw, path, ROUTE_CHECKS, "nexthops")
    hops = _nexthops(reader, values, path)
    destination = _destination(reader, values, hops, path)
    if destination is None:
        return None
    _check_families(reader, values, hops, destination, path)
    kind = values.get("type", "unicast")
    if kind == "unicast" and not any(hop.gateway or hop.link for hop in hops):
        reader.fault(path, "a route needs a gateway, a link or nexthops (or a type such as blackhole)")
    if kind not in ("unicast", "local") and hops:
        reader.fault(path, f"a {kind} route leads nowhere: no gateway, link or nexthops")
    family = 6 if ":" in destination else 4
    metric = values.get("metric") or default_metric(family)
    return Route(destination, kind, hops, values.get("source"), metric, values.get("table", LOCAL_TABLE if kind == "local" else MAIN_TABLE))


def _check_families(reader: Reader, values: Mapping[str, Any], hops: Sequence[NextHop], destination: str, path: str) -> None:
    """An IPv4 route may have an IPv6 gateway; all else is of one family."""
    family = 6 if ":" in destination else 4
    if FAMILIES.get(values.get("family", ""), family) != family:
        reader.fault(f"{path}.family", f"{destination} is not {values['family']}")
    source = values.get("source")
    if source and is_address(source) and (":" in source) != (family == 6):
        reader.fault(f"{path}.source", f"{source} is not of the family of {destination}")
    for index, hop in enumerate(hops):
        if family == 6 and hop.gateway and ":" not in hop.gateway:
            at = f"{path}.nexthops[{index}]" if values.get("nexthops") is not None else path
            reader.fault(f"{at}.gateway", "an IPv6 route cannot have an IPv4 gateway")


def _nexthops(reader: Reader, values: Mapping[str, Any], path: str) -> tuple[NextHop, ...]:
    own = {key: values[key] for key in ("gateway", "link", "onlink") if key in values}
    if values.get("nexthops") is None:
        return (NextHop(**own),) if own else ()
    if own:
        reader.fault(f"{path}.nexthops", f"{', '.join(own)} belong into each next hop")
    hops = []
    for at, item in reader.items(values["nexthops"], f"{path}.nexthops"):
        hops.append(NextHop(**reader.values(item, at, HOP_CHECKS)))
        if hops[-1].gateway is None and hops[-1].link is None:
            reader.fault(at, "a next hop needs a gateway or a link")
    return tuple(sorted(hops, key=str)) if len(hops) > 1 else tuple(hop._replace(weight=1) for hop in hops)


def _destination(reader: Reader, values: Mapping[str, Any], hops: Iterable[NextHop], path: str) -> str | None:
    raw = values.get("destination")
    if raw is None:
        reader.fault(f"{path}.destination", "a route needs it")
        return None
    if raw != "default":
        return reader.value(raw, f"{path}.destination", network)  # type: ignore[no-any-return]
    if "family" in values:
        return DEFAULTS[FAMILIES[values["family"]]]
    gateways = {6 if ":" in hop.gateway else 4 for hop in hops if hop.gateway}
    if len(gateways) != 1:
        reader.fault(f"{path}.destination", "default of which family? No gateway tells it: add family: ipv4 or ipv6")
        return None
    return DEFAULTS[gateways.pop()]


def _rule(reader: Reader, raw: Any, path: str) -> Rule | None:
    values = reader.values(raw, path, RULE_CHECKS)
    told = {6 if ":" in values[key] else 4 for key in ("from", "to") if values.get(key, "all") != "all"}
    told |= {FAMILIES[values["family"]]} if "family" in values else set()
    if len(told) != 1:
        reader.fault(path, "from, to and family are of different families" if told else "add family: ipv4 or ipv6")
    if not given(raw, "priority"):
        reader.fault(f"{path}.priority", "a rule needs it")
    kind = values.get("type", "lookup")
    if (kind == "lookup") != ("table" in values):
        reader.fault(f"{path}.table", "a lookup needs it" if kind == "lookup" else f"a {kind} rule has none")
    if len(told) != 1 or "priority" not in values:
        return None
    source, destination = (None if values.get(key) == "all" else values.get(key) for key in ("from", "to"))
    selectors: dict[str, Any] = {key: values.get(key) for key in ("iif", "oif", "fwmark", "table")}
    return Rule(values["priority"], told.pop(), source, destination, type=kind, **selectors)


def _neighbour(reader: Reader, raw: Any, path: str) -> Neighbour | None:
    values = reader.values(raw, path, NEIGHBOUR_CHECKS)
    if values.get("proxy", False) == given(raw, "mac"):
        reader.fault(path, "a neighbour has either a mac or proxy: true")
    if values.get("probe", False) and not values.get("proxy", False):
        reader.fault(f"{path}.probe", "only with proxy: true is an address taken")
    for key in ("address", "link"):
        if not given(raw, key):
            reader.fault(f"{path}.{key}", "a neighbour needs it")
    if "address" not in values or "link" not in values:
        return None
    told = {key: values[key] for key in ("mac", "proxy", "probe") if key in values}
    return Neighbour(values["link"], values["address"], **told)


def _sysctls(reader: Reader, raw: Any, path: str) -> Iterable[tuple[str, Any]]:
    for name, value in reader.mapping(raw, path).items():
        at = f"{path}.{name}"
        checked = reader.value(name, at, sysctl_name), reader.value(value, at, sysctl_value)
        if None not in checked:
            yield at, Sysctl(*checked)


def _resolver(reader: Reader, raw: Any, path: str) -> Iterable[tuple[str, Any]]:
    values = reader.values(raw, path, {"nameservers": Listing(ip), "search": Listing(file_name)})
    if values:
        yield path, Resolver(values.get("nameservers", ()), values.get("search", ()))


# -- what only the whole document tells


def _check_leases(reader: Reader, namespaces: Mapping[str, Namespace]) -> None:
    """A device can be in one place only."""
    places: dict[tuple[str, Any], str] = {}
    for namespace in namespaces.values():
        for link in namespace.links.values() if namespace.name != HOST else ():
            for key, device in link.attributes.items() if link.kind == "physical" else ():
                at = f"{_path_of(namespace.name)}.links.{link.name}.physical.{key}"
                other = places.setdefault((key, device), at)
                if other != at:
                    reader.fault(at, f"{device} is leased already: {other}")
                if device in namespaces[HOST].links:
                    reader.fault(at, f"{device} is declared in host.links, too")
    for link in namespaces[HOST].links.values():
        if link.kind == "physical":
            reader.fault(f"{HOST}.links.{link.name}.kind", "it is on the host already: list it without kind")


def _check_shared(reader: Reader, namespaces: Mapping[str, Namespace]) -> None:
    """Attributes that all links of a kind on one lower link have in common."""
    first: dict[tuple[Any, ...], Link] = {}
    for namespace in namespaces.values():
        for link in namespace.links.values():
            shared = [item.key for item in KINDS[link.kind].attributes if item.shared] if link.kind else []
            lower = (link.kind, link.attributes.get("namespace"), link.attributes.get("link"))
            other = first.setdefault(lower, link) if shared else link
            for key in shared:
                if link.attributes.get(key) != other.attributes.get(key):
                    at = f"{_path_of(namespace.name)}.links.{link.name}.{link.kind}.{key}"
                    reader.fault(at, f"all on one link have the same, and {other.name} has {other.attributes.get(key)}")


def _complete_pairs(reader: Reader, namespaces: Mapping[str, Namespace]) -> dict[str, Namespace]:
    """Each listed end of a pair gets its other end; a namespace only named exists already."""
    ends = {(ns.name, link.name): link for ns in namespaces.values() for link in ns.links.values() if paired(link.kind)}
    implied: dict[str, dict[str, Link]] = {}
    for (namespace, name), link in ends.items():
        where, peer = link.attributes.get("namespace"), link.attributes.get("peer")
        path = f"{_path_of(namespace)}.links.{name}.{link.kind}"
        if where is None or peer is None:
            continue
        if (where, peer) == (namespace, name):
            reader.fault(f"{path}.peer", "a pair has two ends: this names itself")
        other = namespaces[where].links.get(peer) if where in namespaces else None
        if other is None:
            _imply(reader, implied, path, (where, peer), (namespace, name), link)
        elif (other.attributes.get("namespace"), other.attributes.get("peer")) != (namespace, name) or other.kind != link.kind:
            reader.fault(f"{path}.peer", f"{where}/{peer} is declared too, but not as a {link.kind} whose peer is {namespace}/{name}")
        elif other.attributes.get("mode") != link.attributes.get("mode"):
            reader.fault(f"{path}.mode", f"both ends of a pair have the same, and {where}/{peer} has {other.attributes.get('mode')}")
        elif (link.state == "absent") != (other.state == "absent"):
            reader.fault(f"{path}.peer", f"one end of a pair cannot go without the other, {where}/{peer}")
    return _with_links(namespaces, implied)


def _imply(
    reader: Reader, implied: dict[str, dict[str, Link]], path: str, end: tuple[str, str], claimant: tuple[str, str], link: Link
) -> None:
    where, peer = end
    taken = implied.setdefault(where, {}).get(peer)
    if taken:
        first = "{namespace}/{peer}".format(**taken.attributes)
        reader.fault(f"{path}.peer", f"{where}/{peer} is the peer of {first} already")
        return
    attributes = {**link.attributes, "peer": claimant[1], "namespace": claimant[0]}
    implied[where][peer] = Link(peer, link.kind, "absent" if link.state == "absent" else "up", attributes=attributes)


def _with_links(namespaces: Mapping[str, Namespace], implied: Mapping[str, Mapping[str, Link]]) -> dict[str, Namespace]:
    completed = dict(namespaces)
    for where, links in implied.items():
        namespace = completed.get(where) or Namespace(where, path=local_path(where))
        completed[where] = replace(namespace, links={**namespace.links, **links})
    return completed


def _check_references(reader: Reader, namespace: Namespace, namespaces: Mapping[str, Namespace]) -> None:
    """Every link that something refers to is listed."""
    path = _path_of(namespace.name)
    for link in namespace.links.values():
        at = f"{path}.links.{link.name}"
        if link.master is not None:
            master = namespace.links.get(link.master)
            if master is None:
                reader.fault(f"{at}.master", undeclared(link.master, path))
            elif master.kind not in (None, "bridge", "vrf") or master is link:
                reader.fault(f"{at}.master", f"{link.master} is neither a bridge nor a vrf")
            elif master.kind == "vrf" and link.port:
                reader.fault(f"{at}.port", f"these belong to the port of a bridge; {link.master} is a vrf")
        lower, where = link.attributes.get("link"), link.attributes.get("namespace", "")
        if link.kind and KINDS[link.kind].hidden and where not in namespaces:
            reader.fault(f"{at}.{link.kind}.namespace", f"{where} is not declared")
        if lower and (where not in namespaces or lower not in namespaces[where].links):
            reader.fault(f"{at}.{link.kind}.link", undeclared(lower, _path_of(where)))
        elif lower and link.kind in ("macvlan", "ipvlan") and namespaces[where].links[lower].kind == link.kind:
            reader.fault(f"{at}.{link.kind}.link", f"{lower} is of kind {link.kind} itself; name the link that it lies on")
        elif lower and link.kind and KINDS[link.kind].follows and link.state == "up" and namespaces[where].links[lower].state == "down":
            reader.fault(f"{at}.state", f"it cannot be up while {lower} is down")
    for redirect, target, unfit in queues.targets(namespace):
        if target is None or unfit:
            reader.fault(reader.places[id(redirect)], unfit or undeclared(redirect.to, path))
    for route in namespace.routes.values():
        at = reader.places[id(route)]
        for hop in route.nexthops:
            if hop.link and hop.link not in namespace.links:
                reader.fault(f"{at}.link", undeclared(hop.link, path))
        if route.source and not is_address(route.source) and route.source not in namespace.links:
            reader.fault(f"{at}.source", f"{route.source!r} is neither an address nor a link of {path}.links")
    for neighbour in namespace.neighbours.values():
        if neighbour.link not in namespace.links:
            reader.fault(f"{reader.places[id(neighbour)]}.link", undeclared(neighbour.link, path))
