# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The topology module with what it is for: a backbone as one document, and a fleet compiled from its inventory."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from itertools import permutations, product
from pathlib import Path
from typing import Any

import pytest
import yaml
from hosts import Host

Result = dict[str, Any]
RunTasks = Callable[..., list[Result]]

EXAMPLES = Path(__file__).parents[3] / "examples"
TOPOLOGY = "weft.netns.topology"
GONE = {TOPOLOGY: {"state": "absent"}}
GATEWAYS = {"blue": ["10.20.0.1", "fd00:20::1"], "red": ["169.254.1.1", "fe80::1%eth0"]}
FLEET = {  # host: networks, and the containers in them
    "node1": {"blue": ["web1", "web2", "web3", "cache1", "proxy1"], "red": ["proxy1", "api1", "api2", "batch1"]},
    "node2": {"blue": ["web4", "web5", "cache2", "database-primary"], "red": ["api3", "api4"]},
    "node3": {"blue": ["web6", "database-replica"], "red": ["api5", "api6", "batch2", "mail"]},
}


def foreign(host: Host) -> None:
    """Somebody else's things, and a way to a router, which is a namespace as well."""
    host.sh(
        """
        ip netns add router && ip -n router link set lo up
        ip link add uplink0 type veth peer name eth0 netns router
        ip address add 198.51.100.10/24 dev uplink0 && ip address add 2001:db8::10/64 dev uplink0 nodad && ip link set uplink0 up
        ip -n router address add 198.51.100.1/24 dev eth0 && ip -n router address add 2001:db8::1/64 dev eth0 nodad
        ip -n router link set eth0 up
        ip -n router route add 10.30.0.0/24 dev eth0 && ip -n router -6 route add fd00:30::/64 dev eth0
        ip route add default via 198.51.100.1 && ip -6 route add default via 2001:db8::1
        ip netns add mario2 && ip -n mario2 address add 192.0.2.1/32 dev lo
        ip link add mine0 type bridge && ip link add mine1 type veth peer name mine2 netns mario2 && ip link set mine1 master mine0
        ip rule add from 198.51.100.0/24 lookup 77 priority 700 && ip route add 203.0.113.0/24 via 198.51.100.8 table 77
        sysctl -qw net.ipv4.conf.mine0.forwarding=1 net.ipv6.conf.mine0.accept_ra=0 net.ipv4.conf.all.accept_redirects=0
        """
    )


def made(run_tasks: RunTasks, task: dict[str, Any], *arguments: str, **options: Any) -> list[str]:
    """Carry out a task in check mode, for real and again; it must tell the same, and then nothing. Its steps."""
    check, run, again = run_tasks([{**task, "check_mode": True, "diff": True}, {**task, "diff": True}, task], *arguments, **options)
    assert check["steps"] == run["steps"]
    assert check["diff"] == run["diff"]
    assert (check["changed"], run["changed"]) == (True, True)
    assert (again["changed"], again["steps"]) == (False, [])
    steps: list[str] = run["steps"]
    return steps


def test_a_backbone_in_one_task(host: Host, run_tasks: RunTasks) -> None:
    """Check mode tells the steps one to one; every node's loopback answers every other's; nothing is left behind."""
    foreign(host)
    before = host.digest()
    src = EXAMPLES / "abilene.yml"
    nodes = yaml.safe_load(src.read_text(encoding="utf-8"))["namespaces"]
    steps = made(run_tasks, {TOPOLOGY: {"src": str(src)}})
    assert len([step for step in steps if step.startswith("create namespace")]) == len(nodes) == 12
    assert len([step for step in steps if step.startswith("create link")]) == 15
    assert len([step for step in steps if step.startswith("create route")]) == 132
    addresses = [node["links"]["lo"]["addresses"][0].partition("/")[0] for node in nodes.values()]
    answered = [host.pings(address, node) for node, address in product(nodes, addresses)]
    assert (len(answered), all(answered)) == (144, True)
    made(run_tasks, GONE)
    assert host.since(before) == []


@pytest.mark.parametrize("node", FLEET)
def test_a_host_of_the_fleet(host: Host, run_tasks: RunTasks, target_python: str, tmp_path: Path, node: str) -> None:
    """Containers of a network reach each other, their gateway and the host, and the router reaches the routed ones."""
    foreign(host)
    before = host.digest()
    inventory = tmp_path / "fleet"
    shutil.copytree(EXAMPLES / "fleet", inventory)
    options = {"inventory": inventory / "inventory.yml", "ansible_python_interpreter": target_python}
    made(run_tasks, {TOPOLOGY: {}}, "--limit", node, **options)
    assert inventory.joinpath("netns.lock.yml").read_text() == EXAMPLES.joinpath("fleet/netns.lock.yml").read_text()
    assert unanswered(host, FLEET[node]) == []
    run_tasks([GONE], "--limit", node, **options)
    assert host.since(before) == []


def unanswered(host: Host, networks: dict[str, list[str]]) -> list[str]:
    """Who pings whom in vain."""
    pings: list[tuple[str | None, str]] = []
    for network, containers in networks.items():
        addresses = {name: addresses_of(host, name, network) for name in containers}
        pings += [(one, address) for one, other in permutations(containers, 2) for address in shared(addresses, one, other)]
        pings += [(name, gateway) for name in containers for gateway in GATEWAYS[network] if family(gateway) in addresses[name]]
        outside = [None, "router"] if network == "red" else [None]
        pings += [(where, address) for where in outside for each in addresses.values() for address in each.values()]
    assert len(pings) > 40
    return [f"{where or 'host'} to {address}" for where, address in pings if not host.pings(address, where)]


def addresses_of(host: Host, name: str, network: str) -> dict[int, str]:
    """Addresses of a container in a network, by family."""
    prefixes = {"blue": ("10.20.0.", "fd00:20::"), "red": ("10.30.0.", "fd00:30::")}[network]
    found = [address["local"] for link in host.ip("address", namespace=name) for address in link["addr_info"]]
    return {family(address): address for address in found if address.startswith(prefixes)}


def family(address: str) -> int:
    return 6 if ":" in address else 4


def shared(addresses: dict[str, dict[int, str]], one: str, other: str) -> Iterator[str]:
    """Addresses of the other one, of the families that both have."""
    return (address for number, address in addresses[other].items() if number in addresses[one])


def test_what_is_wrong_in_the_fleet(host: Host, run_tasks: RunTasks, target_python: str, tmp_path: Path) -> None:
    """Every fault of it is told at once, with its path, and nothing is changed: not on the host, not in the lock file."""
    before = host.digest()
    faults = yaml.safe_load(Path(__file__).with_name("fleet_faults.yml").read_text(encoding="utf-8"))
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(yaml.safe_dump(faults["inventory"]), encoding="utf-8")
    task = {TOPOLOGY: {}, "fails": faults["message"].strip()}
    (result,) = run_tasks([task], "--limit", "node1", inventory=inventory, ansible_python_interpreter=target_python)
    assert [f"{fault['path']}: {fault['message']}" for fault in result["faults"]] == faults["message"].strip().splitlines()
    assert host.since(before) == []
    assert [path.name for path in tmp_path.glob("*.yml")] == ["inventory.yml"]


def test_another_run_holds_the_lock(host: Host, run_tasks: RunTasks) -> None:
    task = {TOPOLOGY: {"document": {"namespaces": {"web1": {}}}, "lock_timeout": 0.2}}
    run_tasks([task, GONE])
    (lock,) = Path("/run/weft-netns").glob("*/lock")
    with lock.open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        run_tasks([{**task, "fails": f"another run holds the lock of this host's network: pid {os.getpid()}"}])
    assert host.namespaces() == []


def test_a_firewall_in_the_way_is_a_warning(host: Host, run_tasks: RunTasks) -> None:
    """In check mode, when it is made, and whenever it is looked at again."""
    host.sh("nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'")
    links = {"br0": {"kind": "bridge", "addresses": ["10.20.0.1/24"]}}
    published = {"protocol": "tcp", "host_port": 80, "address": "10.20.0.11", "link": "br0"}
    task = {TOPOLOGY: {"document": {"host": {"links": links, "filter": {"publish": [published]}}}}}
    for result in run_tasks([{**task, "check_mode": True}, task, task]):
        assert result["warnings"] == ["chain FORWARD of table ip filter drops what is sent to published ports (*:80/tcp): accept it there"]
