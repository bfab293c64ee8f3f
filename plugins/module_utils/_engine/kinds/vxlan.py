# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vxlan: a layer 2 segment in UDP (if_link.h: IFLA_VXLAN_*).

``remotes`` are no attribute of the link but permanent forwarding entries for all unknown
destinations (bridge-fdb(8)): parse.py makes them objects of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..schema import Listing, boolean, file_name, integer, ip, link_name
from .base import Attribute, Kind, flag

IANA_PORT = 4789  # the kernel's own default is the one of before the standard, 8472


class Vxlan(Kind):
    """Addresses of the two families have attributes of their own."""

    def faults(self, values: Mapping[str, Any]) -> list[tuple[str, str]]:
        both = values.get("group") and values.get("remotes")
        found = super().faults(values) + ([("remotes", "a multicast group or remotes, not both")] if both else [])
        addresses = [values.get("local"), values.get("group"), *values.get("remotes", ())]
        families = {":" in address for address in addresses if address}
        return found + ([("local", "local, group and remotes are of different families")] if len(families) > 1 else [])

    def unchangeable(self, seen: Mapping[str, Any], want: Mapping[str, Any]) -> list[str]:
        """A local address can change within its family only."""
        families = {":" in address for address in (seen.get("local"), want.get("local")) if address}
        return super().unchangeable(seen, want) + (["local"] if len(families) > 1 else [])

    def encode(self, values: Mapping[str, Any]) -> list[tuple[str, Any]]:
        addresses = [("local", "IFLA_VXLAN_LOCAL"), ("group", "IFLA_VXLAN_GROUP")]
        carried = [(nla + ("6" if ":" in values[key] else ""), values[key]) for key, nla in addresses if values.get(key)]
        return super().encode(values) + carried

    def decode(self, data: Mapping[str, Any]) -> dict[str, Any]:
        values = super().decode(data)
        for key, nla in (("local", "IFLA_VXLAN_LOCAL"), ("group", "IFLA_VXLAN_GROUP")):
            values[key] = data.get(nla) or data.get(nla + "6")
        return values


VXLAN = Vxlan(
    "vxlan",
    (
        Attribute("id", integer(0, (1 << 24) - 1), "IFLA_VXLAN_ID", fixed=True, required=True),
        Attribute("link", link_name, fixed=True),
        Attribute("namespace", file_name, fixed=True),
        Attribute("local", ip),
        Attribute("group", ip, fixed=True),
        Attribute("remotes", Listing(ip)),
        Attribute("port", integer(1, 65535), "IFLA_VXLAN_PORT", fixed=True, default=IANA_PORT),
        flag("learning", "IFLA_VXLAN_LEARNING", boolean),
    ),
    parent="IFLA_VXLAN_LINK",
)
