# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every peer of the benchmark that is installed makes the same network, changes the same container, and leaves nothing."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hosts import Host

from ansible_collections.weft.netns.benchmarks import host as measured
from ansible_collections.weft.netns.benchmarks import turn
from ansible_collections.weft.netns.benchmarks.network import Network, changed, network
from ansible_collections.weft.netns.benchmarks.peers.base import AGAIN, CHANGE, CREATE, PHASES, REMOVE, Job
from ansible_collections.weft.netns.benchmarks.registry import peers
from ansible_collections.weft.netns.benchmarks.schedule import Bench

KEYS = [key for key, peer in peers("python3", Path()).items() if peer.sizes is None]
DETECTS_DUPLICATES = {"cni"}  # of its bridge's addresses, and cannot be told otherwise


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


def found(host: Host, key: str) -> dict[str, Any]:
    """What is there, as iproute2 shows it."""
    while key in DETECTS_DUPLICATES and host.ip("address", "show", "tentative", "scope", "global"):
        time.sleep(0.1)
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
    peer = peers(target_python, tmp_path)[key]
    if peer.missing():
        pytest.skip(str(peer.missing()))
    measured.make_private(peer.writes)
    before = network(2)
    job = peer.job(before)
    turn.write(job, tmp_path)
    wanted = {CREATE: before, AGAIN: before, CHANGE: changed(before)[0]}
    for phase, cost in turn.phases(job, 2, tmp_path):
        assert 0 < cost.wall < 60 and cost.memory > 1e6
        if phase == REMOVE:
            assert (measured.links(), measured.names()) == ([], [])
        else:
            assert found(host, key) == declared(wanted[phase]), phase


def test_each_round_begins_with_another_peer(tmp_path: Path) -> None:
    present = peers(sys.executable, tmp_path)
    samples = list(Bench(sys.executable, tmp_path).run([(present["ip"], 2), (present["ip-last"], 2)], 2))
    created = [(each.round, each.peer) for each in samples if each.phase == CREATE]
    assert created == [(1, "ip"), (1, "ip-last"), (2, "ip-last"), (2, "ip")]
    assert len(samples) == len(created) * len(PHASES)


def test_a_command_that_fails_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(measured.Failed, match="exit code 3"):
        measured.cost(["sh", "-c", "exit 3"], tmp_path, {})


def test_a_peer_that_makes_too_little_is_no_measurement(host: Host, tmp_path: Path) -> None:
    job = Job({}, ["ip", "netns", "add", "one"], None, None, None)
    with pytest.raises(measured.Failed, match="1 namespaces instead of 2"):
        list(turn.phases(job, 2, tmp_path))


def test_a_peer_that_fails_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    present = peers("/nonexistent/python", tmp_path)
    bench = Bench("/nonexistent/python", tmp_path)
    samples = list(bench.run([(present["engine"], 2), (present["ip"], 2)], 2))
    assert {each.peer for each in samples} == {"ip"}
    assert list(bench.failures) == ["weft.netns, N = 2, round 1"]
