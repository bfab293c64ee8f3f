# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A filter to the text that nftables loads, and back from its listing (nft(8), libnftables-json(5)).

The number of rules does not grow with the number of links: those are elements of sets. A link is named, not
referred to by its index, so that the rules stand before it is there.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..digest import sha256
from ..filters import Anycast, Filter, Guard, Isolated, Masquerade
from ..schema import ip as spelt
from . import publication
from .nft import chain, links_set, set_of, word, words

BRIDGE, INET = "bridge", "inet"
FAMILIES = (BRIDGE, INET)
ISOLATED = "isolated"
BARE = "bare"
ANYCAST = "anycast"
MASQUERADE = "masquerade"
LEAVING = "leaving"  # the chain that masquerades, which is a word of nftables itself
PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,100}")

# What enters by a guarded link and is not accepted here is dropped. Neighbour advertisements are to IPv6 what ARP replies
# are to IPv4, so the address that they tell of (at offset 8, RFC 4861) must be the sender's own. An address that is still
# being tried (duplicate address detection) asks from `::`. Routers do not live behind a guard. Frames with a VLAN tag
# would lead out of the network, where a bridge has a trunk as a port.
GUARD = (
    "ether type != { ip, arp, ip6 } drop",
    "iifname . ether saddr != @macs drop",
    "iifname . ether saddr . ip saddr @v4 accept",
    "iifname . arp saddr ether . arp saddr ip @v4 accept",
    "icmpv6 type nd-neighbor-advert iifname . ether saddr . ip6 saddr @v6 iifname . @th,64,128 @targets accept",
    "icmpv6 type { nd-neighbor-advert, nd-router-advert, nd-redirect } drop",
    "iifname . ether saddr . ip6 saddr @v6 accept",
    "ip6 saddr :: icmpv6 type nd-neighbor-solicit iifname . @th,64,128 @targets accept",
    "ip6 saddr :: icmpv6 type { nd-router-solicit, mld-listener-report, mld2-listener-report } accept",
    "drop",
)
# A gateway that all hosts have is each host's own: what it sends, what is sent to it, and whoever asks or tells where it is stays
# there. By its MAC that includes what the kernel says of itself: the duplicate address detection of its link-local address.
# `{}` is the end of the link that counts.
APART = (
    "{}name . ether saddr @anycast drop",
    "{}name . ether daddr @anycast drop",
    "{}name . arp saddr ip @anycast4 drop",
    "{}name . arp daddr ip @anycast4 drop",
    "icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} {}name . @th,64,128 @anycast6 drop",
)
# The family inet sees IP alone. What a container says in ARP on a link without a bridge reaches the host only, which has
# nobody else on that link.
UNSEEN: Mapping[str, tuple[str, ...]] = {BRIDGE: (), INET: ("ether type", "iifname . arp")}


def table(document: str) -> str:
    """Name of the tables of a document. What nftables would not take as a name is hashed; no plain name has a slash."""
    plain = f"weft-{document}"
    return plain if PLAIN.fullmatch(plain) else "weft/" + sha256(document.encode())[:20]


def link_local(mac: str) -> str:
    """The address that the kernel gives to a link with this MAC (RFC 4291, appendix A)."""
    first, *rest = bytes.fromhex(mac.replace(":", ""))
    identifier = bytes([first ^ 2, *rest[:2], 0xFF, 0xFE, *rest[2:]])
    return str(ipaddress.IPv6Address(bytes([0xFE, 0x80, *bytes(6), *identifier])))


def encode(item: Filter) -> dict[str, str]:
    """Text of the table of each family that is needed."""
    bridged = [guard for guard in item.guards if guard.bridged]
    routed = [guard for guard in item.guards if not guard.bridged and guard.mac]
    bare = [guard for guard in item.guards if not guard.mac]
    bodies = {
        BRIDGE: _guards(bridged, BRIDGE) + _isolated_ports([each for each in item.isolated if each.bridged]) + _anycast(item.anycast),
        INET: _guards(routed, INET)
        + _bare(bare)
        + _isolated([each for each in item.isolated if not each.bridged])
        + publication.encode(item.publish)
        + _leaving(item),
    }
    return {family: f"table {family} {table(item.document)} {{{body}}}\n" for family, body in bodies.items() if body}


def _guards(guards: Collection[Guard], family: str) -> str:
    if not guards:
        return ""
    sources = [(guard, ip) for guard in guards for ip in (*guard.addresses, link_local(guard.mac))]
    by_version = {version: [(guard, ip) for guard, ip in sources if (":" in ip) == (version == 6)] for version in (4, 6)}
    sets = [
        links_set("guarded", (guard.link for guard in guards)),
        set_of("macs", "type ifname . ether_addr", (f'"{guard.link}" . {guard.mac}' for guard in guards)),
        set_of("v4", "type ifname . ether_addr . ipv4_addr", (f'"{guard.link}" . {guard.mac} . {ip}' for guard, ip in by_version[4])),
        set_of("v6", "type ifname . ether_addr . ipv6_addr", (f'"{guard.link}" . {guard.mac} . {ip}' for guard, ip in by_version[6])),
        set_of("targets", "typeof iifname . @th,64,128", (f'"{guard.link}" . {_number(ip)}' for guard, ip in by_version[6])),
    ]
    rules = [rule for rule in GUARD if not rule.startswith(UNSEEN[family])]
    hook = chain("guards", "type filter hook prerouting priority -300; policy accept;", ["iifname @guarded jump guard"])
    return "".join(sets) + chain("guard", "", rules) + hook


def _bare(guards: Collection[Guard]) -> str:
    """Of links without a link layer: there is nobody to ask for the way, so an address is all that can be wrong."""
    if not guards:
        return ""
    sources = [(guard.link, ip) for guard in guards for ip in guard.addresses]
    sets = [
        links_set(BARE, (guard.link for guard in guards)),
        set_of(f"{BARE}4", "type ifname . ipv4_addr", (f'"{link}" . {ip}' for link, ip in sources if ":" not in ip)),
        set_of(f"{BARE}6", "type ifname . ipv6_addr", (f'"{link}" . {ip}' for link, ip in sources if ":" in ip)),
    ]
    rules = ["iifname != @bare accept", "iifname . ip saddr @bare4 accept", "iifname . ip6 saddr @bare6 accept", "drop"]
    return "".join(sets) + chain(BARE, "type filter hook prerouting priority -300; policy accept;", rules)


def _isolated_ports(groups: Collection[Isolated]) -> str:
    """In the family bridge: where bridged packets pass inet too (br_netfilter), nobody can tell them from routed ones there."""
    if not groups:
        return ""
    sets = [links_set(f"isolated{number}", group.links) for number, group in enumerate(groups)]
    rules = [
        f"iifname @isolated{number} {word(prefix)} daddr {prefix}{_excepted(group, prefix)} drop"
        for number, group in enumerate(groups)
        for prefix in group.destinations
    ]
    return "".join(sets) + chain(ISOLATED, "type filter hook input priority 0; policy accept;", rules)


def _excepted(group: Isolated, prefix: str) -> str:
    same = [address for address in group.excepted if word(address) == word(prefix)]
    return f" {word(prefix)} daddr != {{ {', '.join(same)} }}" if same else ""


def _isolated(groups: Collection[Isolated]) -> str:
    if not groups:
        return ""
    sets = [links_set(f"isolated{number}", group.links) for number, group in enumerate(groups)]
    rules = [f"iifname @isolated{number} oifname @isolated{number} drop" for number in range(len(groups))]
    return "".join(sets) + chain(ISOLATED, "type filter hook forward priority 0; policy accept;", rules)


def _anycast(entries: Collection[Anycast]) -> str:
    if not entries:
        return ""
    found = [(entry.link, ip) for entry in entries for ip in (*entry.addresses, link_local(entry.mac))]
    sets = [
        set_of(ANYCAST, "type ifname . ether_addr", (f'"{entry.link}" . {entry.mac}' for entry in entries)),
        set_of(f"{ANYCAST}4", "type ifname . ipv4_addr", (f'"{link}" . {ip}' for link, ip in found if ":" not in ip)),
        set_of(f"{ANYCAST}6", "typeof iifname . @th,64,128", (f'"{link}" . {_number(ip)}' for link, ip in found if ":" in ip)),
    ]
    hooks = {"iif": "prerouting priority -300", "oif": "postrouting priority 0"}
    chains = [
        chain(f"{ANYCAST}-{end}", f"type filter hook {hook}; policy accept;", (rule.format(end) for rule in APART))
        for end, hook in hooks.items()
    ]
    return "".join(sets + chains)


def _number(ip: str) -> str:
    """An IPv6 address as it is compared where it is read at an offset: the type of that is a number."""
    return f"{int(ipaddress.IPv6Address(ip)):#x}"


def _leaving(item: Filter) -> str:
    sets, rules = publication.masquerade(item.masquerade, item.publish)
    rules += publication.returning(item.publish)
    return sets + chain(LEAVING, "type nat hook postrouting priority 100; policy accept;", rules) if rules else ""


# -- back


def decode(document: str, listings: Mapping[str, str], loaded: str | None) -> Filter:
    """What the kernel has of a document, from the JSON listing of its tables by family.

    :param loaded: digest of what the kernel listed right after loading; anything else has been changed by somebody.
    """
    things = {family: _plain(json.loads(listing)["nftables"]) for family, listing in listings.items()}
    digest = sha256(json.dumps(things, sort_keys=True).encode())
    sets = {family: _sets(listed) for family, listed in things.items()}
    guards = [guard for family in sets for guard in _decoded_guards(sets[family], family == BRIDGE)]
    isolated = [each for family in sets for each in _decoded_isolated(sets[family], _rules(things[family], ISOLATED), family == BRIDGE)]
    masquerade = _decoded_masquerade(sets.get(INET, {}), things.get(INET, []))
    return Filter(
        document,
        tuple(sorted(guards, key=lambda guard: guard.link)),
        tuple(sorted(isolated, key=lambda entry: entry.links)),
        tuple(sorted(masquerade, key=lambda entry: entry.sources)),
        tuple(sorted(_decoded_anycast(sets.get(BRIDGE, {})), key=lambda entry: entry.link)),
        tuple(sorted(publication.decode(sets.get(INET, {})), key=lambda entry: entry.key)),
        digest == loaded,
        digest,
    )


def _rules(listed: Iterable[Any], name: str) -> list[list[Any]]:
    """What the rules of a chain compare with."""
    return [[each["match"]["right"] for each in rule if "match" in each] for rule in _statements(listed, name)]


def _statements(listed: Iterable[Any], name: str) -> list[list[Any]]:
    """Of each rule of a chain."""
    return [each["rule"]["expr"] for each in listed if "rule" in each and each["rule"]["chain"] == name]


def _sets(listed: Iterable[Any]) -> dict[str, Any]:
    """Elements by the name of their set or map."""
    found = [each[sort] for each in listed for sort in ("set", "map") if sort in each]
    return {each["name"]: each.get("elem", []) for each in found}


def _plain(value: Any) -> Any:
    """Without numbers that the kernel hands out and the library's version, and with the elements of sets in an order of their own."""
    if isinstance(value, dict):
        return {key: _in_order(_plain(each)) if key in ("elem", "set") else _plain(each) for key, each in value.items() if key != "handle"}
    return [_plain(each) for each in value if not _about_library(each)] if isinstance(value, list) else value


def _about_library(value: Any) -> bool:
    return isinstance(value, dict) and "metainfo" in value


def _in_order(value: Any) -> Any:
    return sorted(value, key=json.dumps) if isinstance(value, list) else value


def _links(elements: Iterable[Any]) -> tuple[str, ...]:
    return tuple(sorted(each for each in elements if isinstance(each, str)))


def _decoded_guards(sets: Mapping[str, Any], bridged: bool) -> Iterable[Guard]:
    addresses: dict[tuple[str, str], list[str]] = {}
    for link, mac, ip in words([*sets.get("v4", []), *sets.get("v6", [])], 3):
        addresses.setdefault((link, mac), []).append(ip)
    for link, mac in words(sets.get("macs", []), 2):
        yield Guard(link, mac, sorted_addresses(addresses.get((link, mac), []), mac), bridged)
    bare = _by_link(sets, f"{BARE}4", f"{BARE}6")
    for link in _links(sets.get(BARE, [])):
        yield Guard(link, "", sorted_addresses(bare.get(link, []), ""))


def _decoded_anycast(sets: Mapping[str, Any]) -> Iterable[Anycast]:
    four, six = _by_link(sets, f"{ANYCAST}4"), _by_link(sets, f"{ANYCAST}6")
    for link, mac in words(sets.get(ANYCAST, []), 2):
        addresses = [*four.get(link, []), *filter(None, map(_address, six.get(link, [])))]
        yield Anycast(link, mac, sorted_addresses(addresses, mac))


def _by_link(sets: Mapping[str, Any], *names: str) -> dict[str, list[Any]]:
    """What sets have beside each link."""
    found: dict[str, list[Any]] = {}
    for link, value in (pair for name in names for pair in words(sets.get(name, []), 2)):
        found.setdefault(link, []).append(value)
    return found


def _address(number: Any) -> str:
    """The opposite of ``_number``; empty where it is none."""
    try:
        return str(spelt(str(ipaddress.IPv6Address(int(str(number), 0)))))
    except ValueError:
        return ""


def _decoded_isolated(sets: Mapping[str, Any], rules: Collection[Any], bridged: bool) -> Iterable[Isolated]:
    for name in (name for name in sets if name.startswith(ISOLATED)):
        own = [values for values in rules if values and values[0] == f"@{name}"]
        destinations = {_prefix(value) for values in own for value in values[1:2]} - {""}
        excepted = {address for values in own for value in values[2:3] for address in _several(value)}
        yield Isolated(_links(sets[name]), tuple(sorted(destinations)), tuple(sorted(excepted)), bridged)


def _decoded_masquerade(sets: Mapping[str, Any], listed: Collection[Any]) -> Iterable[Masquerade]:
    sources: dict[str, list[str]] = {}
    for values in _rules(listed, LEAVING):
        names = [each[1:] for each in values if isinstance(each, str) and each.startswith(f"@{MASQUERADE}")]
        if names and _prefix(values[0]):
            sources.setdefault(names[0], []).append(_prefix(values[0]))
    for name, prefixes in sources.items():
        shared = [statement for rule in _statements(listed, f"shared{name[len(MASQUERADE) :]}") for statement in rule]
        yield Masquerade(tuple(sorted(prefixes)), _links(sets.get(name, [])), *publication.decoded_address(shared))


def _several(value: Any) -> list[str]:
    """A set of one is listed as the one."""
    members = value["set"] if isinstance(value, dict) and "set" in value else [value]
    return [each for each in members if isinstance(each, str)]


def _prefix(value: Any) -> str:
    """`10.0.0.0/24`; a prefix of one address is listed as that address."""
    if isinstance(value, dict) and "prefix" in value:
        return "{addr}/{len}".format(**value["prefix"])
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        return ""


def sorted_addresses(addresses: Iterable[str], mac: str) -> tuple[str, ...]:
    """In an order of their own, without the one that goes without saying."""
    implied = link_local(mac) if mac else ""
    return tuple(sorted(ip for ip in set(addresses) if ip != implied))
