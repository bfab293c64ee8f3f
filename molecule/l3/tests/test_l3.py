# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers with an address, and little else, from other machines. The tests go on from each other: at the end nothing is left of them."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SCENARIO = Path(__file__).parents[1]
ROUTED = ("api1", "mail1", "api2")
FAMILIES, PROTOCOLS = (4, 6), ("TCP", "UDP")


def address_of(place: Any, variables: Any, family: int) -> str:
    """The address of a container, or of a machine on the wire of eth2."""
    known = place.addresses() if place.name else [each.split("/")[0] for each in variables[place.machine]["machine_addresses"]["eth2"]]
    return next(each for each in known if (":" in each) == (family == 6))


@contextmanager
def serving(place: Any, protocol: str, address: str, port: int) -> Iterator[None]:
    """Answer everybody in here, with the name of the place and the address that they are seen with."""
    listen = f"{_socat(protocol, address)}-LISTEN:{port},bind={_bracketed(address)},fork,reuseaddr"
    answer = f"SYSTEM:read line; echo {place.name or place.machine} $SOCAT_PEERADDR"
    place.sh(
        f"setsid socat {listen} '{answer}' > /dev/null 2>&1 & echo $! > /run/serving\n"
        f"timeout 20 sh -c 'until ss -Hln --{protocol.lower()} sport = :{port} | grep -qF \"{_bracketed(address)}\"; do sleep 0.1; done'"
    )
    try:
        yield
    finally:
        place.sh("kill -- -$(cat /run/serving)")


def asked(place: Any, protocol: str, address: str, port: int) -> tuple[str, str]:
    """Who answers at an address, and with which address this place is seen."""
    answer = place.sh(f"echo who | timeout 30 socat -t 5 STDIO {_socat(protocol, address)}:{_bracketed(address)}:{port} | head -n 1")
    name, seen = answer.split()
    return name, str(ipaddress.ip_address(seen.strip("[]")))


def _socat(protocol: str, address: str) -> str:
    return protocol + ("6" if ":" in address else "4")


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def answering(place: Any, addresses: list[str]) -> list[str]:
    """MACs that a place on the wire of eth2 knows for these addresses."""
    known = {entry["dst"]: entry.get("lladdr") for entry in place.ip("neighbour show dev eth2")}
    return [known[each] for each in addresses]


def mac(machine: Any, link: str = "eth2") -> str:
    [shown] = machine.ip(f"link show {link}")
    return str(shown["address"])


@pytest.mark.parametrize("name", ROUTED)
def test_routed_containers_are_reached_by_proxy_arp_and_nd(machines: Any, containers: Any, name: str) -> None:
    container = containers[name]
    for machine in machines.values():
        assert machine.unanswered(container.addresses()) == []
    assert answering(machines["node3"], container.addresses()) == [mac(machines[container.machine])] * 2


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_published_port_leads_to_a_container(machines: Any, containers: Any, variables: Any, protocol: str, family: int) -> None:
    api, node1, node3 = containers["api1"], machines["node1"], machines["node3"]
    with serving(api, protocol, address_of(api, variables, family), 7777):
        assert asked(node3, protocol, address_of(node1, variables, family), 8080) == ("api1", address_of(node3, variables, family))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("name", "protocol", "port"), [("web1", "TCP", 7777), ("web1", "UDP", 7777), ("web2", "TCP", 7778)])
def test_containers_behind_one_address_have_each_their_ports(
    machines: Any, containers: Any, variables: Any, name: str, protocol: str, port: int, family: int
) -> None:
    web, node1, node3 = containers[name], machines["node1"], machines["node3"]
    with serving(web, protocol, address_of(web, variables, family), port):
        assert asked(node3, protocol, address_of(node1, variables, family), port) == (name, address_of(node3, variables, family))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_they_send_has_the_address_that_they_share(machines: Any, containers: Any, variables: Any, protocol: str, family: int) -> None:
    node1, node3 = machines["node1"], machines["node3"]
    with serving(node3, protocol, address_of(node3, variables, family), 7779):
        for name in ("web1", "web2"):
            told = asked(containers[name], protocol, address_of(node3, variables, family), 7779)
            assert told == ("node3", address_of(node1, variables, family))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_port_that_nobody_has_is_refused(machines: Any, variables: Any, family: int) -> None:
    shared = address_of(machines["node1"], variables, family)
    said = machines["node3"].sh(f"socat -u {_socat('TCP', shared)}:{_bracketed(shared)}:7780,connect-timeout=10 STDOUT 2>&1 || :")
    assert "Connection refused" in said


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("network", ["switched", "led", "filtered"])
def test_ipvlan_containers_reach_those_of_another_machine(
    containers: Any, variables: Any, network: str, protocol: str, family: int
) -> None:
    one, other = containers[f"{network}1"], containers[f"{network}2"]
    with serving(one, protocol, address_of(one, variables, family), 7777):
        assert asked(other, protocol, address_of(one, variables, family), 7777) == (f"{network}1", address_of(other, variables, family))


@pytest.mark.parametrize("network", ["switched", "led", "filtered"])
def test_ipvlan_containers_have_the_mac_of_their_machine(machines: Any, containers: Any, network: str) -> None:
    [inside] = containers[f"{network}1"].ip("link show eth0")
    assert inside["address"] == mac(machines["node1"], "eth2" if network == "led" else "eth1")


@pytest.mark.parametrize(("name", "other"), [("web1", "web2"), ("switched1", "switched2"), ("led1", "led2")])
def test_a_container_is_held_to_its_rates(containers: Any, name: str, other: str) -> None:
    assert containers[name].measured(containers[other]) == pytest.approx(containers[name].allowed(), rel=0.1)


def test_a_lost_carrier_takes_no_proxy_entry_along(machines: Any, containers: Any) -> None:
    node1, node3 = machines["node1"], machines["node3"]
    entries = node1.ip("neighbour show proxy")
    assert len(entries) == 4
    plug("node1", 2, "off")
    node1.sh("timeout 20 sh -c 'until grep -q 0 /sys/class/net/eth2/carrier; do sleep 0.2; done'")
    assert node3.unanswered(containers["mail1"].addresses()) == containers["mail1"].addresses()
    plug("node1", 2, "on")
    node1.sh("timeout 20 sh -c 'until grep -q 1 /sys/class/net/eth2/carrier; do sleep 0.2; done'")
    assert node1.ip("neighbour show proxy") == entries
    node3.sh("ip neighbour flush dev eth2")
    assert node3.unanswered(containers["mail1"].addresses()) == []


def plug(machine: str, wire: int, state: str) -> None:
    """Put a machine's plug into a wire, or pull it (QEMU's set_link)."""
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(os.path.join(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], machine, "monitor"))
        for command in ("", f"set_link port{wire} {state}\n"):
            monitor.sendall(command.encode())
            said = b""
            while not said.endswith(b"(qemu) "):
                said += monitor.recv(4096)
        assert b"not found" not in said


def test_an_address_that_a_stranger_has_is_refused(place: Any, machines: Any) -> None:
    node2, node3 = machines["node2"], machines["node3"]
    addresses = ["192.0.2.149", "2001:db8::1:49"]
    late = {"late": {"interfaces": {"eth0": {"network": "green", "addresses": addresses}}}}
    before = node2.state()
    node3.sh("ip address add 192.0.2.149/32 dev eth2 && ip address add 2001:db8::1:49/128 dev eth2 nodad")
    try:
        said = place(late, "node2", succeeds=False)
    finally:
        node3.sh("ip address del 192.0.2.149/32 dev eth2 && ip address del 2001:db8::1:49/128 dev eth2")
    for address in addresses:
        assert f"{address} is taken: on eth2, {mac(node3)} has it" in said
    assert node2.state() ^ before == set()
    place(late, "node2")
    assert node3.unanswered(addresses) == []


def test_a_container_forwards_nothing_though_its_machine_does(machines: Any) -> None:
    """Linux lets a namespace begin with what the machine has: `ip netns add` shows it."""
    ask = "sysctl -n net.ipv4.ip_forward"
    told = machines["node2"].sh(f"{ask}; ip netns add plain; ip netns exec plain {ask}; ip netns del plain; ip netns exec late {ask}")
    assert told.split() == ["1", "1", "0"]


def test_an_address_moves_to_another_machine_in_one_run_and_is_reached_there_at_once(
    place: Any, machines: Any, containers: Any, variables: Any
) -> None:
    mail, node3 = containers["mail1"], machines["node3"]
    assert node3.unanswered(mail.addresses()) == []
    assert answering(node3, mail.addresses()) == [mac(machines["node1"])] * 2
    place({"mail1": variables["node1"]["netns_containers"]["mail1"]}, "node2")
    known = {entry["dst"]: entry.get("lladdr") for entry in node3.ip("neighbour show dev eth2")}
    assert mac(machines["node1"]) not in {known.get(each) for each in mail.addresses()}, "nobody goes on to the old one"
    assert node3.unanswered(mail.addresses()) == []
    assert answering(node3, mail.addresses()) == [mac(machines["node2"])] * 2


def test_nothing_is_left_of_it(play: Any, machines: Any) -> None:
    play(SCENARIO / "teardown.yml")
    differences = {name: machine.state() ^ machine.kept_state("fresh") for name, machine in machines.items()}
    assert not any(differences.values()), differences
