# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets, maps and chains as nft(8) writes them, and what a listing has of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def set_of(name: str, kind: str, elements: Iterable[str], sort: str = "set") -> str:
    """``kind``: its type and flags. ``sort``: set or map."""
    listed = ",\n            ".join(elements)
    content = f"        elements = {{ {listed} }}\n" if listed else ""
    return f"\n    {sort} {name} {{\n        {kind}\n{content}    }}"


def links_set(name: str, links: Iterable[str]) -> str:
    return set_of(name, "type ifname", (f'"{link}"' for link in links))


def chain(name: str, hook: str, rules: Iterable[str]) -> str:
    return f"\n    chain {name} {{\n" + "".join(f"        {line}\n" for line in (hook, *rules) if line) + "    }\n"


def word(address: str) -> str:
    return "ip6" if ":" in address else "ip"


def words(elements: Iterable[Any], count: int) -> list[list[Any]]:
    """Elements that are concatenations of so many."""
    return [each["concat"] for each in elements if isinstance(each, dict) and len(each.get("concat", ())) == count]
