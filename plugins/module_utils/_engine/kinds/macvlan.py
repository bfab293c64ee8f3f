# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""macvlan: a link with a MAC of its own on another link (if_link.h: IFLA_MACVLAN_*)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..schema import Listing, choice, file_name, link_name, mac
from .base import Attribute, Kind

MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8, "source": 16}
SET = 3  # if_link.h: MACVLAN_MACADDR_SET, all of them at once


def macs(value: Any) -> tuple[str, ...]:
    """In an order of their own: the kernel has none."""
    return tuple(sorted(set(Listing(mac)(value))))


class Macvlan(Kind):
    def faults(self, values: Mapping[str, Any]) -> list[tuple[str, str]]:
        stray = values.get("sources") is not None and values.get("mode") != "source"
        return super().faults(values) + ([("sources", "only mode source looks at them")] if stray else [])

    def unchangeable(self, seen: Mapping[str, Any], want: Mapping[str, Any]) -> list[str]:
        """A link cannot become or cease to be a passthru one."""
        turned = want.get("mode") and (seen.get("mode") == "passthru") != (want["mode"] == "passthru")
        return super().unchangeable(seen, want) + (["mode"] if turned else [])

    def encode(self, values: Mapping[str, Any]) -> list[tuple[str, Any]]:
        found = super().encode(values)
        if values.get("sources") is not None:
            listed = {"attrs": [("IFLA_MACVLAN_MACADDR", each) for each in values["sources"]]}
            found += [("IFLA_MACVLAN_MACADDR_MODE", SET), ("IFLA_MACVLAN_MACADDR_DATA", listed)]
        return found

    def decode(self, data: Mapping[str, Any]) -> dict[str, Any]:
        values = super().decode(data)
        listed = data.get("IFLA_MACVLAN_MACADDR_DATA") or {"attrs": ()}
        return {**values, "sources": macs([each for _name, each in listed["attrs"]])} if values.get("mode") == "source" else values


MACVLAN = Macvlan(
    "macvlan",
    (
        Attribute("link", link_name, fixed=True, required=True),
        Attribute("namespace", file_name, fixed=True),
        Attribute("mode", choice(*MODES), "IFLA_MACVLAN_MODE", default="bridge", encode=MODES.__getitem__),
        Attribute("sources", macs),
    ),
    parent="IFLA_LINK",
)
