# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every peer of the benchmark is told names the same containers, and the figures are what was measured."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ansible_collections.weft.netns.benchmarks import chart, report
from ansible_collections.weft.netns.benchmarks.goals import Goal, judge
from ansible_collections.weft.netns.benchmarks.network import changed, network
from ansible_collections.weft.netns.benchmarks.peers.base import Peer
from ansible_collections.weft.netns.benchmarks.peers.engine import document
from ansible_collections.weft.netns.benchmarks.registry import peers
from ansible_collections.weft.netns.benchmarks.report import Findings
from ansible_collections.weft.netns.benchmarks.samples import Sample, Samples
from ansible_collections.weft.netns.benchmarks.schedule import turns
from ansible_collections.weft.netns.plugins.module_utils._engine.parse import parse

PEERS = [peer for peer in peers("python3", Path()).values() if peer.sizes is None and peer.key != "floor"]  # which knows them by itself


def sample(peer: str, number: int, wall: float, size: int = 10) -> Sample:
    return Sample(peer, size, "create", number, wall, wall / 2, 20_000_000)


def by_key(peer: Peer) -> str:
    return peer.key


def test_a_network_is_counted_out():
    made = network(2300)
    assert [len(list(made.on(bridge))) for bridge in made.bridges] == [1000, 1000, 300]
    assert [len(bridge.addresses) for bridge in made.bridges] == [8, 8, 4]
    for what in ("name", "host_end", "mac", "addresses"):
        assert len({getattr(container, what) for container in made.containers}) == 2300


def test_each_container_reaches_its_gateways():
    made = network(1300)
    for bridge in made.bridges:
        gateways = {address.split("/")[0] for address in bridge.addresses}
        assert {gateway for container in made.on(bridge) for gateway in container.gateways} == gateways


def test_one_container_is_changed():
    before = network(600)
    after, old, new = changed(before)
    assert {*before.containers} ^ {*after.containers} == {old, new}
    assert new.addresses[0] not in {address for container in before.containers for address in container.addresses}
    assert new.addresses[1] == old.addresses[1]


@pytest.mark.parametrize("peer", PEERS, ids=by_key)
def test_a_peer_is_told_everything(peer):
    made = network(3)
    job = peer.job(made)
    told = "\n".join([*job.files, *job.files.values(), json.dumps([job.create, job.again, job.change, job.remove])])
    for container in made.containers:
        for word in (container.name, container.bridge, container.mac, *container.addresses, *container.gateways):
            assert word in told
    assert changed(made)[2].addresses[0] in told


def test_peers_with_sizes_of_their_own_are_measured_at_those():
    present = peers("python3", Path())
    chosen = [present[key] for key in ("play", "compile", "floor")]
    taken = [(peer.key, size) for peer, size in turns(chosen, [10, 100])]
    assert taken == [("play", 10), ("floor", 10), ("floor", 100), ("compile", 5_000), ("compile", 50_000)]


def test_the_engine_takes_the_document():
    desired = parse(document(network(3)), "default")
    assert set(desired.namespaces) == {"host", "pf00000", "pf00001", "pf00002"}


def test_medians():
    samples = Samples([sample("engine", number, wall) for number, wall in enumerate((3.0, 1.0, 2.0))])
    assert samples.wall("engine", 10, "create") == 2.0
    assert samples.cpu("engine", 10, "create") == 1.0
    assert samples.wall("engine", 10, "again") is None


@pytest.mark.parametrize(("limit", "met"), [(3.9, False), (4.0, True)])
def test_a_goal_compares_within_each_round(limit, met):
    """The machine was ten times slower in the second round: the quotient is the same."""
    goal = Goal("", lambda each: each.wall("engine", 10, "create") / each.wall("floor", 10, "create"), lambda _each: limit)
    slow = [sample("engine", 1, 40.0), sample("floor", 1, 10.0), sample("engine", 2, 1.0)]
    verdict = judge(goal, Samples([sample("engine", 0, 4.0), sample("floor", 0, 1.0), *slow]))
    assert (verdict.value, verdict.limit, verdict.rounds, verdict.met) == (4.0, limit, 2, met)


def test_what_was_not_measured_meets_no_goal():
    goal = Goal("", lambda each: each.wall("engine", 10, "create"), lambda _each: 1.0)
    assert judge(goal, Samples([sample("floor", 0, 1.0)])) is None


def test_the_report():
    samples = Samples([sample("floor", 0, 0.01), sample("engine", 0, 0.1)])
    names = {"floor": "floor", "engine": "weft.netns"}
    text = report.text(Findings(samples, names, {"kernel": "6.1"}, {"ifstate": "is not there"}, {"CNI, N = 10": "exit code 1"}))
    assert "| weft.netns |      1 |     10 |      10 |" in text
    assert "kernel 6.1" in text
    assert "Left out: ifstate (is not there)." in text
    assert "FAILED: CNI, N = 10: exit code 1" in text
    assert text.count("not measured") == len(report.GOALS)


def test_results_are_data():
    data = json.loads(json.dumps(report.data(Findings(Samples([sample("floor", 0, 0.01)]), {"floor": "floor"}, {"processors": "2"}))))
    assert data["samples"][0]["wall"] == 0.01
    assert {goal["measured"] for goal in data["goals"]} == {False}


def test_the_chart_has_a_dot_for_each_median():
    samples = Samples([sample("floor", 0, 0.01), sample("floor", 0, 0.1, size=100), sample("engine", 0, 0.1), sample("engine", 1, 0.3)])
    picture = ElementTree.fromstring(chart.draw(samples, {"floor": "floor", "engine": "<engine>"}))
    titles = [title.text for title in picture.iter("{http://www.w3.org/2000/svg}title") if title.text]
    assert titles == ["N = 10: 1 ms", "N = 100: 1 ms", "N = 10: 20 ms"]
    assert "<engine>" in [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
