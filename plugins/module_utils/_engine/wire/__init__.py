# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Translators between the model and netlink: one file per type of object.

Each has ``decode(message, names)`` (None: not something the model knows), ``make(object, index)``
and ``remove(object, index)``, where ``names`` maps link indexes to names and ``index`` the other way. Queues of links have
``change(before, after, index)`` instead: several requests, in place where the kernel can.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ..model import Address, Forward, Neighbour, Rate, Redirect, Route, Rule
from . import address, forward, neighbour, rate, redirect, route, rule

Names = Mapping[int, str]
Index = Callable[[str], int]

TRANSLATORS: dict[type, Any] = {Address: address, Forward: forward, Neighbour: neighbour, Route: route, Rule: rule}
CHANGES: dict[type, Any] = {Rate: rate.change, Redirect: redirect.change}
