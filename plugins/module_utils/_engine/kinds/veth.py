# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""veth: both ends of a pair name each other; the pair is made by one request (see wire/link.py)."""

from __future__ import annotations

from ..model import HOST
from ..schema import file_name, link_name
from .base import Attribute, Kind

VETH = Kind(
    "veth",
    (
        Attribute("peer", link_name, fixed=True, required=True),
        Attribute("namespace", file_name, fixed=True, default=HOST),
    ),
    pair="VETH_INFO_PEER",
)
