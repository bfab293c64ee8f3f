# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Published ports on a real kernel: who reaches whom, whom the container sees, and what is left when they go."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest
from flows import Listener, listening, opened, sees
from frames import ethernet, ipv4, raw_socket
from hosts import Host
from published import EVERY, FAMILIES, GATEWAY, HOST, LOOPBACK, OUTER, OUTSIDE, PROTOCOLS, SECOND, WEB, apply, bridged, publish, routed

from _engine.engine import converge
from _engine.errors import NetnsError

NETWORKS = {"bridged": (bridged, "br"), "bridged, with br_netfilter": (bridged, "br"), "routed": (routed, "vweb1")}
BRIDGE_SYSCTLS = Path("/proc/sys/net/bridge")


@pytest.fixture(params=NETWORKS)
def published(host: Host, request: pytest.FixtureRequest) -> str:
    """Two containers, one with a published port, and somebody outside."""
    host.sh(OUTSIDE)
    kind = str(request.param)
    if BRIDGE_SYSCTLS.exists():
        for family in ("iptables", "ip6tables"):
            (BRIDGE_SYSCTLS / f"bridge-nf-call-{family}").write_text("1" if "br_netfilter" in kind else "0", encoding="ascii")
    elif "br_netfilter" in kind:
        pytest.skip("this kernel has not loaded br_netfilter")
    make, link = NETWORKS[kind]
    apply(host, make(publish(link=link)))
    return kind


@pytest.mark.parametrize(("family", "protocol"), EVERY)
def test_everybody_reaches_it_and_is_seen(published: str, family: int, protocol: str) -> None:
    """Who is behind the same link is answered by way of the host, and so is seen with the host's address."""
    neighbour = GATEWAY[family] if published == "bridged" else WEB["web2"][family]
    with listening("web1", protocol, family, 80) as listener:
        assert sees(listener, "outside", (HOST[family], 8080)) == OUTER[family]
        assert sees(listener, None, (HOST[family], 8080)) == HOST[family]
        assert [sees(listener, "web2", (address[family], 8080)) for address in (HOST, SECOND)] == [neighbour] * 2
        itself = sees(listener, "web1", (HOST[family], 8080))
        if "br_netfilter" not in published:  # there, the bridge sends it on at once, and never where it came from
            assert itself not in (None, WEB["web1"][family])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_loopback_address_leads_there_by_ipv4(published: str, protocol: str) -> None:
    """The kernel has no route_localnet for IPv6: what is sent to ::1 stays on the host."""
    with listening("web1", protocol, 4, 80) as listener:
        assert sees(listener, None, (LOOPBACK[4], 8080)) not in (None, LOOPBACK[4])
    with listening(None, protocol, 6, 8080, "::1") as own:
        assert sees(own, None, (LOOPBACK[6], 8080)) == "::1"


def test_nobody_behind_the_link_reaches_the_loopback_address(host: Host, published: str) -> None:
    """The kernel lets such packets in there, for the sake of the answers."""
    host_mac = host.ip("link", "show", "dev", "vweb1" if published == "routed" else "br")[0]["address"]
    container = host.ip("link", "show", "dev", "eth0", namespace="web1")[0]["address"]
    sender, receiver = raw_socket("web1", "eth0"), opened(None, "udp", 4)
    with sender, receiver:
        receiver.bind(("127.0.0.1", 9))
        for source, destination in ((WEB["web1"][4], "127.0.0.1"), ("127.0.0.1", GATEWAY[4]), ("127.0.0.1", "127.0.0.1")):
            sender.send(ethernet(container, host_mac, 0x0800, ipv4(source, destination)) + bytes(24))
        with pytest.raises(socket.timeout):
            receiver.recv(99)
        host.sh("nft flush chain inet weft-default looped")
        sender.send(ethernet(container, host_mac, 0x0800, ipv4(WEB["web1"][4], "127.0.0.1")) + bytes(24))
        assert receiver.recv(99)


# -- which address, and what becomes of connections


def test_one_address_of_the_host(host: Host) -> None:
    host.sh(OUTSIDE)
    apply(host, bridged([{**each, "host_address": SECOND[6 if ":" in each["address"] else 4]} for each in publish()]))
    for family, protocol in EVERY:
        with listening("web1", protocol, family, 80) as listener, listening(None, protocol, family, 8080, HOST[family]) as own:
            assert sees(listener, "outside", (SECOND[family], 8080)) == OUTER[family]
            assert sees(own, "outside", (HOST[family], 8080)) == OUTER[family]


def test_several_ports_keep_their_numbers(host: Host) -> None:
    host.sh(OUTSIDE)
    entry = {"protocol": "udp", "host_port": "5000-5099", "host_address": HOST[4], "address": WEB["web1"][4], "link": "br"}
    apply(host, bridged([entry]))
    for port in (5000, 5042, 5099):
        with listening("web1", "udp", 4, port) as listener:
            assert sees(listener, "outside", (HOST[4], port)) == OUTER[4]
    with listening(None, "udp", 4, 5100) as listener:
        assert sees(listener, "outside", (HOST[4], 5100)) == OUTER[4]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_flow_follows_a_publication_that_moves_and_ends_with_it(host: Host, family: int) -> None:
    """One of UDP has no end: as long as somebody sends, the kernel would not ask the rules again."""
    host.sh(OUTSIDE)
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(opened("outside", "udp", family))
        client.connect((HOST[family], 8080))
        apply(host, bridged())
        own = stack.enter_context(listening(None, "udp", family, 8080))
        assert receives(own, client)
        own.socket.close()
        apply(host, bridged(publish()))
        first, second = (stack.enter_context(listening(name, "udp", family, 80)) for name in WEB)
        assert receives(first, client)
        apply(host, bridged(publish("web2")))
        assert (receives(first, client), receives(second, client)) == (False, True)
        apply(host, bridged())
        assert not receives(second, client)
        again = stack.enter_context(listening(None, "udp", family, 8080))
        assert receives(again, client)


def test_what_goes_on_is_left_alone(host: Host) -> None:
    """A connection of TCP to the published port, and one to another, while a third one is published."""
    host.sh(OUTSIDE)
    apply(host, bridged(publish()))
    with listening("web1", "tcp", 4, 80) as listener, opened("outside", "tcp", 4) as client:
        client.connect((HOST[4], 8080))
        accepted, _peer = listener.socket.accept()
        with accepted:
            apply(host, bridged(publish(), [{**each, "host_port": 9090} for each in publish("web2")]))
            client.send(b"still there")
            assert accepted.recv(99) == b"still there"


def receives(listener: Listener, client: socket.socket) -> bool:
    token = os.urandom(8)
    for _attempt in range(2):
        with contextlib.suppress(ConnectionRefusedError):  # about what was sent before: this one is not sent then
            client.send(token)
    listener.socket.settimeout(0.3)
    with contextlib.suppress(socket.timeout):
        while listener.socket.recv(99) != token:
            pass
        return True
    return False


def test_nothing_is_left(host: Host) -> None:
    host.sh(OUTSIDE)
    before = host.digest()
    apply(host, bridged(publish()))
    with listening("web1", "udp", 4, 80) as listener:
        assert sees(listener, "outside", (HOST[4], 8080))
    host.apply(None, state="absent")
    assert host.since(before) == []
    assert "8080" not in Path("/proc/thread-self/net/nf_conntrack").read_text(encoding="ascii")


def test_a_run_that_fails_leaves_publications_as_they_were(host: Host) -> None:
    host.sh(OUTSIDE)
    apply(host, bridged(publish()))
    before = host.digest()
    document = bridged(publish("web2"))
    document["host"]["routes"] = [{"destination": "10.9.0.0/24", "gateway": "10.8.0.1"}]
    with pytest.raises(NetnsError, match="Network is unreachable"):
        converge(document)
    assert host.since(before) == []


DRIFT = {
    "an element less": "delete element inet weft-default anywhere4 { tcp . 8080 }",
    "an element more": "add element inet weft-default anywhere4 { tcp . 22 : 10.20.0.11 . 22 }",
    "another link": 'add element inet weft-default behind4 { 10.20.0.11 . "up0" }',
    "a rule": "flush chain inet weft-default publish",
}


@pytest.mark.parametrize("name", DRIFT)
def test_what_is_changed_by_hand_is_put_back(host: Host, name: str) -> None:
    apply(host, bridged(publish()))
    made = host.digest()
    host.sh(f"nft '{DRIFT[name]}'")
    assert apply(host, bridged(publish())).steps
    assert host.since(made) == []
