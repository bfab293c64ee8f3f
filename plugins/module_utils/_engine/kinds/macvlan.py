# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""macvlan: a link with a MAC of its own on another link (if_link.h: IFLA_MACVLAN_*)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..schema import choice, file_name, link_name
from .base import Attribute, Kind

MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8, "source": 16}


class Macvlan(Kind):
    def unchangeable(self, seen: Mapping[str, Any], want: Mapping[str, Any]) -> list[str]:
        """A link cannot become or cease to be a passthru one."""
        turned = want.get("mode") and (seen.get("mode") == "passthru") != (want["mode"] == "passthru")
        return super().unchangeable(seen, want) + (["mode"] if turned else [])


MACVLAN = Macvlan(
    "macvlan",
    (
        Attribute("link", link_name, fixed=True, required=True),
        Attribute("namespace", file_name, fixed=True),
        Attribute("mode", choice(*MODES), "IFLA_MACVLAN_MODE", default="bridge", encode=MODES.__getitem__),
    ),
    parent="IFLA_LINK",
)
