# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers of different machines on one wire: bridged ones with their own MAC, routed ones with their host's."""

from __future__ import annotations

from typing import Any

import pytest

OTHER = {"web1": "web2", "web2": "web1"}


@pytest.mark.parametrize("name", ["web1", "web2"])
def test_bridged_containers_share_a_link_layer_with_those_of_other_machines_and_with_the_router(
    containers: Any, variables: Any, name: str
) -> None:
    web, other = containers[name], containers[OTHER[name]]
    gateways = variables[web.machine]["netns_networks"]["blue"]["gateway"]
    assert web.unanswered([*other.addresses(), *gateways]) == []
    neighbours = {entry["dst"]: entry["lladdr"] for entry in web.ip("neighbour show dev eth0") if "lladdr" in entry}
    (interface,) = other.interfaces
    assert [neighbours[address] for address in other.addresses()] == [interface["mac"]] * 2
    # Nothing of it is the host's: its own bridge has no address in this network.
    assert {route.get("gateway") for route in web.ip("route show default")} == {gateways[0]}


@pytest.mark.parametrize("name", ["mail1", "mail2"])
def test_routed_containers_are_reached_from_another_machine_by_proxy_arp_and_nd(machines: Any, containers: Any, name: str) -> None:
    mail, router = containers[name], machines["node3"]
    assert router.unanswered(mail.addresses()) == []
    (uplink,) = machines[mail.machine].ip("link show eth2")
    neighbours = {entry["dst"]: entry.get("lladdr") for entry in router.ip("neighbour show dev eth2")}
    assert [neighbours[address] for address in mail.addresses()] == [uplink["address"]] * 2


@pytest.mark.parametrize(("sender", "receiver"), [("web1", "web2"), ("mail1", "mail2"), ("mail2", "node3")])
@pytest.mark.parametrize("family", [4, 6])
def test_tcp_between_machines(machines: Any, containers: Any, sender: str, receiver: str, family: int) -> None:
    address = next(each for each in containers[sender].addresses() if (":" in each) == (family == 6))
    containers[sender].sends(f"from {sender}", address)
    assert {**machines, **containers}[receiver].receives(address) == f"from {sender}"


@pytest.mark.parametrize("name", ["node1", "node2"])
def test_networkd_restarts_and_the_uplinks_are_as_they_were(machines: Any, name: str) -> None:
    machine = machines[name]
    before = machine.state()
    machine.restart_networkd()  # it takes a port out of a bridge that it did not make
    assert machine.state() ^ before == set()
