# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mode p2p: a pair between two interfaces of one host's containers. The host itself has no part in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from .._draft import HostDraft, filled
from .._types import Interface, Member
from . import _lan as lan
from . import _pair as pair
from . import _rates as rates
from ._mode import Mode

ALONE = "mode p2p has none: its two interfaces are by themselves"


class PointToPoint(Mode):
    devices = ("veth", "netkit")
    unguarded = "in mode p2p packets pass no link of the host"

    def refused(self, options: Mapping[str, Any]) -> Mapping[str, str]:
        return dict.fromkeys(("gateway", "gateway_on", "uplink", "masquerade", "isolated", "host_addresses"), ALONE)

    def check_interfaces(self, interfaces: Sequence[Interface]) -> Iterator[tuple[str, str]]:
        everyone = ", ".join(f"{each.container}'s {each.name} on {each.host}" for each in interfaces[:3])
        if len(interfaces) != 2:
            yield (
                interfaces[0].path,
                f"a network of mode p2p has two interfaces, {interfaces[0].network.name} has {len(interfaces)}: {everyone}",
            )
        elif interfaces[0].host != interfaces[1].host:
            yield interfaces[1].path, f"the two interfaces of a network of mode p2p are on one host, not {everyone}"

    def join(self, draft: HostDraft, member: Member, defaults: Collection[int]) -> dict[str, Any]:
        interface = member.interface
        peer = draft.peer(interface)
        link = {**pair.to_container(peer, "l2"), "mac": member.mac, "addresses": lan.addresses(member)}
        link |= rates.sending(interface.rate.egress, peer.rate.ingress)
        return {"links": {interface.name: filled(link)}}
