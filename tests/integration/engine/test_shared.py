# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mode shared from the inventory to packets: containers behind one address of the host, a router and somebody beyond it."""

from __future__ import annotations

import contextlib
import errno
import itertools
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from flows import Listener, listening, opened, peer, sees
from hosts import Host

from ansible_collections.weft.netns.plugins.plugin_utils._compile import compile_fleet

SHARED = {4: "198.51.100.1", 6: "2001:db8::1"}
FAR = {4: "203.0.113.2", 6: "2001:db8:1::2"}
ROUTER = {4: "203.0.113.1", 6: "2001:db8:1::1"}
FAMILIES, PROTOCOLS = (4, 6), ("tcp", "udp")
EVERY = list(itertools.product(FAMILIES, PROTOCOLS))
NARROW = 1300  # the MTU between router and far end

# host -- router -- far, the last link narrower.
WIRE = f"""
    echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
    for name in router far; do
        ip netns add $name
        ip netns exec $name sh -c 'for each in default all; do echo 0 >/proc/sys/net/ipv6/conf/$each/accept_dad; done'
        ip -n $name link set lo up
    done
    ip link add up0 type veth peer name eth0 netns router
    ip -n router link add eth1 type veth peer name eth0 netns far
    ip addr add 198.51.100.1/24 dev up0; ip addr add 2001:db8::1/64 dev up0; ip link set up0 up
    ip -n router addr add 198.51.100.2/24 dev eth0; ip -n router addr add 2001:db8::2/64 dev eth0; ip -n router link set eth0 up
    ip -n router addr add 203.0.113.1/24 dev eth1; ip -n router addr add 2001:db8:1::1/64 dev eth1
    ip -n router link set eth1 mtu {NARROW} up; ip -n far link set eth0 mtu {NARROW} up
    ip -n far addr add 203.0.113.2/24 dev eth0; ip -n far addr add 2001:db8:1::2/64 dev eth0
    ip netns exec router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
    ip route add default via 198.51.100.2; ip -6 route add default via 2001:db8::2
    ip -n far route add default via 203.0.113.1; ip -n far -6 route add default via 2001:db8:1::1
"""
NETWORK = {"mode": "shared", "shared": {"addresses": [*SHARED.values()]}, "subnets": ["10.99.0.0/24", "fd00:99::/64"]}
PORTS = {
    "web1": {"tcp": [80, "8000-8099"], "udp": [80, "8000-8099", "40000-60999"]},
    "web2": {"tcp": [81], "udp": [81]},
}

WEB1 = {80, *range(8000, 8100)}
OWNED = {("web1", "tcp"): WEB1, ("web1", "udp"): {*WEB1, *range(40000, 61000)}, ("web2", "tcp"): {81}, ("web2", "udp"): {81}}
NOBODYS = range(32768, 40000)


def document() -> Any:
    containers = {name: {"interfaces": {"eth0": {"network": "public", "ports": ports}}} for name, ports in PORTS.items()}
    return compile_fleet({"host1": {"netns_networks": {"public": NETWORK}, "netns_containers": containers}}, {}).documents["host1"]


@pytest.fixture
def shared(host: Host) -> Host:
    host.sh(WIRE)
    assert host.apply(document()).obstacles == []
    assert [(name, address) for name in PORTS for address in FAR.values() if not host.reaches(address, name)] == []
    return host


@pytest.mark.parametrize(("family", "protocol"), EVERY)
def test_inbound_each_port_is_its_owners(shared: Host, family: int, protocol: str) -> None:
    for name, port in (("web1", 80), ("web1", 8042), ("web2", 81)):
        with listening(name, protocol, family, port) as listener:
            assert sees(listener, "far", (SHARED[family], port)) == FAR[family]
            assert sees(listener, None, (SHARED[family], port)) == SHARED[family]


@pytest.mark.parametrize(("family", "protocol"), EVERY)
def test_among_themselves_they_are_the_shared_address(shared: Host, family: int, protocol: str) -> None:
    with listening("web1", protocol, family, 80) as listener:
        assert sees(listener, "web2", (SHARED[family], 80)) == SHARED[family]
        assert sees(listener, "web1", (SHARED[family], 80)) == SHARED[family]


@pytest.mark.parametrize(("family", "protocol"), EVERY)
def test_outbound_they_have_its_address_and_ports_of_nobody(shared: Host, family: int, protocol: str) -> None:
    """Also if both choose the same port of their own, and one that is the other's."""
    with listening("far", protocol, family, 7777) as listener, contextlib.ExitStack() as stack:
        found = set()
        for name, port in itertools.product(PORTS, (0, 80, 81, 8000, 33333, 50000)):
            client = stack.enter_context(opened(name, protocol, family))
            client.bind(("", port))
            own = client.getsockname()[1]
            seen = peer(listener, client, (FAR[family], 7777))
            assert seen and seen[0] == SHARED[family]
            assert seen[1] == own if own in OWNED[name, protocol] else seen[1] in NOBODYS
            found.add(seen)
        assert len(found) == 12


@pytest.mark.parametrize("family", FAMILIES)
def test_what_nobody_owns_is_the_hosts(shared: Host, family: int) -> None:
    """It is refused as the host refuses, and the host's own services are there."""
    for protocol in PROTOCOLS:
        with opened("far", protocol, family) as client, pytest.raises(ConnectionRefusedError):
            client.connect((SHARED[family], 82))
            client.send(b"anybody")
            client.recv(99)
        with listening(None, protocol, family, 22) as listener:
            assert sees(listener, "far", (SHARED[family], 22)) == FAR[family]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_port_that_is_owned_and_closed_is_refused_by_its_owner(shared: Host, family: int) -> None:
    for protocol in PROTOCOLS:
        with opened("far", protocol, family) as client, pytest.raises(ConnectionRefusedError):
            client.connect((SHARED[family], 81))
            client.send(b"anybody")
            client.recv(99)


@pytest.mark.parametrize("family", FAMILIES)
def test_port_unreachable_reaches_who_sent(shared: Host, family: int) -> None:
    """Both send from the same port to the same closed one: each hears of its own."""
    with contextlib.ExitStack() as stack:
        first, second = (stack.enter_context(opened(name, "udp", family)) for name in PORTS)
        for client in (first, second):
            client.bind(("", 33333))
            client.connect((FAR[family], 9))
        first.send(b"x")
        with pytest.raises(ConnectionRefusedError):
            first.recv(99)
        second.settimeout(0.3)
        with pytest.raises(socket.timeout):
            second.recv(99)


@pytest.mark.parametrize("family", FAMILIES)
def test_fragmentation_needed_reaches_who_sent(shared: Host, family: int) -> None:
    """The router before the narrow link tells the owner, who learns what fits."""
    level, discover, value = {4: (socket.IPPROTO_IP, 10, 14), 6: (socket.IPPROTO_IPV6, 23, 24)}[family]  # IP_MTU_DISCOVER, IP_MTU
    with listening("far", "udp", family, 7777) as listener, opened("web1", "udp", family) as client:
        client.setsockopt(level, discover, 2)  # IP_PMTUDISC_DO
        client.connect((FAR[family], 7777))
        client.send(bytes(1400))
        deadline = time.monotonic() + 2
        while client.getsockopt(level, value) != NARROW and time.monotonic() < deadline:
            time.sleep(0.02)
        assert client.getsockopt(level, value) == NARROW
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.EMSGSIZE
        assert arrives(client, listener, bytes(1200))


def arrives(client: socket.socket, listener: Listener, content: bytes) -> bool:
    client.send(content)
    return listener.socket.recv(2000) == content


@pytest.mark.parametrize("family", FAMILIES)
def test_the_far_end_learns_what_its_path_carries_too(shared: Host, family: int) -> None:
    """An error about what was sent to the shared address quotes the shared address, not the one inside."""
    shared.sh("ip netns exec web1 ip link set eth0 mtu 1280; ip link set vweb1 mtu 1280")
    level, discover, value = {4: (socket.IPPROTO_IP, 10, 14), 6: (socket.IPPROTO_IPV6, 23, 24)}[family]
    with listening("web1", "udp", family, 80), opened("far", "udp", family) as client:
        client.setsockopt(level, discover, 2)
        client.connect((SHARED[family], 80))
        client.send(bytes(NARROW - {4: 28, 6: 48}[family]))
        deadline = time.monotonic() + 2
        while client.getsockopt(level, value) != 1280 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert client.getsockopt(level, value) == 1280


def test_nothing_is_left(host: Host) -> None:
    host.sh(WIRE)
    before = host.digest()
    host.apply(document())
    with listening("far", "udp", 4, 7777) as listener:
        assert sees(listener, "web1", (FAR[4], 7777)) == SHARED[4]
    with listening("web1", "tcp", 4, 80) as listener:
        assert sees(listener, "far", (SHARED[4], 80)) == FAR[4]
    host.apply(None, state="absent")
    assert host.since(before) == []
    assert " 10.99.0" not in Path("/proc/thread-self/net/nf_conntrack").read_text(encoding="ascii").replace("=", " ")
