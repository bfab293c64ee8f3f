# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of link kinds: a new kind is one file and one line here."""

from __future__ import annotations

from .base import Attribute, Kind
from .bridge import BRIDGE
from .dummy import DUMMY
from .ifb import IFB
from .ipvlan import IPVLAN
from .macvlan import MACVLAN
from .netkit import NETKIT
from .physical import PHYSICAL
from .tun import TUN
from .veth import VETH
from .vlan import VLAN
from .vrf import VRF
from .vxlan import VXLAN
from .wireguard import WIREGUARD

KINDS = {kind.name: kind for kind in (BRIDGE, DUMMY, IFB, IPVLAN, MACVLAN, NETKIT, PHYSICAL, TUN, VETH, VLAN, VRF, VXLAN, WIREGUARD)}


def paired(kind: str | None) -> bool:
    """Links of this kind come in pairs: each names its peer."""
    return kind in KINDS and bool(KINDS[kind].pair)


__all__ = ["KINDS", "Attribute", "Kind", "paired"]
