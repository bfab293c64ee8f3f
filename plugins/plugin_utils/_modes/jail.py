# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mode jail: no namespace; addresses of the host, or ports of one, that one cgroup may use."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ...module_utils._engine.parse_jails import jail_name
from .._draft import HostDraft, filled
from .._types import Interface, Member, Network
from ._mode import Mode
from ._uplink import WITH_ADDRESSES

NO_LINK = "a jail has no link of its own"
NO_PACKETS = "of a jail no packet is looked at: the host's own rules hold for it"


class Jail(Mode):
    interface_keys = ("jail",)
    namespaced = False

    def refused(self, options: Mapping[str, Any]) -> Mapping[str, str]:
        ways = dict.fromkeys(("gateway", "gateway_on"), "mode jail has none: jails use the host's routes")
        more = {"host_addresses": "the host's addresses are its own business: name those of jails only", "mtu": NO_LINK}
        return {**ways, **more, "masquerade": NO_PACKETS, "isolated": NO_PACKETS}

    def refuses_mac(self, network: Network) -> str:
        return NO_LINK

    def check(self, network: Network) -> Iterator[tuple[str, str]]:
        if not network.subnets:
            yield "subnets", "mode jail needs at least one"
        if network.uplink and (network.uplink.vlan or network.uplink.vxlan):
            yield "uplink", "mode jail gives its addresses to a link of the host: name that link as interface"
        if network.spoofing == "allow":
            yield "spoofing", "cannot be allowed: a jail is held to its addresses"

    def check_interface(self, interface: Interface) -> Iterator[tuple[str, str]]:
        try:
            jail_name(interface.container)
        except ValueError as error:
            yield "network", str(error)
        if interface.addresses == ():
            yield "addresses", "a jail without any could do nothing"

    def join(self, draft: HostDraft, member: Member, defaults: Collection[int]) -> dict[str, Any]:
        interface, uplink = member.interface, member.network.uplink
        if uplink:
            draft.device(f"{draft.host}: netns_networks.{member.network.name}.uplink.interface", uplink.link, WITH_ADDRESSES)
        addresses = [address.text for address in member.addresses]
        draft.jail(interface.container, filled({"addresses": addresses, "link": uplink and uplink.link, **interface.jail}))
        return {"links": {}}
