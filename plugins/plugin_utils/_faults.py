# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of the compiler, and how faults are gathered on the way to it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from ..module_utils._engine.errors import Fault, NetnsError

T = TypeVar("T")


class CompileError(NetnsError):
    """The intent of the fleet is wrong. Carries every fault of every host."""


class Faults(list[Fault]):
    def add(self, path: str, message: str) -> None:
        self.append(Fault(path, message))

    def checked(self, path: str, check: Callable[[Any], T], value: Any) -> T | None:
        """The value as ``check`` returns it; None if it raises ValueError, which is a fault then."""
        try:
            return check(value)
        except ValueError as error:
            self.add(path, str(error))
            return None

    def mapping(self, path: str, value: Any) -> Mapping[str, Any]:
        """The value, if it is a mapping with texts as keys; an empty one stands for anything else."""
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.add(path, f"{value!r} is not a mapping")
            return {}
        for key in value:
            if not isinstance(key, str):
                self.add(path, f"the key {key!r} is not a text; put it in quotes")
        return {key: item for key, item in value.items() if isinstance(key, str)}

    def listing(self, path: str, value: Any) -> list[Any]:
        if isinstance(value, list):
            return value
        self.add(path, f"{value!r} is not a list")
        return []

    def unknown(self, path: str, raw: Mapping[str, Any], known: Collection[str]) -> None:
        """A fault for each key that nobody knows."""
        for key in raw:
            if key not in known:
                self.add(f"{path}.{key}", unknown_key(key, known))

    def finish(self) -> None:
        """Raise if there is any fault, in an order that does not depend on the inventory's."""
        if self:
            raise CompileError(sorted(dict.fromkeys(self), key=lambda fault: (fault.path, fault.message)))


def unknown_key(key: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(key, sorted(known), 1)
    return f"unknown key, did you mean {close[0]}?" if close else f"unknown key; known are {', '.join(sorted(known))}"
