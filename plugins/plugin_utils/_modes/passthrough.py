# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mode passthrough: a device of the host moves into the container, and comes back when it is given up."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .._draft import HostDraft, filled
from .._types import Interface, Member, Network
from . import _lan as lan
from . import _rates as rates
from ._mode import Mode

GONE = "mode passthrough has none: the device is not the host's while a container has it"


class Passthrough(Mode):
    interface_keys = ("physical",)
    unguarded = "the host's filter does not see what a device sends that is in a container"

    def refused(self, options: Mapping[str, Any]) -> Mapping[str, str]:
        return {
            **dict.fromkeys(("gateway_on", "masquerade", "isolated", "host_addresses"), GONE),
            "uplink": "mode passthrough has none: each interface names its device, as physical",
        }

    def chooses_mac(self, network: Network) -> bool:
        return False

    def check_interface(self, interface: Interface) -> Iterator[tuple[str, str]]:
        if not interface.physical:
            yield "physical", 'is missing: the device, as {interface: eth2} or {permanent_mac: "…"}'

    def default_routes(self, member: Member) -> Collection[int]:
        return {gateway.family for gateway in lan.gateways(member)}

    def join(self, draft: HostDraft, member: Member, defaults: Collection[int]) -> dict[str, Any]:
        interface = member.interface
        for key, device in interface.physical.items():
            draft.lease(f"{interface.path}.physical.{key}", device, f"goes to {interface.container} as {interface.name}")
        link = {
            "kind": "physical",
            "physical": dict(interface.physical),
            "mac": member.mac,
            "mtu": member.network.mtu,
            "addresses": lan.addresses(member),
        }
        return {"links": rates.inside(member, filled(link)), "routes": lan.routes(member, defaults)}
