# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tun: a device whose other end is a program. Made by ioctl, read by netlink (if_link.h: IFLA_TUN_*)."""

from __future__ import annotations

from ..schema import choice, integer
from .base import Attribute, Kind

TYPES = {1: "tun", 2: "tap"}

TUN = Kind(
    "tun",
    (
        Attribute("mode", choice(*TYPES.values()), "IFLA_TUN_TYPE", fixed=True, default="tun", decode=TYPES.get),
        Attribute("owner", integer(0, 0xFFFFFFFE), "IFLA_TUN_OWNER", fixed=True),
    ),
)
