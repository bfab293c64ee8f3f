# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel cannot tell: who declared an object, and what was there before. Pure values; store.py keeps them.

Several documents may declare the same object of a shared namespace: each claims it, and it goes with the last one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, str]  # namespace, object


def object_id(collection: str, key: Any) -> str:
    return f"{collection} {json.dumps(key)}"


def key_of(identifier: str) -> Any:
    """The key of an object as :func:`object_id` took it."""
    key = json.loads(identifier.partition(" ")[2])
    return tuple(key) if isinstance(key, list) else key


@dataclass(frozen=True)
class Claim:
    """``former``: what was there before the first of ``names`` came, None for nothing."""

    names: frozenset[str]
    former: Any = None


Claims = Mapping[str, Mapping[str, Claim]]  # by namespace and object


def union(one: Claims, other: Claims) -> dict[str, dict[str, Claim]]:
    """Claims that hold while a run is under way: a crash may leave objects of the old state or of the new one."""
    merged = {namespace: dict(held) for namespace, held in one.items()}
    for namespace, held in other.items():
        here = merged.setdefault(namespace, {})
        for identifier, claim in held.items():
            names = here[identifier].names if identifier in here else frozenset()
            here[identifier] = Claim(claim.names | names, claim.former)
    return merged


def with_formers(claims: Claims, formers: Mapping[Key, Any]) -> Claims:
    """Claims with former values that were learnt only when their objects were made."""
    known = {namespace: dict(held) for namespace, held in claims.items()}
    for (namespace, identifier), former in formers.items():
        known[namespace][identifier] = Claim(known[namespace][identifier].names, former)
    return known


@dataclass
class Ledger:
    """Claims being rewritten by a plan for the document ``name``."""

    name: str
    former: Claims
    claims: dict[str, dict[str, Claim]] = field(init=False)

    def __post_init__(self) -> None:
        self.claims = {namespace: dict(held) for namespace, held in self.former.items()}

    def get(self, namespace: str, identifier: str) -> Claim | None:
        return self.claims.get(namespace, {}).get(identifier)

    def take(self, namespace: str, identifier: str, former: Any = None) -> None:
        known = self.get(namespace, identifier)
        claim = Claim(known.names | {self.name}, known.former) if known else Claim(frozenset({self.name}), former)
        self.claims.setdefault(namespace, {})[identifier] = claim

    def note(self, namespace: str, identifier: str, value: Any) -> None:
        """A claim that remembers what was declared last, rather than what was there first."""
        self.claims.setdefault(namespace, {})[identifier] = Claim(self.names(namespace, identifier) | {self.name}, value)

    def leave(self, namespace: str, identifier: str) -> Claim | None:
        """Give up a claim. Returns it if it was the last one on the object, so that the object may go."""
        claim = self.get(namespace, identifier)
        if claim is None or self.name not in claim.names:
            return None
        here = self.claims[namespace]
        others = claim.names - {self.name}
        if others:
            here[identifier] = Claim(others, claim.former)
            return None
        del here[identifier]
        if not here:
            del self.claims[namespace]
        return claim

    def forget(self, namespace: str) -> None:
        """The namespace is gone, and all of its objects with it."""
        self.claims.pop(namespace, None)

    def names(self, namespace: str, identifier: str) -> frozenset[str]:
        claim = self.get(namespace, identifier)
        return claim.names if claim else frozenset()

    def held(self, collection: str, namespace: str) -> list[Any]:
        """Keys of the objects of one collection in a namespace that this document claims."""
        here = self.claims.get(namespace, {})
        return [key_of(each) for each, claim in here.items() if each.startswith(collection + " ") and self.name in claim.names]
