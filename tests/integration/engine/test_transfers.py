# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge takes the addresses of the NIC by which the host is reached, and gives them back."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest
from hosts import Host

from _engine.engine import converge
from _engine.errors import NetnsError

BRIDGE = {"kind": "bridge", "mac": "02:00:00:00:00:01", "bridge": {"addresses_of": "nic0"}, "addresses": ["192.0.2.77/24"]}
TAKEN: dict[str, Any] = {
    "host": {
        "links": {
            "br0": BRIDGE,
            "nic0": {"master": "br0", "state": "up"},
            "v1": {"kind": "veth", "veth": {"peer": "eth0", "namespace": "web1"}, "master": "br0"},
        },
        "routes": [{"destination": "10.99.0.0/24", "gateway": "192.0.2.254"}],
    },
    "namespaces": {"web1": {"links": {"eth0": {"kind": "veth", "veth": {"peer": "v1"}, "addresses": ["192.0.2.11/24"]}}}},
}
MOVE = "move from host/nic0 to host/br0: "
BACK = "move from host/br0 to host/nic0: "


def wire(host: Host, names: tuple[str, ...] = ("nic0",)) -> None:
    """NICs without addresses, each with a neighbour on its wire."""
    for name in names:
        host.sh(f"""
            ip netns add far-{name} && ip link add {name} type veth peer name eth0 netns far-{name}
            ip link set {name} up && ip -n far-{name} link set eth0 up
            ip -n far-{name} addr add 192.0.2.254/24 dev eth0 && ip -n far-{name} addr add 2001:db8::ff/64 dev eth0 nodad
        """)


def usual(host: Host) -> None:
    """What a server has, and more of it than most."""
    wire(host)
    host.sh("""
        ip addr add 192.0.2.9/24 brd + dev nic0 && ip addr add 192.0.2.8/24 dev nic0 label nic0:1
        ip addr add 198.51.100.7 peer 198.51.100.8/32 dev nic0 && ip addr add 203.0.113.3/25 dev nic0 noprefixroute metric 50
        ip addr add 2001:db8::9/64 dev nic0 nodad && ip addr add 2001:db8::8/64 dev nic0 preferred_lft 0
        ip addr add 2001:db8:1::1/64 dev nic0 noprefixroute
        ip route add 203.0.113.0/25 dev nic0 proto kernel src 203.0.113.3 metric 100
        ip route add default via 192.0.2.254 dev nic0 proto static src 192.0.2.8 metric 100 mtu 1400
        ip route add 10.8.0.0/16 nexthop via 192.0.2.254 dev nic0 weight 2 nexthop via 192.0.2.253 dev nic0
        ip route add 10.7.0.0/16 via 192.0.2.254 table 77 && ip route add blackhole 10.6.0.0/16 src 192.0.2.9
        ip -6 route add default via 2001:db8::ff dev nic0 proto static metric 70
        ip -6 route add 2001:db8:9::/48 via fe80::1 dev nic0 && ip -6 route add 2001:db8:1::/64 dev nic0 proto kernel metric 100
        ip rule add from 192.0.2.8 lookup 77 priority 90
    """)


def addresses(host: Host, link: str) -> list[str]:
    return [each["local"] for shown in host.ip("addr", "show", link) for each in shown["addr_info"] if not each["local"].startswith("fe80")]


def test_all_is_moved_and_given_back_as_it_was(host: Host) -> None:
    usual(host)
    before, order = host.digest(), addresses(host, "nic0")
    outcome = host.apply(TAKEN)
    [step] = [step for step in outcome.steps if step.startswith("move")]
    assert step == (
        MOVE + "192.0.2.9/24, 198.51.100.7/32, 203.0.113.3/25, 192.0.2.8/24, 2001:db8:1::1/64, 2001:db8::8/64, 2001:db8::9/64, "
        "route 10.7.0.0/16 via 192.0.2.254 dev nic0 table 77, route default via 192.0.2.254 dev nic0 src 192.0.2.8 metric 100, "
        "route 10.8.0.0/16 via 192.0.2.253 dev nic0 via 192.0.2.254 dev nic0 weight 2, "
        "route 2001:db8:9::/48 via fe80::1 dev nic0, route default via 2001:db8::ff dev nic0 metric 70"
    )
    assert [each.split("/")[0] for each in outcome.before["host"]["links"]["nic0"]["addresses"]] == order
    assert addresses(host, "nic0") == []
    assert addresses(host, "br0") == [*order[:4], "192.0.2.77", *order[4:]]
    labels = {each["local"]: each.get("label") for each in host.ip("addr", "show", "br0")[0]["addr_info"]}
    assert (labels["192.0.2.9"], labels["192.0.2.8"]) == ("br0", "br0:1")
    assert all(hop.get("dev") != "nic0" for route in host.ip("route") for hop in [route, *route.get("nexthops", [])])
    assert host.reaches("192.0.2.9", "far-nic0")
    assert host.reaches("2001:db8::9", "far-nic0")
    assert host.reaches("192.0.2.254", "web1")
    host.apply(None, state="absent")
    assert addresses(host, "nic0") == order
    assert host.since(before) == []


def test_it_can_be_let_be(host: Host) -> None:
    """The key is taken away: the bridge stays, and what is its own."""
    wire(host)
    host.sh("ip addr add 192.0.2.9/24 dev nic0 && ip route add default via 192.0.2.254")
    host.apply(TAKEN)
    own = {"kind": "bridge", "mac": BRIDGE["mac"], "addresses": BRIDGE["addresses"]}
    outcome = host.apply({"host": {"links": {"br0": own}, "routes": TAKEN["host"]["routes"]}})
    assert outcome.steps[0] == BACK + "192.0.2.9/24, route default via 192.0.2.254 dev br0, route 10.99.0.0/24 via 192.0.2.254 dev br0"
    assert (addresses(host, "nic0"), addresses(host, "br0")) == (["192.0.2.9"], ["192.0.2.77"])
    assert host.ip("route", "show", "default")[0]["dev"] == "nic0"


def test_another_nic(host: Host) -> None:
    wire(host, ("nic0", "nic1"))
    host.sh("ip addr add 192.0.2.9/24 dev nic0 && ip addr add 198.51.100.9/24 dev nic1")
    document = {"host": {"links": {"br0": {"kind": "bridge", "bridge": {"addresses_of": "nic0"}}}}}
    host.apply(document)
    other = {"host": {"links": {"br0": {"kind": "bridge", "bridge": {"addresses_of": "nic1"}}}}}
    steps = host.apply(other).steps
    assert [step for step in steps if step.startswith("move")] == [
        BACK + "192.0.2.9/24",
        "move from host/nic1 to host/br0: 198.51.100.9/24",
    ]
    assert {link: addresses(host, link) for link in ("nic0", "nic1", "br0")} == {
        "nic0": ["192.0.2.9"],
        "nic1": [],
        "br0": ["198.51.100.9"],
    }


def test_what_comes_to_the_nic_later_is_moved_by_the_next_run(host: Host) -> None:
    wire(host)
    host.sh("ip addr add 192.0.2.9/24 dev nic0 && ip route add default via 192.0.2.254")
    host.apply(TAKEN)
    host.sh("ip addr add 192.0.2.9/24 dev nic0 && ip addr add 192.0.2.5/24 dev nic0")
    assert host.apply(TAKEN).steps == [MOVE + "192.0.2.9/24, 192.0.2.5/24"]
    assert addresses(host, "br0") == ["192.0.2.9", "192.0.2.77", "192.0.2.5"]


def test_single_module(host: Host) -> None:
    wire(host)
    host.sh("ip addr add 192.0.2.9/24 dev nic0")
    single: dict[str, Any] = {"name": "", "purge": False}
    host.apply({"host": {"links": {"br0": {"kind": "bridge", "bridge": {"addresses_of": "nic0"}}}}}, **single)
    host.apply({"host": {"links": {"other": {"kind": "bridge"}}}}, **single)
    assert addresses(host, "br0") == ["192.0.2.9"]
    host.apply({"host": {"links": {"br0": {"state": "absent"}}}}, **single)
    assert addresses(host, "nic0") == ["192.0.2.9"]


REFUSED = {
    "ip addr add 192.0.2.9/24 dev nic0 valid_lft 3600 preferred_lft 3600": "nic0 has 192.0.2.9 for a limited time",
    "ip addr add 2001:db8::9/64 dev nic0 valid_lft 3600 preferred_lft 3600": "nic0 has 2001:db8::9 for a limited time",
    "ip addr add 192.0.2.9/24 dev nic0 && ip route add default via 192.0.2.254 proto dhcp": (
        "the route default via 192.0.2.254 dev nic0 was learnt by DHCP"
    ),
}


@pytest.mark.parametrize("command", REFUSED)
def test_what_is_held_for_a_time_is_left_to_who_renews_it(host: Host, command: str) -> None:
    wire(host)
    host.sh(command)
    before = host.digest()
    for check in (True, False):
        with pytest.raises(NetnsError) as caught:
            converge(TAKEN, check=check)
        assert str(caught.value).startswith("host.links.br0.bridge.addresses_of: " + REFUSED[command])
        assert "have what configures nic0 configure br0 instead" in str(caught.value)
    assert host.since(before) == []


def test_addresses_that_a_document_gives_to_the_nic_stay(host: Host) -> None:
    wire(host)
    host.apply({"host": {"links": {"nic0": {"addresses": ["192.0.2.9/24"]}}}}, name="other")
    with pytest.raises(NetnsError, match=r"192\.0\.2\.9, which a document gives to nic0 itself: give it to br0 there"):
        converge(TAKEN)


def test_names_told_by_routes_and_addresses_follow(host: Host) -> None:
    """A route whose source is an address of the link of the default route: the same in the first run and in the second."""
    wire(host)
    host.sh("ip addr add 192.0.2.9/24 dev nic0 && ip route add default via 192.0.2.254")
    symbolic = {
        "links": {**TAKEN["host"]["links"], "out": {"route_to": "0.0.0.0"}},
        "routes": [{"destination": "10.5.0.0/16", "gateway": "192.0.2.254", "link": "out", "source": "out"}],
    }
    host.apply({**TAKEN, "host": symbolic})
    [route] = host.ip("route", "show", "10.5.0.0/16")
    assert route["dev"] == "br0"
    host.apply({"host": {"links": {"out": symbolic["links"]["out"]}, "routes": symbolic["routes"]}})
    [route] = host.ip("route", "show", "10.5.0.0/16")
    assert (route["dev"], route["prefsrc"]) == ("nic0", "192.0.2.9")


SERVER = """
import socket
connection, _address = socket.create_server(("192.0.2.9", 7)).accept()
while data := connection.recv(99):
    connection.sendall(data)
"""
CLIENT = """
import select, socket, sys, time
connection = socket.create_connection(("192.0.2.9", 7))
longest = 0
print("connected")
while not select.select([sys.stdin], [], [], 0.005)[0]:
    begun = time.monotonic()
    connection.sendall(b"x")
    assert connection.recv(9) == b"x"
    longest = max(longest, time.monotonic() - begun)
print(longest)
"""


def test_who_is_connected_stays_connected(host: Host) -> None:
    """A neighbour goes on talking to the host, by a connection that it had before, while the address moves there and back."""
    wire(host)
    host.sh("ip addr add 192.0.2.9/24 dev nic0 && ip route add default via 192.0.2.254")
    assert host.reaches("192.0.2.9", "far-nic0")
    with subprocess.Popen(["python3", "-c", SERVER]) as server:
        time.sleep(0.5)
        command = ["ip", "netns", "exec", "far-nic0", "python3", "-uc", CLIENT]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
            assert client.stdout
            client.stdout.readline()
            for document, state in ((TAKEN, "present"), (None, "absent")):
                converge(document, state=state)
                time.sleep(0.5)
            longest, _errors = client.communicate("stop")
        assert server.wait(5) == 0
    # Each link asks for its neighbours anew. What is lost is sent again: by TCP after 0.2 s and 0.4 s more, by ARP after a second.
    assert float(longest) < 2, f"{longest} s without an answer"
