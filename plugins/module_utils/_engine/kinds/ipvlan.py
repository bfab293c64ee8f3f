# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ipvlan: a link that shares the MAC of the link it lies on (if_link.h: IFLA_IPVLAN_*, ipvlan.rst).

All ipvlan links on one link have the same mode and flag: the kernel keeps them there.
"""

from __future__ import annotations

from ..schema import choice, file_name, link_name
from .base import Attribute, Kind

MODES = ("l2", "l3", "l3s")
FLAGS = ("bridge", "private", "vepa")

IPVLAN = Kind(
    "ipvlan",
    (
        Attribute("link", link_name, fixed=True, required=True),
        Attribute("namespace", file_name, fixed=True),
        Attribute("mode", choice(*MODES), "IFLA_IPVLAN_MODE", default="l3", encode=MODES.index, decode=MODES.__getitem__, shared=True),
        Attribute("flag", choice(*FLAGS), "IFLA_IPVLAN_FLAGS", default="bridge", encode=FLAGS.index, decode=FLAGS.__getitem__, shared=True),
    ),
    parent="IFLA_LINK",
    no_mac="it has the MAC of the link it lies on",
)
