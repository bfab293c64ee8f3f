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

# What a link of the host is where the host's own routes lead by it.
WITH_ADDRESSES: Mapping[str, str] = {"packets": "is a link with addresses of the host"}


def way_out(draft: HostDraft, network: Network, uplink: Uplink, uses: Mapping[str, str], **attributes: Any) -> str:
    """The name of that link, which gets these attributes; it is made if it has to be. ``uses``: of one that is there already."""
    path = f"{draft.host}: netns_networks.{network.name}.uplink"
    if uplink.vxlan is not None:
        name = names.vxlan(uplink.vxlan)
        made = {"kind": "vxlan", "vxlan": _vxlan(draft, path, network, uplink)}
    elif uplink.vlan is not None:
        name = names.vlan(uplink.link, uplink.vlan)
        made = {"kind": "vlan", "vlan": {"link": uplink.link, "id": uplink.vlan}}
        carrier = {f"VLAN {uplink.vlan}": f"carries VLAN {uplink.vlan} of network {network.name}"}
        if not draft.device(f"{path}.vlan", uplink.link, carrier, state="up"):
            return name
    else:
        draft.device(f"{path}.interface", uplink.link, uses, state="up", **attributes)
        return uplink.link
    draft.link(path, name, filled({**made, "mtu": network.mtu, **attributes}))
    return name


def _vxlan(draft: HostDraft, path: str, network: Network, uplink: Uplink) -> dict[str, Any]:
    if uplink.link:
        draft.device(f"{path}.over", uplink.link, WITH_ADDRESSES)
    ends = {"group": uplink.group.text} if uplink.group else {"remotes": draft.remotes(network)}
    return filled({"id": uplink.vxlan, "link": uplink.link, "local": uplink.local and uplink.local.text, **ends})
