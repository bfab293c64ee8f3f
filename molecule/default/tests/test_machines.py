# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines of scenario default, from outside the containers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

MACHINERY = Path(__file__).parents[2] / "machines"
MACHINES = ("node1", "node2", "node3")


@pytest.mark.parametrize("name", MACHINES)
def test_routed_addresses_are_answered_for_on_the_underlay(machines: Any, containers: Any, name: str) -> None:
    declared = {address for each in containers.values() if each.machine == name for address in each.addresses("green")}
    assert {(entry["dst"], entry["dev"]) for entry in machines[name].ip("neighbour show proxy")} == {(each, "eth2") for each in declared}
    routes = machines[name].ip("route show type unicast") + machines[name].ip("-6 route show type unicast")
    assert declared <= {route["dst"] for route in routes if route["dev"].startswith("v")}


@pytest.mark.parametrize("name", MACHINES)
def test_bridged_containers_are_ports_of_the_bridge(machines: Any, containers: Any, name: str) -> None:
    declared = [each for each in containers.values() if each.machine == name and each.addresses("blue")]
    assert len(machines[name].ip("link show master br-blue")) == len(declared)


@pytest.mark.parametrize("name", MACHINES)
def test_networkd_manages_the_machine_and_leaves_our_links_routes_and_rules_alone(machines: Any, name: str) -> None:
    machine = machines[name]
    before = machine.state()
    machine.restart_networkd()
    assert machine.state() ^ before == set()
    states = {link["Name"]: link["AdministrativeState"] for link in machine.json("networkctl --json=short list")["Interfaces"]}
    assert states["eth2"] == "configured"
    assert {states[link] for link in ours(machine)} == {"unmanaged"}


@pytest.mark.parametrize("name", ["node1", "node2"])
def test_networkmanager_leaves_our_links_routes_and_rules_alone(machines: Any, name: str) -> None:
    machine = machines[name]
    before = machine.state()
    # The machine's own interfaces are networkd's, and it makes no connections.
    settings = "[main]\nno-auto-default=*\n[keyfile]\nunmanaged-devices+=interface-name:eth*\n"
    machine.sh(f"mkdir -p /run/NetworkManager/conf.d; printf '{settings}' > /run/NetworkManager/conf.d/machine.conf")
    machine.sh("systemctl start NetworkManager; nm-online --quiet --wait-for-startup --timeout 120")
    states = dict(line.split(":") for line in machine.sh("nmcli --terse --fields DEVICE,STATE device").splitlines())
    after = machine.state()
    machine.sh("systemctl stop NetworkManager")
    assert after ^ before == set()
    assert {states[link] for link in ours(machine)} == {"unmanaged"}


def ours(machine: Any) -> set[str]:
    """The links on the machine that the collection made."""
    found = {link["ifname"] for link in machine.ip("link") if link.get("ifalias", "").startswith("weft:")}
    assert found
    return found


def test_the_network_of_a_host_is_one_task_and_one_run_of_ssh(play: Any) -> None:
    output = play(MACHINERY / "topology.yml", "-vvv")
    assert output.count("SSH: EXEC") == len(MACHINES), output
