# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compiler: the intent of the whole fleet in, one host document for each host out. Pure.

It takes time in proportion to the number of interfaces: no check compares each with each.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from . import _containers, _networks
from . import _fleet as fleet
from ._allocation import Allocation, Leases, leases_of
from ._draft import Document, HostDraft, filled
from ._faults import Faults
from ._modes import MODES
from ._types import Container, Member

HostIntent = Mapping[str, Any]  # the variables netns_networks and netns_containers of one host; either may be missing


@dataclass(frozen=True)
class Compiled:
    documents: Mapping[str, Document]  # by host
    leases: Leases  # what has to be remembered for the next time


def compile_fleet(intents: Mapping[str, HostIntent], leases: Leases) -> Compiled:
    """Documents for all hosts of ``intents``. Raises CompileError with every fault of the fleet."""
    faults = Faults()
    networks, containers = _read(intents, faults)
    containers = fleet.distinct(containers, faults)
    fleet.check_networks(networks, containers, faults)
    interfaces = [interface for container in containers for interface in container.interfaces]
    members = Allocation(leases, fleet.claims(interfaces, faults), faults).members(interfaces)
    others = fleet.others(interfaces, faults)
    documents = _documents({host: HostDraft(host, others, faults) for host in sorted(intents)}, containers, members, faults)
    faults.finish()
    return Compiled(documents, leases_of(members))


def _read(intents: Mapping[str, HostIntent], faults: Faults) -> tuple[fleet.HostNetworks, list[Container]]:
    known = _networks.Networks(faults)
    networks = {}
    containers = []
    for host in sorted(intents):
        networks[host] = known.of(host, intents[host].get(_networks.NETWORKS))
        containers += _containers.read(host, intents[host].get(_containers.CONTAINERS), networks[host], faults)
    return networks, sorted(containers, key=lambda container: (container.name, container.host))


def _documents(
    drafts: Mapping[str, HostDraft], containers: Collection[Container], members: Collection[Member], faults: Faults
) -> dict[str, Document]:
    resolved = {member.interface.key: member for member in members}
    for container in containers:
        inside = [resolved[interface.key] for interface in container.interfaces]
        draft = drafts[container.host]
        content = _namespace(draft, container, inside, faults)
        if container.namespaced:
            draft.namespace(container.name, content)
    return {host: draft.document() for host, draft in drafts.items()}


def _namespace(draft: HostDraft, container: Container, members: Collection[Member], faults: Faults) -> dict[str, Any]:
    content: dict[str, Any] = {"links": {}, "routes": list(container.own.get("routes", ())), "neighbours": []}
    # At most one default route for each family: the container's own, else that of the first interface, in the order of the
    # inventory, whose network has a gateway.
    settled = set(container.default_routes)
    for member in members:
        mode = MODES[member.network.mode]
        defaults = set(mode.default_routes(member)) - settled
        _check_way_back(member, settled - defaults - container.default_routes, faults)
        settled |= defaults
        inside = mode.join(draft, member, defaults)
        content["links"].update(inside["links"])
        for key in ("routes", "neighbours"):
            content[key] += inside.get(key, [])
    return filled({**content, **{key: value for key, value in container.own.items() if key != "routes"}})


def _check_way_back(member: Member, elsewhere: Collection[int], faults: Faults) -> None:
    """What comes in by a port of the host is answered by the default route. ``elsewhere``: families that leave by another interface."""
    interface = member.interface
    for family in sorted(interface.families.intersection(elsewhere)):
        for key in ("publish", "ports"):
            if getattr(interface, key):
                faults.add(f"{interface.path}.{key}", f"answers would leave by another interface: it has the IPv{family} default route")
