# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the rules of others would drop what is sent to a published port: read as nftables lists them (libnftables-json(5)).

What is asked about is the first packet of somebody outside, on its way on to the container. Of what nobody knows (who sends it, by
which link, what is in a set) a rule may take it or not; only a rule that looks at where the packet goes is taken to mean it.
"""

from __future__ import annotations

import fnmatch
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .filters import Publication

Rules = Mapping[str, Sequence[Any]]  # by chain: of each rule its statements
DEEPEST = 16  # NFT_JUMP_STACK_SIZE
FAMILIES = {"inet": (4, 6), "ip": (4,), "ip6": (6,)}
ENDS = {"accept", "drop", "reject", "return", "goto"}
PROTOCOLS = {"tcp": 6, "udp": 17}


@dataclass(frozen=True)
class Taken:
    """How a rule takes a packet: ``never``, ``always``, or else maybe; ``meant``: by where it goes."""

    never: bool = False
    always: bool = True
    meant: bool = False


def drops(chain: Mapping[str, Any], rules: Rules, item: Publication) -> bool:
    """Whether this base chain would drop it. ``rules``: of all chains of its table."""
    if chain.get("type") != "filter" or item.family not in FAMILIES.get(chain["family"], ()):
        return False
    return (_verdict(chain["name"], rules, item, True, DEEPEST) or chain.get("policy")) == "drop"


def _verdict(chain: str, rules: Rules, item: Publication, certain: bool, depth: int) -> str | None:
    """accept or drop; None: nothing is decided there. ``certain``: it gets there in any case."""
    for rule in rules.get(chain, ()) if depth else ():
        taken = _taken(rule, item)
        for statement in rule if not taken.never else ():
            if "accept" in statement and (taken.meant or (certain and taken.always)):
                return "accept"
            if ("drop" in statement or "reject" in statement) and certain and taken.always:
                return "drop"
            there = (statement.get("jump") or statement.get("goto") or {}).get("target")
            found = _verdict(there, rules, item, certain and taken.always, depth - 1) if there else None
            if found or (taken.always and ENDS & statement.keys()):
                return found
    return None


def _taken(rule: Iterable[Mapping[str, Any]], item: Publication) -> Taken:
    never, always, meant = False, True, False
    for statement in rule:
        if "match" in statement:
            fits, about = _fits(statement["match"], item)
            never = never or fits is False
            always = always and fits is True
            meant = meant or (about and fits is not False)
        elif {"xt", "limit", "quota", "vmap", "ct count"} & statement.keys():
            always = False
    return Taken(never, always, meant)


def _fits(match: Mapping[str, Any], item: Publication) -> tuple[bool | None, bool]:
    """Whether it fits, None if nobody knows; and whether it is about where the packet goes."""
    kind, facts = _facts(match["left"], item)
    if facts is None:
        return None, False
    found = _among(facts, match["right"])
    negative = match["op"] == "!="
    if found is None:
        return None, kind and not negative
    return found is not negative, kind and not negative


def _facts(left: Any, item: Publication) -> tuple[bool, tuple[Any, ...] | None]:
    """What is known there of the packet; None: nothing. The first: it is about where it goes."""
    (sort, about), *_more = left.items() if isinstance(left, dict) else [("", {})]
    field = about.get("key", about.get("field")) if isinstance(about, dict) else None
    protocol = about.get("protocol") if isinstance(about, dict) else None
    port = item.port or item.host_ports[0]
    known: dict[tuple[str, Any, Any], tuple[bool, tuple[Any, ...]]] = {
        ("meta", None, "oifname"): (True, (item.link,)),
        ("meta", None, "l4proto"): (False, (item.protocol, PROTOCOLS[item.protocol])),
        ("meta", None, "nfproto"): (False, (f"ipv{item.family}",)),
        ("payload", "ip", "daddr"): (True, (item.address,) if item.family == 4 else ()),
        ("payload", "ip6", "daddr"): (True, (item.address,) if item.family == 6 else ()),
        ("payload", "ip", "protocol"): (False, (item.protocol, PROTOCOLS[item.protocol]) if item.family == 4 else ()),
        ("payload", "tcp", "dport"): (True, (port,) if item.protocol == "tcp" else ()),
        ("payload", "udp", "dport"): (True, (port,) if item.protocol == "udp" else ()),
        ("payload", "th", "dport"): (True, (port,)),
        ("ct", None, "state"): (False, ("new",)),
        ("ct", None, "status"): (True, ("dnat",)),
    }
    return known.get((sort, protocol, field), (False, None))


def _among(facts: tuple[Any, ...], right: Any) -> bool | None:
    if isinstance(right, str) and right.startswith("@"):
        return None
    listed = right["set"] if isinstance(right, dict) and "set" in right else right if isinstance(right, list) else [right]
    return any(_same(fact, each) for fact in facts for each in listed)


def _same(fact: Any, value: Any) -> bool:
    if isinstance(value, dict) and "prefix" in value:
        return ipaddress.ip_address(fact) in ipaddress.ip_network("{addr}/{len}".format(**value["prefix"]), strict=False)
    if isinstance(value, dict) and "range" in value:
        first, last = (_number(each) for each in value["range"])
        return first <= _number(fact) <= last
    return fact == value or (isinstance(fact, str) and isinstance(value, str) and fnmatch.fnmatchcase(fact, value))


def _number(value: Any) -> int:
    return value if isinstance(value, int) else int(ipaddress.ip_address(value))
