# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a link has as the port of a bridge (if_link.h: IFLA_BRPORT_*)."""

from __future__ import annotations

from ..schema import boolean, integer
from .base import Attribute, Kind, flag
from .vlans import MADE_WITH, VLANS

PORT = Kind(
    "bridge",
    (
        flag("isolated", "IFLA_BRPORT_ISOLATED", boolean),
        flag("learning", "IFLA_BRPORT_LEARNING", boolean),
        flag("neigh_suppress", "IFLA_BRPORT_NEIGH_SUPPRESS", boolean),
        flag("hairpin", "IFLA_BRPORT_MODE", boolean),
        Attribute("group_fwd_mask", integer(0, 0xFFFF), "IFLA_BRPORT_GROUP_FWD_MASK"),
        Attribute("vlans", VLANS),  # by requests of their own: see wire/vlans.py
    ),
)
DEFAULTS = {
    "isolated": False,
    "learning": True,
    "neigh_suppress": False,
    "hairpin": False,
    "group_fwd_mask": 0,
    "vlans": MADE_WITH,
}
