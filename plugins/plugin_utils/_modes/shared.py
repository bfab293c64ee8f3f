# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mode shared: containers behind one address of the host, each with ports of it. Inside it is as in mode routed, with addresses that
nobody outside knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ...module_utils._engine.schema import Listing
from .._draft import HostDraft
from .._types import Address, Interface, Member, Network
from .routed import Routed, own_table


def _one_of_each(addresses: Sequence[Address]) -> tuple[Address, ...]:
    if len({address.family for address in addresses}) < len(addresses):
        raise ValueError("one address of each family is shared; make a network for another")
    return tuple(addresses)


class Shared(Routed):
    options: Mapping[str, Any] = {"addresses": Listing(Address.parse, _one_of_each), "table": own_table}
    interface_keys = ("ports",)

    def refused(self, options: Mapping[str, Any]) -> Mapping[str, str]:
        return {
            **dict.fromkeys(("gateway", "gateway_on"), "mode shared has none: the host is the gateway, as 169.254.1.1 and fe80::1"),
            "host_addresses": "mode shared has none: say shared.addresses",
            "masquerade": "that is what mode shared does, with the addresses that it shares",
            "uplink": "mode shared has none: the host is on the wire, with the addresses that it shares",
        }

    def asks(self, network: Network) -> bool:
        return False

    def check(self, network: Network) -> Iterator[tuple[str, str]]:
        if not network.shared:
            yield "shared.addresses", "is missing: addresses of the host, at most one of each family"
        shared, inside = ({each.family for each in some} for some in (network.shared, network.subnets))
        for family in sorted(shared - inside):
            yield "subnets", f"mode shared needs an IPv{family} one: the containers' own addresses, which nobody outside sees"
        for subnet in network.subnets:
            if network.shared and subnet.family not in shared:
                yield "shared.addresses", f"has no IPv{subnet.family} address for {subnet}"

    def check_interface(self, interface: Interface) -> Iterator[tuple[str, str]]:
        return iter(())

    def join(self, draft: HostDraft, member: Member, defaults: Collection[int]) -> dict[str, Any]:
        path = f"{draft.host}: netns_networks.{member.network.name}.shared.addresses"
        for address in member.network.shared:
            draft.share(path, member, address, self.host_end(member))
        return super().join(draft, member, defaults)

    def reach(self, draft: HostDraft, member: Member, address: Address, end: str) -> None:
        self.lead(draft, member.network, address, {"destination": address.single, "link": end})
        draft.forward(f"{draft.host}: netns_networks.{member.network.name}", address.family)
