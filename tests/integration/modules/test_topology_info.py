# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What topology_info tells of a host that somebody else configured, and of one that topology made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hosts import Host

RunTasks = Callable[..., list[dict[str, Any]]]

INFO = "weft.netns.topology_info"
ENDS = [("namespace", "name", "mac"), ("peer_namespace", "peer", "peer_mac")]
GATHER = ["links", "addresses", "routes", "rules", "neighbours", "pairs"]


def by_hand(host: Host) -> None:
    host.sh(
        """
        ip netns add web1 && ip netns add web2
        ip link add br7 address 02:00:00:00:00:01 up type bridge
        ip link add vweb1 address 02:00:00:00:01:01 type veth peer name eth0 address 02:00:00:00:01:02 netns web1
        ip link set vweb1 up mtu 1400 master br7 && ip -n web1 link set eth0 up
        ip -n web1 link add left address 02:00:00:00:02:01 type veth peer name right address 02:00:00:00:02:02 netns web2
        ip address add 10.20.0.1/24 dev br7 && ip -n web1 address add 10.20.0.11/24 dev eth0
        ip -n web1 route add default via 10.20.0.1 && ip -n web1 route add 192.0.2.0/24 via 10.20.0.9 metric 7 table 100
        ip -n web1 rule add priority 100 from 10.20.0.0/24 lookup 100
        ip -n web1 neigh add 10.20.0.9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent
        ip neigh add proxy 10.20.0.77 dev br7
        """
    )


def test_a_host_that_somebody_else_configured(host: Host, run_tasks: RunTasks) -> None:
    by_hand(host)
    before = host.digest()
    tasks = [{INFO: {"namespaces": ["web1", "gone"], "gather": [part]}} for part in GATHER]
    everything, checked, *parts = run_tasks([{INFO: {}}, {INFO: {}, "check_mode": True}, *tasks])
    assert host.since(before) == []
    assert not any(result["changed"] for result in (everything, checked, *parts))
    assert all(everything[key] == checked[key] for key in ("host", "namespaces", "pairs"))
    _is_told(everything)
    _pairs_are_told(everything["pairs"])
    _nothing_else_is_told(dict(zip(GATHER, parts, strict=True)))


def _is_told(found: dict[str, Any]) -> None:
    here, web1 = found["host"], found["namespaces"]["web1"]
    assert set(found["namespaces"]) == {"web1", "web2"}
    assert here["links"]["br7"]["addresses"][0] == "10.20.0.1/24"
    vweb1 = {key: here["links"]["vweb1"][key] for key in ("kind", "state", "mtu", "mac", "master", "veth")}
    assert vweb1 == {
        "kind": "veth",
        "state": "up",
        "mtu": 1400,
        "mac": "02:00:00:00:01:01",
        "master": "br7",
        "veth": {"peer": "eth0", "namespace": "web1"},
    }
    assert here["neighbours"] == [{"address": "10.20.0.77", "link": "br7", "proxy": True}]
    assert {"destination": "default", "family": "ipv4", "gateway": "10.20.0.1", "link": "eth0"} in web1["routes"]
    assert {"destination": "192.0.2.0/24", "gateway": "10.20.0.9", "link": "eth0", "metric": 7, "table": 100} in web1["routes"]
    assert {"priority": 100, "family": "ipv4", "from": "10.20.0.0/24", "table": 100} in web1["rules"]
    assert web1["neighbours"] == [{"address": "10.20.0.9", "link": "eth0", "mac": "02:00:00:00:00:09"}]


def _pairs_are_told(pairs: list[dict[str, str]]) -> None:
    """Each pair once, with both of its ends."""
    ends = [{tuple(pair[key] for key in end) for end in ENDS} for pair in pairs]
    assert sorted(ends, key=sorted) == [
        {("host", "vweb1", "02:00:00:00:01:01"), ("web1", "eth0", "02:00:00:00:01:02")},
        {("web1", "left", "02:00:00:00:02:01"), ("web2", "right", "02:00:00:00:02:02")},
    ]


def _nothing_else_is_told(parts: dict[str, dict[str, Any]]) -> None:
    """``parts``: results by what was gathered, of web1 and a namespace that is not there."""
    for part, result in parts.items():
        assert set(result["namespaces"]) == {"web1"}
        assert not result["host"]
        assert ("pairs" in result) == (part == "pairs")
    web1 = {part: result["namespaces"]["web1"] for part, result in parts.items()}
    assert {part: set(content) for part, content in web1.items() if part not in ("addresses", "pairs")} == {
        part: {part} for part in ("links", "routes", "rules", "neighbours")
    }
    assert set(web1["links"]["links"]) == {"lo", "eth0", "left"}
    assert not any("addresses" in link for link in web1["links"]["links"].values())
    assert web1["addresses"]["links"]["eth0"]["addresses"][0] == "10.20.0.11/24"
    assert {frozenset(link) for link in web1["addresses"]["links"].values()} == {frozenset({"addresses"})}
    assert len(parts["pairs"]["pairs"]) == 2


def test_what_topology_made_reads_back(host: Host, run_tasks: RunTasks) -> None:
    document = {
        "host": {"links": {"vweb1": {"kind": "veth", "veth": {"peer": "eth0", "namespace": "web1"}, "mtu": 1400}}},
        "namespaces": {"web1": {"links": {"eth0": {"kind": "veth", "veth": {"peer": "vweb1"}, "addresses": ["10.20.0.11/24"]}}}},
    }
    made, found = run_tasks([{"weft.netns.topology": {"document": document}}, {INFO: {"gather": ["links", "addresses"]}}])
    assert made["changed"]
    assert found["host"]["links"]["vweb1"]["mtu"] == 1400
    assert "10.20.0.11/24" in found["namespaces"]["web1"]["links"]["eth0"]["addresses"]
