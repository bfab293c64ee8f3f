# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""netkit: a pair like veth, with less on the way (if_link.h: IFLA_NETKIT_*; Linux 6.7). In mode l3 it has no link layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model import HOST
from ..schema import choice, file_name, link_name
from .base import Attribute, Kind

MODES = ("l2", "l3")


class Netkit(Kind):
    def without_mac(self, values: Mapping[str, Any]) -> str:
        return "in mode l3 it has none" if values.get("mode") == "l3" else ""


NETKIT = Netkit(
    "netkit",
    (
        Attribute("peer", link_name, fixed=True, required=True),
        Attribute("namespace", file_name, fixed=True, default=HOST),
        Attribute("mode", choice(*MODES), "IFLA_NETKIT_MODE", fixed=True, default="l3", encode=MODES.index, decode=MODES.__getitem__),
    ),
    pair="IFLA_NETKIT_PEER_INFO",
)
