# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the words of the inventory may say and this version does not do yet. Whoever adds one of these deletes its line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

When = Callable[[Any], bool]


def _given(value: Any) -> bool:
    return value not in (None, False, [], {})


# key, when its value asks for what is missing
UPLINK: Mapping[str, When] = {"move_addresses": _given}


def words(table: Mapping[str, When], raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Those keys of ``raw`` that ask for what this version does not do."""
    return tuple(key for key, asks in table.items() if key in raw and asks(raw[key]))


def message(what: str) -> str:
    return f"{what} is not supported by this version of weft.netns"
