# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""bridge: times are seconds in the document, USER_HZ (1/100 s) in netlink (if_link.h: IFLA_BR_*)."""

from __future__ import annotations

from ..schema import boolean, integer, link_name
from .base import Attribute, Kind, flag
from .vlans import VLANS

USER_HZ = 100


def _to_ticks(seconds: int) -> int:
    return seconds * USER_HZ


def _to_seconds(ticks: int) -> int:
    return ticks // USER_HZ


BRIDGE = Kind(
    "bridge",
    (
        flag("vlan_filtering", "IFLA_BR_VLAN_FILTERING", boolean, otherwise=False),
        flag("stp", "IFLA_BR_STP_STATE", boolean),
        Attribute("forward_delay", integer(0, 30), "IFLA_BR_FORWARD_DELAY", encode=_to_ticks, decode=_to_seconds),
        flag("mcast_snooping", "IFLA_BR_MCAST_SNOOPING", boolean),
        Attribute("ageing_time", integer(0, 1_000_000), "IFLA_BR_AGEING_TIME", encode=_to_ticks, decode=_to_seconds),
        Attribute("vlans", VLANS),  # of the bridge itself, as a port of its own; by requests of their own: see wire/vlans.py
        Attribute("addresses_of", link_name),  # a port whose addresses the bridge takes: see planner/transfers.py
    ),
)
