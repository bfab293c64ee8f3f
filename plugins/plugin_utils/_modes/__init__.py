# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modes: how a container joins a network. A new mode is one file and one line in MODES."""

from __future__ import annotations

from collections.abc import Mapping

from ._mode import Mode
from .bridge import Bridge
from .jail import Jail
from .p2p import PointToPoint
from .passthrough import Passthrough
from .routed import Routed
from .shared import Shared
from .sublink import Ipvlan, Macvlan

MODES: Mapping[str, Mode] = {
    "bridge": Bridge(),
    "ipvlan": Ipvlan(),
    "jail": Jail(),
    "macvlan": Macvlan(),
    "p2p": PointToPoint(),
    "passthrough": Passthrough(),
    "routed": Routed(),
    "shared": Shared(),
}
