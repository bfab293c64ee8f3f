# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vrf: links enslaved to it route by a table of their own (vrf.rst).

The first one in a namespace makes the kernel add the rules `1000: from all lookup [l3mdev-table]`. They stay when it goes: the
kernel adds them once only, so a later vrf would be without them.
"""

from __future__ import annotations

from ..schema import table
from .base import Attribute, Kind

VRF = Kind("vrf", (Attribute("table", table, "IFLA_VRF_TABLE", fixed=True, required=True),))
