# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every peer of the benchmark that is installed makes the same network, changes the same container, and leaves nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hosts import Host

from ansible_collections.weft.netns.benchmarks import host as measured
from ansible_collections.weft.netns.benchmarks import schedule
from ansible_collections.weft.netns.benchmarks.network import Network, changed, network
from ansible_collections.weft.netns.benchmarks.peers.base import PHASES
from ansible_collections.weft.netns.benchmarks.registry import peers

KEYS = [peer.key for peer in peers("python3", Path())]


def declared(wanted: Network) -> dict[str, Any]:
    """What has to be there, container by container."""
    return {
        each.name: {
            "up": {"lo", "eth0"},
            "mac": each.mac,
            "addresses": {*each.addresses},
            "gateways": {*each.gateways},
            "bridge": each.bridge,
            "bridge addresses": {address for bridge in wanted.bridges for address in bridge.addresses if bridge.name == each.bridge},
        }
        for each in wanted.containers
    }


def found(host: Host) -> dict[str, Any]:
    """What is there, as iproute2 shows it."""
    links = {link["ifname"]: link for link in host.ip("address")}
    ports = {link["ifindex"]: link for link in links.values() if "UP" in link["flags"]}
    return {name: inside(host, name, ports, links) for name in host.namespaces()}


def inside(host: Host, name: str, ports: dict[int, Any], links: dict[str, Any]) -> dict[str, Any]:
    within = {link["ifname"]: link for link in host.ip("address", namespace=name)}
    routes = host.ip("route", namespace=name) + host.ip("-6", "route", namespace=name)
    bridge = links[ports[within["eth0"]["link_index"]]["master"]]
    return {
        "up": {link["ifname"] for link in within.values() if "UP" in link["flags"]},
        "mac": within["eth0"]["address"],
        "addresses": lasting(within["eth0"]),
        "gateways": {route["gateway"] for route in routes if route["dst"] == "default" and route["dev"] == "eth0"},
        "bridge": bridge["ifname"],
        "bridge addresses": lasting(bridge),
    }


def lasting(link: dict[str, Any]) -> set[str]:
    """Addresses but for link-local ones, and none that still waits for duplicates."""
    addresses = [each for each in link["addr_info"] if each["scope"] == "global" and not each.get("tentative")]
    return {f"{each['local']}/{each['prefixlen']}" for each in addresses}


@pytest.mark.parametrize("key", KEYS)
def test_a_peer_does_what_it_is_told(host: Host, key: str, target_python: str, tmp_path: Path) -> None:
    peer = next(peer for peer in peers(target_python, tmp_path) if peer.key == key)
    if peer.missing():
        pytest.skip(str(peer.missing()))
    before = network(2)
    job = peer.job(before)
    schedule.write(job, tmp_path)
    for phase, wanted in zip(PHASES, (before, before, changed(before)[0])):
        if getattr(job, phase) is not None:
            cost = measured.cost(getattr(job, phase), tmp_path, job.environment)
            assert 0 < cost.wall < 60 and cost.memory > 1e6
            assert found(host) == declared(wanted), phase
    measured.cost(job.remove, tmp_path, job.environment, lasting=True)
    assert (measured.links(), measured.names()) == ([], [])


def test_rounds_are_interleaved_and_begin_with_another_peer(host: Host, tmp_path: Path) -> None:
    turns = [(peer, 2) for peer in peers(sys.executable, tmp_path) if peer.key.startswith("ip")]
    samples = list(schedule.run(turns, 2))
    created = [(each.round, each.peer) for each in samples if each.phase == "create"]
    assert created == [(1, "ip"), (1, "ip-last"), (2, "ip-last"), (2, "ip")]
    assert len(samples) == len(created) * len(PHASES)
    assert (measured.links(), measured.names()) == ([], [])


def test_what_a_failed_peer_leaves_is_swept_away(host: Host) -> None:
    host.sh("ip link add left0 type bridge; ip netns add left1; ip link add left2 type veth peer name e netns left1")
    measured.sweep()
    assert (measured.links(), measured.names()) == ([], [])


def test_a_command_that_fails_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(measured.Failed, match="exit code 3"):
        measured.cost(["sh", "-c", "exit 3"], tmp_path, {})
