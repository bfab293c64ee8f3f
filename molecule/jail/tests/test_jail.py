# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of systemd that are held to their addresses, after a reboot. The tests go on from each other: at the end nothing is left."""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

SCENARIO = Path(__file__).parents[1]
MACHINES = ("node1", "node2", "node3")
JAILED = ("web1", "web2", "web3")
OF_NODE1 = ["192.0.2.1", "2001:db8::1"]
SERVERS = {"web1": "web1", "web2": "web2", "web3": "web3", "inside1": "held", "inside2": "free"}


def python(place: Any, script: str, *arguments: str, jail: str = "") -> Any:
    """What a script of this folder prints there, or in a jail that is there."""
    source = Path(__file__).with_name(script).read_text(encoding="utf-8")
    command = ["weft-netns", "jail", "exec", jail, "--"] if jail else []
    return place.json(shlex.join([*command, "python3", "-c", source, *arguments]))


def banners(place: Any, addresses: Iterable[str]) -> Any:
    return python(place, "banners.py", *addresses)


def listening(place: Any) -> set[str]:
    """What somebody listens on in here, port 7777."""
    return {line.split()[3] for line in place.sh("ss -Hltn sport = :7777").splitlines()}


def main_pid(place: Any, unit: str) -> int:
    return int(place.sh(f"systemctl show --property=MainPID --value {unit}"))


@pytest.mark.parametrize("name", MACHINES)
def test_a_reboot_changes_nothing(machines: Any, name: str) -> None:
    machine = machines[name]
    machine.sh("timeout 120 systemctl is-system-running --wait")
    assert machine.state() ^ machine.kept_state("before-reboot") == set()


@pytest.mark.parametrize("client", ["node3", "node1"])
def test_each_server_is_reached_at_its_own_address_alone(machines: Any, containers: Any, client: str) -> None:
    expected = {address: server for name, server in SERVERS.items() for address in containers[name].addresses()}
    expected |= dict.fromkeys([*OF_NODE1, *containers["tools1"].addresses()], "ECONNREFUSED")
    assert banners(machines[client], expected) == expected


def test_they_listen_on_their_addresses_and_not_on_the_wildcard(machines: Any, containers: Any) -> None:
    web1, web2 = (containers[name].addresses() for name in ("web1", "web2"))
    assert listening(machines["node1"]) == {f"[{each}]:7777" if ":" in each else f"{each}:7777" for each in (*web1, *web2)}


def test_a_process_in_a_jail_cannot_bind_what_is_a_neighbours(machines: Any, containers: Any) -> None:
    own, neighbours = (containers[name].addresses() for name in ("web1", "web2"))
    expected = {each: [each, each] for each in own} | {each: ["EPERM", "EPERM"] for each in (*neighbours, *OF_NODE1)}
    expected |= {"0.0.0.0": [own[0]] * 2, "::": [own[1]] * 2}
    assert python(machines["node1"], "binds.py", *expected, jail="web1") == expected
    free = {each: [each, each] for each in (*own, *neighbours, *OF_NODE1)}
    assert python(machines["node1"], "binds.py", *free) == free


def test_a_process_in_a_jail_makes_no_sctp_socket(machines: Any) -> None:
    node1 = machines["node1"]
    node1.sh("modprobe sctp")
    assert python(node1, "sctp.py") is None
    assert python(node1, "sctp.py", jail="web1") == "EPERM"


@pytest.mark.parametrize("family", [4, 6])
def test_a_client_in_a_jail_is_seen_with_its_address(machines: Any, containers: Any, family: int) -> None:
    [address] = [each for each in containers["tools1"].addresses() if (":" in each) == (family == 6)]
    target, there = ("TCP4", "192.0.2.3") if family == 4 else ("TCP6", "[2001:db8::3]")
    node1, node3 = machines["node1"], machines["node3"]
    node3.sh(
        f"setsid timeout 60 socat {target}-LISTEN:7778,reuseaddr 'SYSTEM:echo $SOCAT_PEERADDR' > /run/seen 2>&1 &\n"
        "timeout 20 sh -c 'until ss -Hltn sport = :7778 | grep -q .; do sleep 0.1; done'"
    )
    seen = node1.sh(f"weft-netns jail exec tools1 -- socat -u {target}:{there}:7778 STDOUT")
    assert str(ipaddress.ip_address(seen.strip().strip("[]"))) == address


@pytest.mark.parametrize("name", JAILED)
def test_a_service_that_restarts_is_in_its_jail_again(machines: Any, containers: Any, name: str) -> None:
    container = containers[name]
    machine = machines[container.machine]
    before, heard = main_pid(machine, name), listening(machine)
    machine.sh(f"systemctl daemon-reload && systemctl restart {name} && systemctl is-active {name}")
    machine.sh("timeout 20 sh -c 'until [ $(ss -Hltn sport = :7777 | wc -l) = " + str(len(heard)) + " ]; do sleep 0.1; done'")
    after = main_pid(machine, name)
    assert after not in (0, before)
    assert listening(machine) == heard
    shown = machine.json("weft-netns show host")["jails"]
    assert after in shown[name]["processes"]
    assert banners(machines["node3"], container.addresses()) == dict.fromkeys(container.addresses(), name)


def test_a_service_in_a_container_cannot_give_itself_an_address(machines: Any, containers: Any) -> None:
    node1 = machines["node1"]
    assert "Operation not permitted" in node1.sh("cat /run/held.service.said")
    assert node1.sh("cat /run/free.service.said").strip() == "", "one that may configure can"
    for name, expected in (("inside1", set()), ("inside2", {"198.51.100.9"})):
        [loopback] = containers[name].ip("address show dev lo")
        assert {each["local"] for each in loopback["addr_info"]} - {"127.0.0.1", "::1"} == expected
    held = main_pid(node1, "held")
    assert node1.sh(f"readlink /proc/{held}/ns/net") == containers["inside1"].sh("readlink /proc/self/ns/net")


def test_nothing_is_left_of_it(play: Any, machines: Any) -> None:
    play(SCENARIO / "teardown.yml")
    differences = {name: machine.state() ^ machine.kept_state("fresh") for name, machine in machines.items()}
    assert not any(differences.values()), differences
