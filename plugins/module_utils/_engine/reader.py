# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the values of a document, and collects all that is wrong with them, each with its path."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import Fault
from .schema import Check, Listing, Record


@dataclass
class Reader:
    """The faults of one document, and where its objects are."""

    faults: list[Fault] = field(default_factory=list)
    places: dict[int, str] = field(default_factory=dict)  # id of an object to its path

    def fault(self, path: str, message: str) -> None:
        self.faults.append(Fault(path, message))

    def value(self, raw: Any, path: str, check: Check) -> Any:
        if isinstance(check, Listing) and isinstance(raw, (list, tuple)):
            found = [self.value(item, f"{path}[{index}]", check.item) for index, item in enumerate(raw)]
            return None if None in found else self.value(found, path, check.whole)
        if isinstance(check, Record) and isinstance(raw, Mapping):
            return self.record(raw, path, check)
        try:
            return check(raw)
        except ValueError as error:
            self.fault(path, str(error))
            return None

    def mapping(self, raw: Any, path: str, keys: Collection[str] | None = None) -> Mapping[Any, Any]:
        """``raw`` as a mapping, less the keys that are not known."""
        if raw is None:
            return {}
        if not isinstance(raw, Mapping):
            self.fault(path, f"{raw!r} is not a mapping")
            return {}
        if keys is None:
            return raw
        unknown = [key for key in raw if key not in keys]
        for key in unknown:
            self._unknown(join(path, key), key, keys)
        return {key: value for key, value in raw.items() if key in keys} if unknown else raw

    def _unknown(self, path: str, key: Any, allowed: Iterable[str]) -> None:
        import difflib  # only a document with faults needs it

        close = difflib.get_close_matches(str(key), list(allowed), 1)
        self.fault(path, "unknown key" + (f", did you mean {close[0]}?" if close else f"; known are {', '.join(allowed)}"))

    def values(self, raw: Any, path: str, checks: Mapping[str, Check], *more: str) -> dict[str, Any]:
        """Known keys of a mapping, checked; those that are absent or faulty are left out. ``more`` pass unchecked."""
        found = {}
        told = self.mapping(raw, path)
        for key in [key for key in told if key not in checks and key not in more]:
            self._unknown(join(path, key), key, [*checks, *more])
        for key, value in told.items():
            if key in more:
                found[key] = value
            elif key in checks and value is not None:
                checked = self.value(value, join(path, key), checks[key])
                if checked is not None:
                    found[key] = checked
        return found

    def record(self, raw: Mapping[Any, Any], path: str, check: Record) -> Any:
        known = len(self.faults)
        values = self.values(raw, path, check.checks)
        for key in check.required:
            if not given(raw, key):
                self.fault(join(path, key), "missing")
        return None if len(self.faults) > known else self.value(values, path, check.whole)

    def items(self, raw: Any, path: str) -> list[tuple[str, Any]]:
        """Items of a list with their paths."""
        if raw is None:
            return []
        if not isinstance(raw, (list, tuple)):
            self.fault(path, f"{raw!r} is not a list")
            return []
        return [(f"{path}[{index}]", item) for index, item in enumerate(raw)]

    def collect(self, found: Iterable[tuple[str, Any]]) -> dict[Any, Any]:
        """Objects by key; one declared twice is a fault."""
        objects: dict[Any, Any] = {}
        for path, item in found:
            if item is not None and item.key in objects:
                self.fault(path, f"{item.text} is declared twice")
            elif item is not None:
                objects[item.key] = item
                self.places[id(item)] = path
        return objects


def join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


def given(raw: Any, key: str) -> bool:
    """The document says something there, be it right or wrong: then it is not missing."""
    return isinstance(raw, Mapping) and raw.get(key) is not None


def undeclared(link: str, path: str) -> str:
    return f"{link} is not declared; list it in {path}.links ({link}: {{}} if it exists already)"
