# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vlan: the frames of one VLAN of another link (if_link.h: IFLA_VLAN_*). It comes up and goes down with that link."""

from __future__ import annotations

from ..schema import choice, file_name, integer, link_name
from .base import Attribute, Kind

PROTOCOLS = {"802.1Q": 0x8100, "802.1ad": 0x88A8}  # if_ether.h: ETH_P_8021Q, ETH_P_8021AD
NAMES = {number: name for name, number in PROTOCOLS.items()}

VLAN = Kind(
    "vlan",
    (
        Attribute("link", link_name, fixed=True, required=True),
        Attribute("namespace", file_name, fixed=True),
        Attribute("id", integer(1, 4094), "IFLA_VLAN_ID", fixed=True, required=True),
        Attribute(
            "protocol",
            choice(*PROTOCOLS),
            "IFLA_VLAN_PROTOCOL",
            fixed=True,
            default="802.1Q",
            encode=PROTOCOLS.__getitem__,
            decode=NAMES.get,
        ),
    ),
    parent="IFLA_LINK",
    follows=True,
)
