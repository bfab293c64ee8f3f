# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table ``filter`` of iptables-legacy, which nf_tables does not list: as iptables-legacy(8) prints it, to what firewall.py reads.

What is not known here of a rule is a condition of which nobody knows whether it holds.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import files

PROGRAMS = {4: "iptables-legacy", 6: "ip6tables-legacy"}
NAMES = {4: "ip_tables_names", 6: "ip6_tables_names"}
PROTOCOLS = {4: "ip", 6: "ip6"}
VERDICTS = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "RETURN": "return"}
TARGETS = {"-j": "jump", "-g": "goto"}
SAID = {"-m"}  # the options that follow tell it

Rules = dict[str, list[Any]]  # by chain: of each rule its statements


def listed(family: int) -> str:
    """The rules of the namespace that this thread is in; empty: it has no such table, or nothing here can tell."""
    if "filter" not in (files.read(f"{files.SOCKETS}/{NAMES[family]}") or "").split():
        return ""
    import subprocess  # few hosts have one

    try:
        return subprocess.run([PROGRAMS[family], "-w", "5", "-S"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


def read(text: str, family: int) -> tuple[dict[str, Any], Rules]:
    """The base chain of what is forwarded, and the rules of all chains."""
    policy = "accept"
    rules: Rules = {}
    for option, chain, *words in map(shlex.split, text.splitlines()):
        if (option, chain) == ("-P", "FORWARD"):
            policy = VERDICTS[words[0]]
        if option == "-A":
            rules.setdefault(chain, []).append(list(_statements(words, family)))
    return {"type": "filter", "family": PROTOCOLS[family], "name": "FORWARD", "policy": policy}, rules


def _statements(words: list[str], family: int) -> Iterator[dict[str, Any]]:
    operator = "=="
    left = iter(words)
    for word in left:
        if word in TARGETS:
            target = next(left, "")
            yield {VERDICTS[target]: None} if target in VERDICTS else {TARGETS[word]: {"target": target}}
        elif word in MATCHES:
            yield {"match": {"op": operator, **MATCHES[word](next(left, ""), PROTOCOLS[family])}}
        elif word in SAID:
            next(left, "")
        elif word.startswith("-"):
            yield {"xt": None}
        operator = "!=" if word == "!" else "=="


def _link(value: str, _protocol: str) -> dict[str, Any]:
    return {"left": {"meta": {"key": "oifname"}}, "right": value[:-1] + "*" if value.endswith("+") else value}


def _address(value: str, protocol: str) -> dict[str, Any]:
    address, _slash, length = value.partition("/")
    right = {"prefix": {"addr": address, "len": length}} if length.isdigit() else "@a mask with holes"
    return {"left": {"payload": {"protocol": protocol, "field": "daddr"}}, "right": right}


def _protocol(value: str, _protocol: str) -> dict[str, Any]:
    return {"left": {"meta": {"key": "l4proto"}}, "right": value}


def _ports(value: str, _protocol: str) -> dict[str, Any]:
    found = [{"range": [int(each) for each in part.split(":")]} if ":" in part else int(part) for part in value.split(",")]
    return {"left": {"payload": {"protocol": "th", "field": "dport"}}, "right": found}


def _states(value: str, _protocol: str) -> dict[str, Any]:
    states = value.lower().split(",")
    return {"left": {"ct": {"key": "status" if "dnat" in states else "state"}}, "right": states}


MATCHES: Mapping[str, Callable[[str, str], dict[str, Any]]] = {
    "-o": _link,
    "-d": _address,
    "-p": _protocol,
    "--dport": _ports,
    "--dports": _ports,
    "--ctstate": _states,
}
