# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routing policy rules (ip-rule(8), fib_rules.h)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ..codec import NLM_F_CREATE, NLM_F_EXCL, Message, Request
from ..model import PROTOCOL, Rule

FAMILIES = {4: 2, 6: 10}
VERSIONS = {number: version for version, number in FAMILIES.items()}
ACTIONS = {1: "lookup", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
NUMBERS = {name: number for number, name in ACTIONS.items()}
TABLE_COMPAT = 252
FULL_MASK = 0xFFFFFFFF
INVERTED = 2  # FIB_RULE_INVERT

DUMPS = [Request("RTM_GETRULE", {"family": family}) for family in FAMILIES.values()]

# Selectors that the model has no words for: such a rule is somebody else's, and stays unseen.
FOREIGN = ("FRA_L3MDEV", "FRA_UID_RANGE", "FRA_IP_PROTO", "FRA_SPORT_RANGE", "FRA_DPORT_RANGE", "FRA_TUN_ID", "FRA_GOTO")


def decode(message: Message, names: Mapping[int, str]) -> Rule | None:
    fields, attrs = message.fields, message.attrs
    action = ACTIONS.get(fields["action"])
    if action is None or fields["flags"] & INVERTED or fields["tos"] or any(attrs.get(name) for name in FOREIGN):
        return None
    mark = attrs.get("FRA_FWMARK")
    return Rule(
        priority=attrs.get("FRA_PRIORITY") or 0,
        family=VERSIONS[fields["family"]],
        source=_prefix(attrs.get("FRA_SRC"), fields["src_len"]),
        destination=_prefix(attrs.get("FRA_DST"), fields["dst_len"]),
        iif=attrs.get("FRA_IIFNAME"),
        oif=attrs.get("FRA_OIFNAME"),
        fwmark=f"{mark:#x}/{attrs.get('FRA_FWMASK', FULL_MASK):#x}" if mark is not None else None,
        table=attrs.get("FRA_TABLE") if action == "lookup" else None,
        type=action,
        ours=attrs.get("FRA_PROTOCOL") == PROTOCOL,
    )


def make(rule: Rule, index: Callable[[str], int]) -> Request:
    request = remove(rule, index)
    return Request("RTM_NEWRULE", request.fields, request.attrs, NLM_F_CREATE | NLM_F_EXCL)


def remove(rule: Rule, index: Callable[[str], int]) -> Request:
    fields = {"family": FAMILIES[rule.family], "action": NUMBERS[rule.type]}
    attrs: list[tuple[str, Any]] = [("FRA_PRIORITY", rule.priority), ("FRA_PROTOCOL", PROTOCOL)]
    for value, name, length in ((rule.source, "FRA_SRC", "src_len"), (rule.destination, "FRA_DST", "dst_len")):
        if value:
            address, _slash, prefixlen = value.partition("/")
            fields[length] = int(prefixlen)
            attrs.append((name, address))
    if rule.table is not None:
        fields["table"] = rule.table if rule.table < 256 else TABLE_COMPAT
        attrs.append(("FRA_TABLE", rule.table))
    if rule.fwmark:
        mark, _slash, mask = rule.fwmark.partition("/")
        attrs += [("FRA_FWMARK", int(mark, 16)), ("FRA_FWMASK", int(mask, 16))]
    attrs += [(name, value) for name, value in (("FRA_IIFNAME", rule.iif), ("FRA_OIFNAME", rule.oif)) if value]
    return Request("RTM_DELRULE", fields, attrs)


def _prefix(address: str | None, length: int) -> str | None:
    return f"{address}/{length}" if address else None
