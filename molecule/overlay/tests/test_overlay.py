# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two link layers over three machines. The tests go on from each other: at the end nothing is left of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SCENARIO = Path(__file__).parents[1]
CHANGE = SCENARIO.parent / "machines" / "change.yml"
MACHINES = ("node1", "node2", "node3")
GATEWAY = ["10.50.0.1", "fd00:50::1"]
MEMBERS = {network: [f"{network}{number}" for number in (1, 2, 3)] for network in ("blue", "red")}
PORT = 7001


def unreached(containers: Any, names: list[str]) -> list[str]:
    """Addresses of some containers that don't answer each other."""
    addresses = [address for name in names for address in containers[name].addresses()]
    return [f"{address} from {name}" for name in names for address in containers[name].unanswered(addresses)]


@pytest.mark.parametrize("network", MEMBERS)
def test_a_network_is_one_link_layer(containers: Any, network: str) -> None:
    members = [containers[name] for name in MEMBERS[network]]
    assert unreached(containers, MEMBERS[network]) == []
    macs = {address: interface["mac"] for each in members for interface in each.interfaces for address in interface["addresses"]}
    for member in members:
        neighbours = {entry["dst"]: entry["lladdr"] for entry in member.ip("neighbour show dev eth0") if "lladdr" in entry}
        others = macs.keys() - set(member.addresses())
        assert {each: neighbours[each] for each in others} == {each: macs[each] for each in others}


def test_every_machine_is_the_gateway_of_its_own(machines: Any, containers: Any) -> None:
    """All have the gateway's addresses and its MAC, and none hears of another's."""
    macs = set()
    for name, member in zip(MACHINES, MEMBERS["blue"]):
        assert containers[member].unanswered([*GATEWAY, machines[name].ip("address show dev eth2")[0]["addr_info"][0]["local"]]) == []
        (bridge,) = machines[name].ip("address show dev br-blue")
        assert [each for each in bridge["addr_info"] if each.get("dadfailed")] == []
        learnt = {each["mac"] for each in machines[name].json("bridge -json fdb show dev vxlan42")}
        assert bridge["address"] not in learnt
        macs.add(bridge["address"])
    assert len(macs) == 1


@pytest.mark.parametrize("network", MEMBERS)
@pytest.mark.parametrize("ping", ["ping -M do -s 1472", "ping -s 1500"], ids=["a packet of 1500 bytes whole", "1500 bytes in two"])
def test_1500_bytes_pass_without_loss(containers: Any, network: str, ping: str) -> None:
    first, second, third = (containers[name] for name in MEMBERS[network])
    for receiver in (second, third):
        assert ", 0% packet loss" in first.sh(f"{ping} -q -c 50 -i 0.05 {receiver.addresses()[0]}")


def test_broadcast_and_multicast_reach_all_members_and_nobody_else(machines: Any, containers: Any) -> None:
    members = [containers[name] for name in MEMBERS["blue"]]
    others = [(containers[name], "eth0") for name in MEMBERS["red"]]
    others += [(machines[name], wire) for name in MACHINES for wire in ("eth1", "eth2")]
    for member in members:
        listens(member)
    for place, link in others:
        watches(place, link)
    members[0].sh(
        f"echo broadcast | socat -u STDIN UDP4-DATAGRAM:10.50.0.255:{PORT},broadcast\n"
        f"echo multicast | socat -u STDIN UDP4-DATAGRAM:239.9.9.9:{PORT},ip-multicast-ttl=4\n"
        f"echo multicast6 | socat -u STDIN UDP6-DATAGRAM:[ff05::99]:{PORT}"
    )
    for member in members:
        assert heard(member) == {"broadcast", "multicast", "multicast6"}
    assert [(place, link) for place, link in others if place.sh(f"cat /run/seen-{place.name}-{link}")] == []


def listens(member: Any) -> None:
    """Be a member of two multicast groups, and write down what comes."""
    v4, v6 = f"UDP4-RECV:{PORT},ip-add-membership=239.9.9.9:eth0", f"UDP6-RECV:{PORT},ipv6only=1,ipv6-join-group=[ff05::99]:eth0"
    for number, socket in enumerate([v4, v6], 4):
        member.sh(f"setsid timeout 60 socat -u {socket} CREATE:{log(member)}-{number} > /dev/null 2>&1 &")
    member.sh(f"timeout 20 sh -c 'until [ $(ss -Hlun sport = :{PORT} | wc -l) = 2 ]; do sleep 0.1; done'")


def heard(member: Any) -> set[str]:
    member.sh(f"timeout 20 sh -c 'until [ $(cat {log(member)}-* | wc -l) = 3 ]; do sleep 0.1; done' || :")
    return set(member.sh(f"cat {log(member)}-*").split())


def log(member: Any) -> str:
    return f"/run/heard-{member.name}"


def watches(place: Any, link: str) -> None:
    """Write down what of it passes a link."""
    seen = f"/run/seen-{place.name}-{link}"
    place.sh(f"setsid timeout 60 tcpdump -n -l -i {link} udp port {PORT} > {seen} 2> {seen}.log &")
    place.sh(f"timeout 20 sh -c 'until grep -q ^listening {seen}.log; do sleep 0.1; done'")


def test_a_change_in_place_loses_no_ping(play: Any, containers: Any) -> None:
    first, third = containers["blue1"], containers["blue3"]
    with first.pings(third.addresses()[0]) as lost:
        play(CHANGE, "--extra-vars", '{"overlay_mtu": 1400, "overlay_spoofing": "allow"}')
        play(CHANGE)
    assert lost == set()


def test_two_machines_go_on_when_the_third_ends_which_joins_again_when_it_boots(play: Any, machines: Any, containers: Any) -> None:
    play(SCENARIO / "end.yml")
    for names in MEMBERS.values():
        assert unreached(containers, names[:2]) == []
    play(SCENARIO / "boot.yml")
    machines["node3"].sh("timeout 120 systemctl is-system-running --wait")
    for names in MEMBERS.values():
        assert unreached(containers, names) == []


def test_nothing_is_left_of_it(play: Any, machines: Any) -> None:
    play("weft.netns.teardown")
    differences = {name: machines[name].state() ^ machines[name].kept_state("fresh") for name in MACHINES}
    assert not any(differences.values()), differences
