# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VLANs of a bridge and of its ports: messages of the family AF_BRIDGE (if_bridge.h: struct bridge_vlan_info)."""

from __future__ import annotations

from typing import Any

from ..codec import Message, Request
from ..kinds.vlans import MADE_WITH, Vlan, Vlans

AF_BRIDGE = 7
RTEXT_FILTER_BRVLAN_COMPRESSED = 4
BRIDGE_FLAGS_SELF = 2
PVID, UNTAGGED, RANGE_BEGIN, RANGE_END = 0x02, 0x04, 0x08, 0x10

DUMP = Request("RTM_GETLINK", {"family": AF_BRIDGE}, [("IFLA_EXT_MASK", RTEXT_FILTER_BRVLAN_COMPRESSED)])


def decode(message: Message) -> tuple[int, Vlans]:
    """Index of the port, or of the bridge itself, and its VLANs."""
    spec = message.attrs.get("IFLA_AF_SPEC")
    entries = [slot[1] for slot in spec["attrs"] if slot[0] == "IFLA_BRIDGE_VLAN_INFO"] if spec else []
    items = []
    begin = 0
    for entry in entries:
        flags, last = entry["flags"], entry["vid"]
        if flags & RANGE_BEGIN:
            begin = last
            continue
        first = begin if flags & RANGE_END else last
        items += [Vlan(number, bool(flags & PVID), bool(flags & UNTAGGED)) for number in range(first, last + 1)]
    return message.fields["index"], Vlans(tuple(sorted(items)))


def change(index: int, before: Vlans | None, after: Vlans | None, bridge: bool) -> list[Request]:
    """From the VLANs that a port has to those that it shall have; None: what it was made with. ``bridge``: it is the bridge itself."""
    had, have = before or MADE_WITH, after or MADE_WITH
    ids = {vlan.id for vlan in have.items}
    gone = Vlans(tuple(vlan for vlan in had.items if vlan.id not in ids))
    parts = (("RTM_DELLINK", gone), ("RTM_SETLINK", have.less(had)))
    return [_request(name, index, vlans, bridge) for name, vlans in parts if vlans.items]


def _request(name: str, index: int, vlans: Vlans, bridge: bool) -> Request:
    entries: list[tuple[str, Any]] = [("IFLA_BRIDGE_FLAGS", BRIDGE_FLAGS_SELF)] if bridge else []
    for first, last in vlans.ranges():
        flags = (PVID if first.pvid else 0) | (UNTAGGED if first.untagged else 0)
        ends = [(first, 0)] if first == last else [(first, RANGE_BEGIN), (last, RANGE_END)]
        entries += [("IFLA_BRIDGE_VLAN_INFO", {"flags": flags | end, "vid": vlan.id}) for vlan, end in ends]
    return Request(name, {"family": AF_BRIDGE, "index": index}, [("IFLA_AF_SPEC", {"attrs": entries})])
