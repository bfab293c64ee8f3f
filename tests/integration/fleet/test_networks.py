# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the inventory to packets between machines: each machine is a network and a mount namespace, on one wire with the others."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hosts import FOLDERS, Host

from ansible_collections.weft.netns.plugins.plugin_utils._compile import compile_fleet

MODULE_UTILS = Path(__file__).parents[3] / "plugins" / "module_utils"
START = "; ".join([*(f"mount -t tmpfs tmpfs {folder}" for folder in FOLDERS), "ip link set lo up", "echo up", "exec cat"])
MEMBERS = ("web1", "web2", "web3")
V4 = {name: f"10.20.0.1{number}" for number, name in enumerate(MEMBERS, 1)}
V6 = {name: f"fd00:20::1{number}" for number, name in enumerate(MEMBERS, 1)}


class Machine:
    def __init__(self, name: str, python: str) -> None:
        self.name = name
        self._engine = [python, "-m", "_engine.cli"]
        command = ["unshare", "--net", "--mount", "sh", "-euc", START]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "up\n"
        self.pid = self._process.pid

    def end(self) -> None:
        self._process.communicate("")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        enter = ["nsenter", "--target", str(self.pid), "--net", "--mount", f"--wd={MODULE_UTILS}"]
        return subprocess.run([*enter, *command], capture_output=True, text=True, check=False)

    def must(self, *command: str) -> str:
        done = self.run(*command)
        assert done.returncode == 0, f"{self.name}: {command}: {done.stdout}{done.stderr}"
        return done.stdout

    def converge(self, document: Mapping[str, Any], file: Path) -> None:
        file.write_text(json.dumps(document), encoding="utf-8")
        self.must(*self._engine, "apply", str(file))
        assert self.must(*self._engine, "plan", str(file)) == ""

    def reaches(self, address: str, container: str | None = None, size: int = 56, attempts: int = 4) -> bool:
        inside = ["ip", "netns", "exec", container] if container else []
        ping = [*inside, "ping", "-q", "-c", "1", "-W", "2", "-s", str(size), address]
        return any(self.run(*ping).returncode == 0 for _attempt in range(attempts))


@pytest.fixture
def fleet(host: Host, tmp_path: Path, target_python: str) -> Iterator[Callable[[Mapping[str, Any]], dict[str, Machine]]]:
    """Machines on one wire, by the name of the container that each of them has; all of them as the network says."""
    host.sh("ip link add wire type bridge && ip link set wire up")
    machines: dict[str, Machine] = {}

    def start(network: Mapping[str, Any]) -> dict[str, Machine]:
        intents = {name: intent(number, name, network) for number, name in enumerate(MEMBERS, 1)}
        for number, (name, document) in enumerate(compile_fleet(intents, {}).documents.items(), 1):
            machine = machines[name] = Machine(name, target_python)
            host.sh(f"ip link add p{number} type veth peer name eth1 netns {machine.pid} && ip link set p{number} master wire up")
            machine.must("sh", "-euc", f"ip address add 192.0.2.{number}/24 dev eth1; ip link set eth1 up")
            machine.converge(document, tmp_path / name)
        return machines

    yield start
    for machine in machines.values():
        machine.end()


def intent(number: int, name: str, network: Mapping[str, Any]) -> dict[str, Any]:
    text = json.dumps({"subnets": ["10.20.0.0/24", "fd00:20::/64"], **network}).replace("NUMBER", str(number))
    interface = {"network": "blue", "addresses": [V4[name], V6[name]]}
    return {"netns_networks": {"blue": json.loads(text)}, "netns_containers": {name: {"interfaces": {"eth0": interface}}}}


OVERLAY = {"mode": "bridge", "uplink": {"vxlan": 42, "over": "eth1", "local": "192.0.2.NUMBER"}}
GATEWAY = ("10.20.0.1", "fd00:20::1")


def test_an_overlay_is_one_link_layer(fleet: Any) -> None:
    machines = fleet(OVERLAY)
    pairs = [(here, there) for here in MEMBERS for there in MEMBERS if here != there]
    assert [(here, there) for here, there in pairs if not machines[here].reaches(V4[there], here, size=1472)] == []
    assert [(here, there) for here, there in pairs if not machines[here].reaches(V6[there], here, size=1452)] == []


def test_who_is_left_goes_on(fleet: Any) -> None:
    machines = fleet({**OVERLAY, "gateway": []})
    machines["web3"].must("ip", "link", "set", "eth1", "down")
    assert not machines["web1"].reaches(V4["web3"], "web1")
    assert machines["web1"].reaches(V4["web2"], "web1") and machines["web2"].reaches(V6["web1"], "web2")
    machines["web3"].must("ip", "link", "set", "eth1", "up")
    assert machines["web1"].reaches(V4["web3"], "web1")


def test_every_machine_is_the_gateway_of_its_own(fleet: Any) -> None:
    """All have its addresses and its MAC, and no machine hears of another's."""
    machines = fleet(OVERLAY)
    for name, machine in machines.items():
        assert [address for address in GATEWAY if not machine.reaches(address, name)] == []
        assert [address for address in (V4[name], V6[name]) if not machine.reaches(address)] == []
        [bridge] = json.loads(machine.must("ip", "-json", "address", "show", "dev", "br-blue"))
        assert [each for each in bridge["addr_info"] if each.get("dadfailed")] == []
        learnt = json.loads(machine.must("bridge", "-json", "fdb", "show", "dev", "vxlan42"))
        assert bridge["address"] not in [each["mac"] for each in learnt]


def test_sub_interfaces_on_one_wire(fleet: Any) -> None:
    network = {"mode": "macvlan", "gateway": [], "uplink": {"interface": "eth1"}, "host_addresses": ["10.20.0.20NUMBER"]}
    machines = fleet(network)
    assert machines["web1"].reaches(V4["web2"], "web1") and machines["web1"].reaches(V6["web3"], "web1")
    assert machines["web1"].reaches(V4["web1"]) and machines["web1"].reaches("10.20.0.201", "web1")


# web2 is the router to which the host's rules send everything.
RULES = "; ".join(f"ip {family} rule add priority 100 lookup 100" for family in ("-4", "-6"))
ADDRESSES = "ip address replace 10.20.0.{0}/24 dev eth1; ip address replace fd00:20::{0}/64 dev eth1 nodad"
ROUTES = "; ".join(f"ip route add default via {router} dev eth1 table 100" for router in ("10.20.0.2", "fd00:20::2"))
STRICT = "for each in all default eth1; do echo 1 > /proc/sys/net/ipv4/conf/$each/rp_filter; done"


def routed_with_rules(fleet: Any, options: Mapping[str, Any]) -> list[tuple[Machine, str | None]]:
    """From where to ask: web1, which has rules of its own; web2, and a container of it."""
    machines = fleet({"mode": "routed", "uplink": {"interface": "eth1"}, "routed": options})
    for number, name in enumerate(("web1", "web2"), 1):
        machines[name].must("sh", "-euc", ADDRESSES.format(number))
    machines["web1"].must("sh", "-euc", f"{STRICT}; {RULES}; {ROUTES}")
    return [(machines["web1"], None), (machines["web2"], None), (machines["web2"], "web2")]


def test_rules_of_the_host_do_not_cut_off_routed_containers_with_a_table(fleet: Any) -> None:
    places = routed_with_rules(fleet, {"table": 119})
    for flap in ("true", f"ip link set eth1 down; ip link set eth1 up; {ADDRESSES.format(1)}; {ROUTES}"):
        places[0][0].must("sh", "-euc", flap)
        answers = [machine.reaches(address, inside) for address in (V4["web1"], V6["web1"]) for machine, inside in places]
        assert answers == [True] * 6


def test_without_a_table_they_would(fleet: Any) -> None:
    places = routed_with_rules(fleet, {})
    assert not any(machine.reaches(address, inside, attempts=1) for address in (V4["web1"], V6["web1"]) for machine, inside in places)
