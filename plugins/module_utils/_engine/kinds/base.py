# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind of link is: its attributes, and how they travel in netlink."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Callable

from ..schema import Check


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Attribute:
    """One key of a kind's dictionary and the netlink attribute that carries it.

    ``nla`` empty: not an attribute of IFLA_INFO_DATA; somebody else carries it (a peer, a parent).
    ``fixed``: the kernel cannot change it on an existing link, so the link is made anew.
    ``default``: what holds where the document says nothing; None: whatever the kernel does.
    ``shared``: all links of the kind on one lower link have the same.
    ``otherwise``: what holds on a kernel that does not know the attribute; it is not asked for when a link is made.
    """

    key: str
    check: Check
    nla: str = ""
    fixed: bool = False
    required: bool = False
    default: Any = None
    encode: Callable[[Any], Any] = _same
    decode: Callable[[Any], Any] = _same
    shared: bool = False
    otherwise: Any = None


@dataclass(frozen=True)
class Kind:
    """A link kind, and what the kernel does with links of it."""

    name: str
    attributes: tuple[Attribute, ...] = ()
    parent: str = ""  # holds the index of its ``link``, if it has one: IFLA_LINK, or an attribute of IFLA_INFO_DATA
    pair: str = ""  # the attribute of IFLA_INFO_DATA that tells of its other end: such links are made and deleted by two
    hidden: str = ""  # the attribute that the kernel does not tell
    follows: bool = False  # it comes up and goes down with the link it lies on
    no_mac: str = ""  # why no MAC can be given to it

    @cached_property
    def keys(self) -> dict[str, Attribute]:
        return {attribute.key: attribute for attribute in self.attributes}

    @cached_property
    def checks(self) -> dict[str, Check]:
        return {attribute.key: attribute.check for attribute in self.attributes}

    @cached_property
    def defaults(self) -> dict[str, Any]:
        return {attribute.key: attribute.default for attribute in self.attributes if attribute.default is not None}

    def faults(self, values: Mapping[str, Any]) -> list[tuple[str, str]]:
        """What is wrong with these values taken together: key and message."""
        if "link" in self.keys and "namespace" in values and "link" not in values:
            return [("namespace", "this is where `link` is: name the link")]
        return []

    def without_mac(self, values: Mapping[str, Any]) -> str:
        """Why a link with these values cannot be given a MAC; empty: it can."""
        return self.no_mac

    def unchangeable(self, seen: Mapping[str, Any], want: Mapping[str, Any]) -> list[str]:
        """Keys that differ and that the kernel cannot change on a link that exists."""
        fixed = [attribute.key for attribute in self.attributes if attribute.fixed]
        return [key for key in fixed if want.get(key) is not None and seen.get(key) != want[key]]

    def encode(self, values: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """Attributes of IFLA_INFO_DATA for these values."""
        return [(a.nla, a.encode(values[a.key])) for a in self.attributes if a.nla and values.get(a.key) is not None]

    def asked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the values that a request to make a link has to have."""
        known = self.keys
        return {key: value for key, value in values.items() if key not in known or value != known[key].otherwise}

    def decode(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Values out of IFLA_INFO_DATA."""
        told = {a.key: a.otherwise for a in self.attributes if a.otherwise is not None}
        return {**told, **{a.key: a.decode(data[a.nla]) for a in self.attributes if a.nla in data}}


def flag(key: str, nla: str, check: Check, otherwise: bool | None = None) -> Attribute:
    return Attribute(key, check, nla, encode=int, decode=bool, otherwise=otherwise)
