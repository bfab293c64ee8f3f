# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel cannot tell: who declared an object, and what was there before. Pure values; store.py keeps them.

Several documents may declare the same object of a shared namespace: each claims it, and it goes with the last one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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


Claims = Mapping[Key, Claim]


@dataclass
class Ledger:
    """Claims being rewritten by a plan for the document ``name``."""

    name: str
    claims: dict[Key, Claim] = field(default_factory=dict)

    def take(self, namespace: str, identifier: str, former: Any = None) -> None:
        known = self.claims.get((namespace, identifier))
        claim = Claim(known.names | {self.name}, known.former) if known else Claim(frozenset({self.name}), former)
        self.claims[namespace, identifier] = claim

    def leave(self, namespace: str, identifier: str) -> Claim | None:
        """Give up a claim. Returns it if it was the last one on the object, so that the object may go."""
        claim = self.claims.get((namespace, identifier))
        if claim is None or self.name not in claim.names:
            return None
        others = claim.names - {self.name}
        if others:
            self.claims[namespace, identifier] = Claim(others, claim.former)
            return None
        return self.claims.pop((namespace, identifier))

    def forget(self, namespace: str) -> None:
        """The namespace is gone, and all of its objects with it."""
        for key in [key for key in self.claims if key[0] == namespace]:
            del self.claims[key]

    def names(self, namespace: str, identifier: str) -> frozenset[str]:
        claim = self.claims.get((namespace, identifier))
        return claim.names if claim else frozenset()

    def held(self, collection: str, namespace: str | None = None) -> Iterator[tuple[str, Any, Claim]]:
        """Own claims on objects of one collection: namespace, key, claim. A copy: the ledger may change meanwhile."""
        for (where, identifier), claim in list(self.claims.items()):
            if identifier.startswith(collection + " ") and self.name in claim.names and namespace in (None, where):
                yield where, key_of(identifier), claim
