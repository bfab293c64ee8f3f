# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of the compiler for any inventory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.netns.plugins.module_utils._engine import parse as engine
from ansible_collections.weft.netns.plugins.plugin_utils._compile import Compiled, compile_fleet

NETWORKS = {
    "blue": {"mode": "bridge", "subnets": ["10.20.0.0/24", "fd00:20::/64"]},
    "red": {"mode": "routed", "subnets": ["10.30.0.0/24", "fd00:30::/64"]},
    "green": {"mode": "bridge", "subnets": ["10.40.0.0/24", "fd00:40::/64"], "uplink": {"interface": "eth1", "vlan": 100}},
    "white": {"mode": "macvlan", "subnets": ["10.50.0.0/24", "fd00:50::/64"], "uplink": {"interface": "eth1"}},
}
SUBNET = {"blue": "10.20.0", "red": "10.30.0", "green": "10.40.0", "white": "10.50.0"}
NAMES = st.text("abc-1", min_size=1, max_size=20)

Intents = dict[str, dict[str, Any]]


@st.composite
def fleets(draw: st.DrawFn) -> Intents:
    """Up to three hosts; each container name once; fixed addresses distinct."""
    names = draw(st.lists(NAMES, unique=True, max_size=8))
    hosts: Intents = {host: {"netns_networks": NETWORKS, "netns_containers": {}} for host in ("node1", "node2", "node3")}
    for number, name in enumerate(names):
        network = draw(st.sampled_from(sorted(NETWORKS)))
        interface: dict[str, Any] = {"network": network}
        if draw(st.booleans()):
            interface["addresses"] = [f"{SUBNET[network]}.{100 + number}"]
        interfaces = {"eth0": interface}
        if draw(st.booleans()):
            interfaces["net1"] = {"network": draw(st.sampled_from(sorted(NETWORKS)))}
        hosts[draw(st.sampled_from(sorted(hosts)))]["netns_containers"][name] = {"interfaces": interfaces}
    return hosts


def ends(compiled: Compiled) -> Mapping[tuple[str, str], tuple[tuple[str, ...], str]]:
    """Addresses and MAC of each interface in the fleet."""
    return {
        (container, name): (tuple(link["addresses"]), link["mac"])
        for document in compiled.documents.values()
        for container, inside in document["namespaces"].items()
        for name, link in inside["links"].items()
    }


def reversed_order(value: Any) -> Any:
    """Hosts, networks and containers the other way round. Interfaces stay: their order has a meaning."""
    intents = {}
    for host in reversed(value):
        variables = value[host]
        intents[host] = {key: dict(reversed(item.items())) for key, item in variables.items()}
    return intents


@given(fleets())
def test_same_inventory_and_same_leases_give_the_same(fleet: Intents) -> None:
    first = compile_fleet(fleet, {})
    assert compile_fleet(fleet, {}) == first
    assert compile_fleet(fleet, first.leases) == first


@given(fleets())
def test_the_order_of_the_inventory_does_not_matter(fleet: Intents) -> None:
    assert compile_fleet(reversed_order(fleet), {}) == compile_fleet(fleet, {})


@given(fleets())
def test_nothing_is_given_twice(fleet: Intents) -> None:
    held = ends(compile_fleet(fleet, {}))
    addresses = [address.partition("/")[0] for addresses, _mac in held.values() for address in addresses]
    macs = [mac for _addresses, mac in held.values()]
    assert len(addresses) == len(set(addresses))
    assert len(macs) == len(set(macs))


@given(fleets(), st.data())
def test_who_stays_keeps_what_it_has(fleet: Intents, data: st.DataObject) -> None:
    before = compile_fleet(fleet, {})
    everyone = [(host, name) for host in fleet for name in fleet[host]["netns_containers"]]
    gone = data.draw(st.sets(st.sampled_from(everyone))) if everyone else set()
    for host, name in gone:
        del fleet[host]["netns_containers"][name]
    moved = [(host, name) for host, name in everyone if (host, name) not in gone and data.draw(st.booleans())]
    for host, name in moved:
        container = fleet[host]["netns_containers"].pop(name)
        fleet[data.draw(st.sampled_from(sorted(fleet)))]["netns_containers"][name] = container
    fleet["node1"]["netns_containers"]["new"] = {"interfaces": {"eth0": {"network": "blue"}, "eth1": {"network": "red"}}}
    after = ends(compile_fleet(fleet, before.leases))
    left = {name for _host, name in gone}
    for key, held in ends(before).items():
        if key[0] not in left:
            assert after[key] == held


@given(fleets())
def test_the_engine_takes_every_document(fleet: Intents) -> None:
    for document in compile_fleet(fleet, {}).documents.values():
        engine.parse(document)
