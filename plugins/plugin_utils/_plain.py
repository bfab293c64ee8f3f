# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of Ansible's variables as plain ones: no tags, no templates waiting, nothing that JSON does not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCALARS = (str, int, float)


def plain(value: Any) -> Any:
    """Mappings become dictionaries, a number as a key becomes a text, what is no JSON becomes its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    for scalar in SCALARS:
        if isinstance(value, scalar):
            return scalar(value)
    return str(value)


def _key(key: Any) -> Any:
    # A container may well be called 101, and YAML reads that as a number. A bool stays one, to be refused: it was a word like `on`.
    return key if key is None or isinstance(key, bool) else str(key)
