# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modes share whose containers are in a subnet together, as in an Ethernet."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .._draft import HostDraft
from .._types import Address, Member, Network


def cidr(network: Network, address: Address) -> str:
    subnet = network.subnet_of(address)
    return f"{address}/{subnet.prefixlen}" if subnet else address.single


def addresses(member: Member) -> list[str]:
    return [cidr(member.network, address) for address in member.addresses]


def gateways_of_host(network: Network) -> tuple[Address, ...]:
    return network.gateways if network.gateway_on != "outside" else ()


def addresses_of_host(network: Network) -> tuple[Address, ...]:
    return gateways_of_host(network) + network.host_addresses


def forward(draft: HostDraft, network: Network) -> None:
    """Where the host is the gateway it forwards."""
    for family in sorted({gateway.family for gateway in gateways_of_host(network)}):
        draft.forward(f"{draft.host}: netns_networks.{network.name}", family)


def gateways(member: Member) -> list[Address]:
    """For each family the gateway in the subnet of the interface's first address there."""
    firsts = (member.first(family) for family in (4, 6))
    subnets = [member.network.subnet_of(address) for address in firsts if address]
    return [gateway for subnet in subnets if subnet for gateway in member.network.gateways if gateway in subnet]


def routes(member: Member, defaults: Collection[int]) -> list[dict[str, Any]]:
    return [{"destination": "default", "gateway": gateway.text} for gateway in gateways(member) if gateway.family in defaults]
