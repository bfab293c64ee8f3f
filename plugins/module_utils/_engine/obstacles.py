# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What on this host stands in the way of published ports, and is not ours to change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from .files import Listener, listeners
from .filters import Publication
from .kernel import Kernel
from .model import HOST, Namespace
from .wire import ruleset

SHOWN = 3
ANY = {4: ("0.0.0.0", "::"), 6: ("::",)}  # a socket on :: takes IPv4 as well, unless it says otherwise


def obstacles(kernel: Kernel, wanted: Namespace, seen: Namespace) -> list[str]:
    """In words, one each. ``wanted`` and ``seen``: the host's own namespace."""
    published = [each for item in wanted.filters.values() for each in item.publish]
    if not published:
        return []
    own = {each.ip for ns in (wanted, seen) for each in ns.addresses.values()}
    return [*_dropped(kernel, published), *_hidden(published, kernel.inside(HOST, listeners)), *_elsewhere(published, own)]


def _dropped(kernel: Kernel, published: Iterable[Publication]) -> Iterator[str]:
    from . import firewall, iptables  # few hosts publish ports

    chains = [*_of_nftables(kernel), *kernel.inside(HOST, iptables.forwarding)]
    dropped: dict[str, list[Publication]] = {}
    for each in published:
        for chain, rules in chains:
            if firewall.drops(chain, rules, each):
                dropped.setdefault("chain {name} of table {family} {table}".format(**chain), []).append(each)
    for place, those in dropped.items():
        yield f"{place} drops what is sent to published ports ({_some(those)}): accept it there"


def _of_nftables(kernel: Kernel) -> list[tuple[dict[str, Any], Mapping[str, Any]]]:
    """Base chains of others for what is forwarded, each with the rules of its table."""
    chains = [each["chain"] for each in kernel.ask_tables(HOST, "list chains") if "chain" in each]
    theirs = [each for each in chains if each.get("hook") == "forward" and not each["table"].startswith(ruleset.table(""))]
    rules = {where: _rules(kernel, *where) for where in {(each["family"], each["table"]) for each in theirs}}
    return [(each, rules[each["family"], each["table"]]) for each in theirs]


def _rules(kernel: Kernel, family: str, table: str) -> dict[str, list[Any]]:
    """By chain. A name that nftables does not read again is nobody's that keeps a firewall."""
    listed = kernel.ask_tables(HOST, f"list table {family} {table}") if ruleset.PLAIN.fullmatch(table) else []
    found: dict[str, list[Any]] = {}
    for rule in (each["rule"] for each in listed if "rule" in each):
        found.setdefault(rule["chain"], []).append(rule["expr"])
    return found


def _hidden(published: Iterable[Publication], listeners: Collection[Listener]) -> Iterator[str]:
    hidden = [each for each in published if any(_hears(listener, each) for listener in listeners)]
    if hidden:
        yield f"a process of the host listens on {_some(hidden)}, and is not reached there: what is sent there is for a container"


def _hears(listener: Listener, item: Publication) -> bool:
    protocol, address, port = listener
    here = address in ANY[item.family] or address == item.host_address
    return item.has(protocol, port) and (here or (item.host_address is None and (":" in address) == (item.family == 6)))


def _elsewhere(published: Iterable[Publication], own: Collection[str]) -> Iterator[str]:
    missing = [
        each for each in published if each.host_address and not each.host_address.startswith("127.") and each.host_address not in own
    ]
    if missing:
        yield f"no link of the host has the address of {_some(missing)}: nobody reaches it before one has"


def _some(published: Collection[Publication]) -> str:
    names = [each.text for each in published]
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
