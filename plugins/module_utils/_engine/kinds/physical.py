# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""physical: a device of the host, a NIC above all, moved into a namespace and given back (see planner/leases.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..schema import link_name, mac
from .base import Attribute, Kind


class Physical(Kind):
    def faults(self, values: Mapping[str, Any]) -> list[tuple[str, str]]:
        told = [key for key in ("interface", "permanent_mac") if key in values]
        return [] if len(told) == 1 else [("interface", "name the device by its interface or by its permanent_mac")]


PHYSICAL = Physical("physical", (Attribute("interface", link_name), Attribute("permanent_mac", mac)))
