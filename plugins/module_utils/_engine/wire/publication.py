# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Published ports, and an address that several containers share, to maps and rules of nftables, and back.

All is looked up in maps, so that the number of rules does not grow. Nothing is accepted here: what other tables drop is dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ..filters import Masquerade, Ports, Publication, ports_text
from .nft import chain, links_set, set_of, word, words

FAMILIES = (4, 6)
PROTOCOLS = {6: "tcp", 17: "udp"}
PUBLISHED, SEVERAL, ANYWHERE, BEHIND = "published", "several", "anywhere", "behind"

# What is looked up in the map of that name, and the rest of its type.
MAPS: Mapping[str, tuple[str, str]] = {
    PUBLISHED: ("{ip} daddr . meta l4proto . th dport", "{ip}_addr . inet_proto . inet_service : {ip}_addr . inet_service;"),
    SEVERAL: ("{ip} daddr . meta l4proto . th dport", "{ip}_addr . inet_proto . inet_service : {ip}_addr; flags interval;"),
    ANYWHERE: ("meta l4proto . th dport", "inet_proto . inet_service : {ip}_addr . inet_service;"),
}
# An answer to the loopback address would not leave the container.
FROM_LOOPBACK = "ip saddr 127.0.0.0/8 ct status dnat masquerade"
NOT_BY_IPV6 = "ip6 daddr ::1 return"  # there is no such switch for IPv6: the kernel would drop it
# Such links take packets from and to the loopback address (route_localnet), for the sake of answers: these have it only after this.
NO_LOOPBACK = ("iifname @looped ip daddr 127.0.0.0/8 drop", "iifname @looped ip saddr 127.0.0.0/8 drop")


def encode(publications: Collection[Publication]) -> str:
    """Sets and chains, but for what happens to packets that leave: see :func:`returning`."""
    if not publications:
        return ""
    sets, rules = [], [NOT_BY_IPV6]
    for family in FAMILIES:
        own = [each for each in publications if each.family == family]
        ip, address = {4: ("ip", "ipv4"), 6: ("ip6", "ipv6")}[family]
        for name, (looked_up, kind) in MAPS.items():
            elements = [_element(each) for each in own if _map_of(each) == name]
            if elements:
                sets.append(set_of(f"{name}{family}", "type " + kind.format(ip=address), elements, "map"))
                rules.append(f"dnat {ip} to {looked_up.format(ip=ip)} map @{name}{family}")
        if own:
            behind = sorted({f'{each.address} . "{each.link}"' for each in own})
            sets.append(set_of(f"{BEHIND}{family}", f"type {address}_addr . ifname", behind))
    hooks = [
        chain(f"publish-{hook}", f"type nat hook {hook} priority -100; policy accept;", ["fib daddr type local jump publish"])
        for hook in ("prerouting", "output")
    ]
    return "".join([*sets, chain("publish", "", rules), *hooks]) + _looped(publications)


def _looped(publications: Iterable[Publication]) -> str:
    links = sorted({each.link for each in publications if each.looped})
    if not links:
        return ""
    return links_set("looped", links) + chain("looped", "type filter hook prerouting priority -300; policy accept;", NO_LOOPBACK)


def _map_of(item: Publication) -> str:
    return ANYWHERE if item.host_address is None else SEVERAL if item.port is None else PUBLISHED


def _element(item: Publication) -> str:
    asked = [*([item.host_address] if item.host_address else []), item.protocol, ports_text(item.host_ports)]
    found = [item.address, *([] if item.port is None else [str(item.port)])]
    return f"{' . '.join(asked)} : {' . '.join(found)}"


def returning(publications: Collection[Publication]) -> list[str]:
    """Rules for what leaves. What goes out by the link by which it came in would be answered past the host."""
    families = sorted({each.family for each in publications})
    rules = [f"ct status dnat {'ip6' if family == 6 else 'ip'} daddr . iifname @{BEHIND}{family} masquerade" for family in families]
    return rules + ([FROM_LOOPBACK] if any(each.looped for each in publications) else [])


def masquerade(entries: Iterable[Masquerade], publications: Collection[Publication]) -> tuple[str, list[str]]:
    """Sets and chains, and rules for what leaves."""
    sets, rules = [], []
    for number, entry in enumerate(entries):
        sets.append(links_set(f"masquerade{number}", entry.links))
        verdict = "masquerade"
        if entry.address:
            verdict = f"jump shared{number}"
            sets.append(_shared(number, entry, publications))
        for source in entry.sources:
            rules.append(f"{word(source)} saddr {source} oifname != @masquerade{number} {verdict}")
            if entry.address:
                rules.append(f"{word(source)} saddr {source} ct status dnat {verdict}")
    return "".join(sets), rules


def _shared(number: int, entry: Masquerade, publications: Iterable[Publication]) -> str:
    """What is sent from a port that is somebody's own keeps it; all else has none of these."""
    address, ip = str(entry.address), word(str(entry.address))
    kept = [
        f"{each.address} . {each.protocol} . {ports_text(each.host_ports)}"
        for each in publications
        if each.host_address == address and each.port is None
    ]
    rules = [f"{ip} saddr . meta l4proto . th sport @kept{number} snat {ip} to {address}"] if kept else []
    if entry.ports:
        where = f"[{address}]" if ip == "ip6" else address
        rules.append(f"meta l4proto {{ tcp, udp }} snat {ip} to {where}:{ports_text(entry.ports)}")
    kind = f"type {'ipv6' if ip == 'ip6' else 'ipv4'}_addr . inet_proto . inet_service; flags interval;"
    own = set_of(f"kept{number}", kind, kept) if kept else ""
    return own + chain(f"shared{number}", "", [*rules, f"snat {ip} to {address}"])


# -- back


def decode(sets: Mapping[str, Any]) -> Iterator[Publication]:
    """From the elements of sets and maps by their names."""
    for family in FAMILIES:
        links = dict(words(sets.get(f"{BEHIND}{family}", ()), 2))
        for name in MAPS:
            for key, value in _pairs(sets.get(f"{name}{family}", ())):
                yield from _decoded(name, key, value, links)


def _pairs(elements: Iterable[Any]) -> Iterator[tuple[list[Any], list[Any]]]:
    for each in elements:
        if isinstance(each, list) and len(each) == 2:
            yield tuple(side["concat"] if isinstance(side, dict) and "concat" in side else [side] for side in each)  # type: ignore[misc]


def _decoded(name: str, key: list[Any], value: list[Any], links: Mapping[str, str]) -> Iterator[Publication]:
    host_address = str(key[0]) if name != ANYWHERE else None
    protocol, asked = key[-2:]
    if protocol in PROTOCOLS:
        port = value[1] if len(value) > 1 else None
        yield Publication(PROTOCOLS[protocol], _ports(asked), str(value[0]), links.get(value[0], ""), port, host_address)


def _ports(value: Any) -> Ports:
    first, last = value["range"] if isinstance(value, dict) else (value, value)
    return int(first), int(last)


def decoded_address(rules: Iterable[Mapping[str, Any]]) -> tuple[str | None, Ports | None]:
    """Address and ports of a :class:`Masquerade`, from the statements of its chain."""
    statements = [each["snat"] for each in rules if "snat" in each]
    found = [_ports(each["port"]) for each in statements if "port" in each]
    return (statements[0]["addr"] if statements else None), (found[0] if found else None)
