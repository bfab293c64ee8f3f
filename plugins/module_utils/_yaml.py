# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of a diff: YAML without PyYAML, which a target need not have. Private to the collection."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

# What YAML 1.1 reads as the same string without quotes: words, and IPv4 addresses. The rest is quoted.
PLAIN = re.compile(r"[A-Za-z_](?:[\w./:@-]*[\w./@-])?|\d+(?:\.\d+){3}(?:/\d+)?", re.ASCII)
TAKEN = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])


def dump(value: Mapping[str, Any]) -> str:
    """A mapping of mappings, lists and scalars as YAML, sorted by key; empty text for an empty one."""
    return "".join(line + "\n" for line in _mapping(value))


def _mapping(value: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for key, item in sorted(value.items()):
        lines += _attached(_scalar(str(key)) + ":", item)
    return lines


def _attached(head: str, item: Any) -> list[str]:
    """An item after its key (or after the dash of a list)."""
    if isinstance(item, Mapping) and item:
        return [head, *("  " + line for line in _mapping(item))]
    if isinstance(item, (list, tuple)) and item:
        return [head, *("  " + line for element in item for line in _element(element))]
    return [f"{head} {_scalar(item)}"]


def _element(item: Any) -> list[str]:
    if isinstance(item, Mapping) and item:
        first, *rest = _mapping(item)
        return [f"- {first}", *("  " + line for line in rest)]
    return _attached("-", item)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in TAKEN:
        return value
    return json.dumps(value)
