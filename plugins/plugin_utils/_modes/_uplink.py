# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The link by which a network leaves the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import _names as names
from .._draft import HostDraft, filled
from .._types import Network, Uplink


def way_out(draft: HostDraft, network: Network, uplink: Uplink, uses: Mapping[str, str], **attributes: Any) -> str:
    """The name of that link, which gets these attributes; it is made if it has to be. ``uses``: what becomes of an existing one."""
    path = f"{draft.host}: netns_networks.{network.name}.uplink"
    if uplink.vlan is None:
        draft.device(f"{path}.interface", uplink.link, uses, state="up", **attributes)
        return uplink.link
    tag, name = f"VLAN {uplink.vlan}", names.vlan(uplink.link, uplink.vlan)
    if not draft.device(f"{path}.vlan", uplink.link, {tag: f"carries {tag} of network {network.name}"}, state="up"):
        return name
    link = {"kind": "vlan", "vlan": {"link": uplink.link, "id": uplink.vlan}, "mtu": network.mtu, **attributes}
    draft.link(f"{path}.vlan", name, filled(link))
    return name
