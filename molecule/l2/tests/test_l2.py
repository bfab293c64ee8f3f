# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways into a link layer, each used from within. The tests go on from each other: at the end nothing is left of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

SCENARIO = Path(__file__).parents[1]
CHANGE = SCENARIO.parent / "machines" / "change.yml"
MACHINES = ("node1", "node2", "node3")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("tagged1", "tagged2", id="bridges on a VLAN of the wire"),
        pytest.param("access1", "access2", id="one VLAN of bridges that filter them"),
        pytest.param("shared1", "shared2", id="macvlans of one device"),
        pytest.param("reflected2", "reflected3", id="macvlans that hear each other by the wire"),
        pytest.param("alone2", "alone3", id="macvlans that have a device to themselves"),
        pytest.param("chosen1", "chosen2", id="macvlans that hear those they name"),
        pytest.param("netkit1", "netkit2", id="netkit"),
        pytest.param("left1", "right1", id="a pair between containers"),
        pytest.param("right1", "server1", id="the other one of two networks"),
    ],
)
def test_containers_of_a_network_reach_each_other(containers: Any, one: str, other: str) -> None:
    network = containers[other].interfaces[0]["network"]
    assert containers[one].unanswered(containers[other].addresses(network)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("access1", "other2", id="VLANs of one bridge"),
        pytest.param("apart1", "apart2", id="private macvlans"),
        pytest.param("reflected3", "reflected4", id="macvlans that hear each other by a switch that is not there"),
        pytest.param("stranger2", "chosen1", id="a macvlan, and one that does not name it"),
    ],
)
def test_what_is_apart_does_not_reach_each_other(containers: Any, one: str, other: str) -> None:
    assert containers[one].unanswered(containers[other].addresses()) == containers[other].addresses()


def test_a_macvlan_that_has_a_device_to_itself_has_its_mac(machines: Any, containers: Any) -> None:
    (link,) = containers["alone3"].ip("link show eth0")
    (device,) = machines["node3"].ip("link show eth2")
    assert link["address"] == device["address"]


def test_netkit_is_netkit(containers: Any) -> None:
    (link,) = containers["netkit1"].ip("link show eth0")
    assert link["linkinfo"]["info_kind"] == "netkit"


def test_a_device_and_its_macvlans_talk_by_an_address_of_the_host(machines: Any, containers: Any) -> None:
    assert containers["shared1"].unanswered(["10.73.0.2", "fd00:73::2"]) == []
    assert machines["node3"].unanswered(containers["shared1"].addresses()) == []


def test_a_container_in_two_networks_has_the_default_route_that_is_declared(containers: Any) -> None:
    (route,) = containers["right1"].ip("route show default")
    assert (route["gateway"], route["dev"]) == ("10.76.0.0", "eth0")


def test_a_container_has_vlans_of_its_trunk_and_a_vrf(containers: Any) -> None:
    trunk = containers["trunk1"]
    trunk.sh(
        "ip link add red up type vrf table 20\n"
        "ip link add link eth0 name eth0.20 up master red type vlan id 20\n"
        "ip address add 10.71.0.20/24 dev eth0.20\n"
        "ip link add link eth0 name eth0.10 up type vlan id 10\n"
        "ip address add 10.71.0.10/24 dev eth0.10\n"
    )
    assert trunk.unanswered(["10.71.0.11", "10.71.0.12"]) == []
    assert trunk.unanswered(["10.71.0.22"]) == ["10.71.0.22"]
    assert ", 0% packet loss" in trunk.sh("ip vrf exec red ping -q -c 1 -W 5 10.71.0.22")


def test_a_container_has_a_device_of_the_host_as_its_own(machines: Any, containers: Any) -> None:
    router = containers["router3"]
    (link,) = router.ip("link show wan0")
    assert link["address"].startswith("52:54:00:00:01:")  # as QEMU gave it
    assert "eth1" not in {each["ifname"] for each in machines["node3"].ip("link")}
    router.sh("ip link add link wan0 name wan0.10 up type vlan id 10; ip address add 10.71.0.30/24 dev wan0.10")
    assert router.unanswered(["10.71.0.11", "10.71.0.12"]) == []


def test_containers_are_held_to_their_rates(containers: Any) -> None:
    netkit, router, access = containers["netkit1"], containers["router3"], containers["access1"]
    assert netkit.measured(containers["netkit2"]) == pytest.approx(netkit.allowed(), rel=0.1)
    assert router.measured(access, "10.71.0.30") == pytest.approx(router.allowed(), rel=0.1)


def test_a_container_gives_leases_and_another_has_one(containers: Any) -> None:
    server, client = containers["server1"], containers["client1"]
    server.sh(
        "dnsmasq --conf-file=/dev/null --port=0 --interface=eth0 --bind-interfaces --dhcp-range=10.77.0.100,10.77.0.150"
        " --dhcp-leasefile=/run/server1.leases --pid-file=/run/server1.pid --user=root"
    )
    client.sh("udhcpc -q -n -i eth0")
    server.sh("kill $(cat /run/server1.pid)")
    (link,) = client.ip("-4 address show dev eth0")
    assert [each["local"].startswith("10.77.0.1") for each in link["addr_info"]] == [True]
    assert client.unanswered(["10.77.0.1", "10.77.0.6"]) == []


def test_containers_make_a_tunnel_between_them(containers: Any) -> None:
    ends = [containers["tagged1"], containers["tagged2"]]
    keys = [end.sh(f"(umask 077; wg genkey > /run/{end.name}.key); wg pubkey < /run/{end.name}.key").strip() for end in ends]
    for number, (end, other, key) in enumerate(zip(ends, reversed(ends), reversed(keys)), 1):
        peer = f"peer {key} endpoint {other.addresses()[0]}:51900 allowed-ips 10.79.0.0/24"
        end.sh(
            "ip link add wg0 type wireguard\n"
            f"wg set wg0 listen-port 51900 private-key /run/{end.name}.key {peer}\n"
            f"ip address add 10.79.0.{number}/24 dev wg0\n"
            "ip link set wg0 up\n"
        )
    assert ends[0].unanswered(["10.79.0.2"]) == []


def test_a_tunnel_is_the_only_way_out(machines: Any, variables: Any) -> None:
    for name in ("node1", "node2"):
        machine = machines[name]
        assert {link["ifname"] for link in machine.ip("-n tunnel link")} == {"lo", "wg0"}
        assert machine.sh("ip netns exec tunnel ss -Hlun") == ""
        assert ":51820 " in machine.sh("ss -Hlun")
    machines["node1"].sh(f"ip netns exec tunnel ping -q -c 1 -W 5 {variables['node2']['tunnel']['address']}")


def test_a_container_filters_its_packets(containers: Any) -> None:
    server, other = containers["access2"], containers["access1"]
    server.sh("nft 'table inet own { chain input { type filter hook input priority 0; meta l4proto icmp drop; }; }'")
    assert other.unanswered(server.addresses()) == [server.addresses()[0]]
    server.sh("nft delete table inet own")
    assert other.unanswered(server.addresses()) == []


def test_what_containers_do_by_themselves_is_theirs(play: Any) -> None:
    play("weft.netns.check")


def test_a_change_in_place_loses_no_ping(play: Any, containers: Any) -> None:
    with containers["access1"].pings(containers["access2"].addresses()[0]) as lost:
        play(CHANGE, "--limit", "node1,node2", "--extra-vars", '{"lan_mtu": 1400}')
        play(CHANGE, "--limit", "node1,node2")
    assert lost == set()


def test_an_address_moves_to_another_machine_in_one_run(place: Any, containers: Any, variables: Any) -> None:
    server, client = containers["tagged1"], containers["tagged2"]
    assert client.unanswered(server.addresses()) == []
    place({"tagged1": variables["node1"]["netns_containers"]["tagged1"]}, "node3")
    (link,) = replace(server, machine="node3").ip("link show eth0")
    known = {entry["dst"]: entry.get("lladdr") for entry in client.ip("neighbour show dev eth0")}
    assert [known[each] for each in server.addresses()] == [link["address"]] * 2, "who knew the old one has been told"
    assert client.unanswered(server.addresses()) == []


def test_nothing_is_left_of_it(play: Any, machines: Any, containers: Any) -> None:
    (inside,) = containers["router3"].ip("link show wan0")
    # A container that somebody deletes by hand drops its device on the machine, under the name that it had inside.
    machines["node3"].sh("ip netns delete router3; timeout 60 sh -c 'until ip link show wan0; do sleep 0.2; done'")
    play(SCENARIO / "teardown.yml")
    (device,) = machines["node3"].ip("link show eth1")
    assert (device["address"], device["mtu"]) == (inside["address"], 1600)  # its addresses are among what is compared below
    differences = {name: machines[name].state() ^ machines[name].kept_state("fresh") for name in MACHINES}
    assert not any(differences.values()), differences
