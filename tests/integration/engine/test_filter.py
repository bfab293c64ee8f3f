# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter on a real kernel: what it holds back, what it lets through, and that it stays."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from frames import BROADCAST, arp, ethernet, icmpv6, ipv4, ipv6, passes, raw_socket, tagged
from hosts import Host

from _engine import nftables
from _engine.engine import converge
from _engine.errors import DocumentError, EnvironmentMissing, NetnsError
from _engine.filters import Filter, Guard
from _engine.wire import ruleset

SO_RCVBUFFORCE = 33
GATEWAY_MAC = "06:00:00:00:00:01"
MACS = {"web1": "02:00:0a:14:00:0b", "web2": "02:00:0a:14:00:0c"}
IPV4 = {"web1": "10.20.0.11", "web2": "10.20.0.12"}
IPV6 = {"web1": "fd00:20::11", "web2": "fd00:20::12"}
LOCAL = {"web1": "fe80::aff:fe14:b", "web2": "fe80::aff:fe14:c"}
IP, ARP, IP6, VLAN, OTHER = 0x0800, 0x0806, 0x86DD, 0x8100, 0x88B5
SOLICITATION, ADVERTISEMENT, ROUTER = 135, 136, 134
ALL_NODES = "ff02::1"
NETWORK = ["10.20.0.0/24", "fd00:20::/64"]
ISOLATED = [{"links": ["vweb1", "vweb2"], "destinations": NETWORK, "except": ["10.20.0.1", "fd00:20::1"]}]


def guard(name: str) -> dict[str, Any]:
    return {"mac": MACS[name], "addresses": [IPV4[name], IPV6[name]]}


def bridged(**more: Any) -> dict[str, Any]:
    """Two containers on a bridge; the host is their gateway."""
    links: dict[str, Any] = {"br": {"kind": "bridge", "mac": GATEWAY_MAC, "addresses": ["10.20.0.1/24", "fd00:20::1/64"]}}
    links.update({f"v{name}": {"kind": "veth", "veth": {"peer": "eth0", "namespace": name}, "master": "br"} for name in MACS})
    sysctls = {"net.ipv6.conf.default.accept_dad": 0, "net.ipv6.conf.eth0.accept_dad": 0}
    return {
        "host": {
            "links": links,
            "filter": {"guards": {f"v{name}": guard(name) for name in MACS}, **more},
            "sysctls": {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1},
        },
        "namespaces": {
            name: {
                "links": {
                    "eth0": {
                        "kind": "veth",
                        "veth": {"peer": f"v{name}"},
                        "mac": MACS[name],
                        "addresses": [f"{IPV4[name]}/24", f"{IPV6[name]}/64"],
                    }
                },
                "routes": [{"destination": "default", "gateway": "10.20.0.1"}, {"destination": "default", "gateway": "fd00:20::1"}],
                "sysctls": sysctls,
            }
            for name in MACS
        },
    }


def routed(**more: Any) -> dict[str, Any]:
    """Two containers, each on a link of its own with the host."""
    document: dict[str, Any] = {
        "host": {"links": {}, "routes": [], "sysctls": {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1}}
    }
    document["host"]["filter"] = {"guards": {f"v{name}": guard(name) for name in MACS}, **more}
    document["namespaces"] = {}
    for name in MACS:
        addresses = ["169.254.1.1/32", "fe80::1/64"]
        document["host"]["links"][f"v{name}"] = {
            "kind": "veth",
            "veth": {"peer": "eth0", "namespace": name},
            "mac": GATEWAY_MAC,
            "addresses": addresses,
        }
        document["host"]["routes"] += [
            {"destination": f"{IPV4[name]}/32", "link": f"v{name}"},
            {"destination": f"{IPV6[name]}/128", "link": f"v{name}"},
        ]
        document["namespaces"][name] = {
            "links": {
                "eth0": {
                    "kind": "veth",
                    "veth": {"peer": f"v{name}"},
                    "mac": MACS[name],
                    "addresses": [f"{IPV4[name]}/32", f"{IPV6[name]}/128"],
                }
            },
            "routes": [
                {"destination": "169.254.1.1/32", "link": "eth0"},
                {"destination": "default", "gateway": "169.254.1.1", "link": "eth0"},
                {"destination": "default", "gateway": "fe80::1", "link": "eth0"},
            ],
            "sysctls": {"net.ipv6.conf.eth0.accept_dad": 0},
        }
    return document


@pytest.fixture
def wire() -> Iterator[Any]:
    """Raw sockets on links: ``wire(namespace, link)``."""
    opened: list[socket.socket] = []

    def open_one(namespace: str | None, link: str = "eth0") -> socket.socket:
        opened.append(raw_socket(namespace, link))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def frame(kind: int, payload: bytes, source: str = MACS["web1"], destination: str = MACS["web2"]) -> bytes:
    return ethernet(source, destination, kind, payload)


HONEST = {
    "IPv4": frame(IP, ipv4(IPV4["web1"], IPV4["web2"])),
    "IPv4 to all": frame(IP, ipv4(IPV4["web1"], "255.255.255.255"), destination=BROADCAST),
    "ARP request": frame(ARP, arp(MACS["web1"], IPV4["web1"], IPV4["web2"]), destination=BROADCAST),
    "ARP reply": frame(ARP, arp(MACS["web1"], IPV4["web1"], IPV4["web2"], 2)),
    "IPv6": frame(IP6, ipv6(IPV6["web1"], IPV6["web2"])),
    "IPv6 link-local": frame(IP6, ipv6(LOCAL["web1"], LOCAL["web2"])),
    "solicitation": frame(IP6, icmpv6(IPV6["web1"], IPV6["web2"], SOLICITATION, IPV6["web2"])),
    "advertisement": frame(IP6, icmpv6(IPV6["web1"], IPV6["web2"], ADVERTISEMENT, IPV6["web1"])),
    "duplicate address detection": frame(IP6, icmpv6("::", ALL_NODES, SOLICITATION, IPV6["web1"]), destination=BROADCAST),
}
SPOOFED = {
    "another MAC": frame(IP, ipv4(IPV4["web1"], IPV4["web2"]), source="02:00:00:00:00:66"),
    "the gateway's MAC": frame(IP, ipv4(IPV4["web1"], IPV4["web2"]), source=GATEWAY_MAC),
    "another IPv4 address": frame(IP, ipv4("10.20.0.66", IPV4["web2"])),
    "no IPv4 address": frame(IP, ipv4("0.0.0.0", "255.255.255.255"), destination=BROADCAST),
    "ARP of another address": frame(ARP, arp(MACS["web1"], "10.20.0.1", IPV4["web2"], 2)),
    "ARP of another MAC": frame(ARP, arp("02:00:00:00:00:66", IPV4["web1"], IPV4["web2"], 2)),
    "ARP to all for the gateway": frame(ARP, arp(MACS["web1"], "10.20.0.1", "10.20.0.1"), destination=BROADCAST),
    "another IPv6 address": frame(IP6, ipv6("fd00:20::66", IPV6["web2"])),
    "another link-local address": frame(IP6, ipv6("fe80::1", LOCAL["web2"])),
    "advertisement for another": frame(IP6, icmpv6(IPV6["web1"], IPV6["web2"], ADVERTISEMENT, "fd00:20::1")),
    "advertisement by another": frame(IP6, icmpv6("fd00:20::1", IPV6["web2"], ADVERTISEMENT, "fd00:20::1")),
    "trying another's address": frame(IP6, icmpv6("::", ALL_NODES, SOLICITATION, "fd00:20::1"), destination=BROADCAST),
    "router advertisement": frame(IP6, icmpv6(LOCAL["web1"], ALL_NODES, ROUTER, "::"), destination=BROADCAST),
    "no IPv6 address": frame(IP6, ipv6("::", IPV6["web2"])),
    "a VLAN tag": frame(VLAN, tagged(7, IP, ipv4(IPV4["web1"], IPV4["web2"]))),
    "two VLAN tags": frame(VLAN, tagged(7, VLAN, tagged(8, IP, ipv4(IPV4["web1"], IPV4["web2"])))),
    "another protocol": frame(OTHER, b""),
}


@pytest.fixture
def two(host: Host, wire: Any) -> tuple[socket.socket, socket.socket]:
    host.apply(bridged())
    return wire("web1"), wire("web2")


@pytest.mark.parametrize("name", HONEST)
def test_honest_frames_pass_the_bridge(two: Any, name: str) -> None:
    assert passes(HONEST[name], *two)


@pytest.mark.parametrize("name", SPOOFED)
def test_spoofed_frames_do_not(two: Any, name: str) -> None:
    assert not passes(SPOOFED[name], *two)


def test_without_the_filter_they_would(host: Host, wire: Any) -> None:
    document = bridged()
    del document["host"]["filter"]
    host.apply(document)
    sender, receiver = wire("web1"), wire("web2")
    assert [name for name, spoofed in SPOOFED.items() if not passes(spoofed, sender, receiver)] == []


@pytest.mark.parametrize("last", (0x00, 0x03, 0x0E))
def test_the_bridge_does_not_learn_what_the_filter_drops(host: Host, two: Any, last: int) -> None:
    """Frames to these addresses (spanning tree, EAPOL, LLDP) are for the bridge itself."""
    two[0].send(ethernet("02:00:00:00:00:66", f"01:80:c2:00:00:{last:02x}", 0x88CC, bytes(50)))
    passes(HONEST["IPv4"], *two)
    learnt = host.run("bridge", "fdb", "show", "br", "br")
    assert MACS["web1"] in learnt
    assert "02:00:00:00:00:66" not in learnt


def test_bridged_containers_reach_each_other_and_the_host(host: Host) -> None:
    host.apply(bridged())
    assert [address for address in (IPV4["web2"], IPV6["web2"], "10.20.0.1", "fd00:20::1") if not host.pings(address, "web1")] == []
    assert host.pings(IPV4["web1"]) and host.pings(IPV6["web1"])


def to_gateway(payload: bytes, kind: int = IP) -> bytes:
    return ethernet(MACS["web1"], GATEWAY_MAC, kind, payload)


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        (to_gateway(ipv4(IPV4["web1"], IPV4["web2"])), True),
        (to_gateway(ipv6(IPV6["web1"], IPV6["web2"]), IP6), True),
        (to_gateway(ipv4("10.20.0.66", IPV4["web2"])), False),
        (to_gateway(ipv6("fd00:20::66", IPV6["web2"]), IP6), False),
        (ethernet("02:00:00:00:00:66", GATEWAY_MAC, IP, ipv4(IPV4["web1"], IPV4["web2"])), False),
    ],
    ids=["IPv4", "IPv6", "another IPv4 address", "another IPv6 address", "another MAC"],
)
def test_routed_containers(host: Host, wire: Any, sent: bytes, arrives: bool) -> None:
    host.apply(routed())
    assert host.pings(IPV4["web2"], "web1") and host.pings(IPV6["web2"], "web1")  # the neighbours are known from here on
    assert passes(sent, wire("web1"), wire("web2")) is arrives


def test_a_guard_without_a_mac_looks_at_addresses_alone(host: Host, wire: Any) -> None:
    """Not every kernel has a link without a link layer (netkit): the rules as such, on links that have one."""
    document = routed()
    del document["host"]["filter"]
    host.apply(document)
    bare = Filter("bare", tuple(Guard(f"v{name}", "", (IPV4[name], IPV6[name])) for name in MACS))
    load(host, ruleset.encode(bare)["inet"])
    listing = host.run("nft", "-j", "list", "table", "inet", "weft-bare")
    assert ruleset.decode("bare", {"inet": listing}, None).guards == bare.guards
    host.run("ip", "neighbour", "replace", IPV6["web2"], "lladdr", MACS["web2"], "dev", "vweb2")
    assert host.pings(IPV4["web2"], "web1")
    sent = [to_gateway(ipv4(source, IPV4["web2"])) for source in (IPV4["web1"], "10.20.0.66")]
    sent += [to_gateway(ipv6(source, IPV6["web2"]), IP6) for source in (IPV6["web1"], "fd00:20::66")]
    sender, receiver = wire("web1"), wire("web2")
    assert [passes(each, sender, receiver) for each in sent] == [True, False, True, False]


def test_isolated_routed_containers_reach_the_host_alone(host: Host) -> None:
    host.apply(routed(isolated=[{"links": ["vweb1", "vweb2"]}]))
    assert [host.pings(address, "web1") for address in (IPV4["web2"], IPV6["web2"], "169.254.1.1", "fe80::1%eth0")] == [
        False,
        False,
        True,
        True,
    ]
    document = routed()
    host.apply(document)
    assert host.pings(IPV4["web2"], "web1")


def test_isolated_ports_do_not_meet_by_way_of_their_gateway(host: Host) -> None:
    document = bridged(isolated=ISOLATED)
    for name, other in (("web1", "web2"), ("web2", "web1")):
        document["host"]["links"][f"v{name}"]["port"] = {"isolated": True}
        routes = [
            {"destination": f"{IPV4[other]}/32", "gateway": "10.20.0.1"},
            {"destination": f"{IPV6[other]}/128", "gateway": "fd00:20::1"},
        ]
        document["namespaces"][name]["routes"] += routes
    host.apply(document)
    addresses = (IPV4["web2"], IPV6["web2"], "10.20.0.1", "fd00:20::1")
    assert [host.pings(address, "web1") for address in addresses] == [False, False, True, True]
    del document["host"]["filter"]["isolated"]
    host.apply(document)
    assert [host.pings(address, "web1") for address in addresses] == [True, True, True, True]


GATEWAY = {"mac": GATEWAY_MAC, "addresses": ["10.20.0.1", "fd00:20::1"]}
ABOUT_THE_GATEWAY = {
    "ARP for it": frame(ARP, arp(MACS["web1"], IPV4["web1"], "10.20.0.1"), destination=BROADCAST),
    "ARP of it": frame(ARP, arp(MACS["web1"], "10.20.0.1", "10.20.0.1"), destination=BROADCAST),
    "solicitation for it": frame(IP6, icmpv6(IPV6["web1"], ALL_NODES, SOLICITATION, "fd00:20::1"), destination=BROADCAST),
    "solicitation for its link-local address": frame(
        IP6, icmpv6(LOCAL["web1"], ALL_NODES, SOLICITATION, "fe80::400:ff:fe00:1"), destination=BROADCAST
    ),
    "advertisement of it": frame(IP6, icmpv6(IPV6["web1"], ALL_NODES, ADVERTISEMENT, "fd00:20::1"), destination=BROADCAST),
    "its MAC as source": frame(IP, ipv4(IPV4["web1"], "255.255.255.255"), source=GATEWAY_MAC, destination=BROADCAST),
}
TO_ALL = {name: sent for name, sent in HONEST.items() if sent.startswith(bytes.fromhex("ff" * 6))}


def anycast() -> dict[str, Any]:
    """The gateway is every host's; web2 is where the other hosts are."""
    document = bridged()
    document["host"]["filter"] = {"anycast": {"vweb2": GATEWAY}}
    return document


@pytest.mark.parametrize("way", [("web1", "web2"), ("web2", "web1")], ids=["leaving", "entering"])
@pytest.mark.parametrize("name", [*TO_ALL, *ABOUT_THE_GATEWAY])
def test_what_is_about_an_anycast_gateway_stays_on_its_host(host: Host, wire: Any, name: str, way: tuple[str, str]) -> None:
    host.apply(anycast())
    sender, receiver = (wire(each) for each in way)
    assert passes({**TO_ALL, **ABOUT_THE_GATEWAY}[name], sender, receiver) is (name in TO_ALL)


def test_an_anycast_gateway_is_there_for_its_own_containers(host: Host) -> None:
    host.apply(anycast())
    assert host.apply(anycast()).steps == []
    assert [host.pings(address, "web1") for address in ("10.20.0.1", "fd00:20::1", IPV4["web2"], IPV6["web2"])] == [True] * 4
    assert [host.pings(address, "web2") for address in ("10.20.0.1", "fd00:20::1")] == [False] * 2


OUTSIDE = """
    ip netns add outside && ip link add up0 type veth peer name eth0 netns outside && ip link set up0 up
    ip addr add 198.51.100.1/24 dev up0 && ip -n outside addr add 198.51.100.2/24 dev eth0 && ip -n outside link set eth0 up
    ip addr add 2001:db8::1/64 dev up0 nodad && ip -n outside addr add 2001:db8::2/64 dev eth0 nodad
"""


def test_masquerading(host: Host) -> None:
    """The outside has no route back: it answers the host's own address."""
    host.sh(OUTSIDE)
    sources = ["10.20.0.0/24", "fd00:20::/64"]
    document = bridged(masquerade=[{"sources": sources, "links": ["br"]}])
    host.apply(document)
    assert host.pings("198.51.100.2", "web1") and host.pings("2001:db8::2", "web1")
    del document["host"]["filter"]["masquerade"]
    host.apply(document)
    assert not host.pings("198.51.100.2", "web1") and not host.pings("2001:db8::2", "web1")


def source_of(host: Host, sender: str, receiver: str) -> str:
    """The source address with which a datagram from one container arrives in another."""
    listen = (
        "import socket; s = socket.socket(2, 2); s.bind(('', 7777)); s.settimeout(5); print('up', flush=True); print(s.recvfrom(9)[1][0])"
    )
    command = ["ip", "netns", "exec", receiver, sys.executable, "-c", listen]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdout is not None
        assert listener.stdout.readline() == "up\n"
        send = f"import socket; socket.socket(2, 2).sendto(b'x', ('{IPV4[receiver]}', 7777))"
        host.run(sys.executable, "-c", send, namespace=sender)
        return listener.stdout.readline().strip()


def test_masquerading_leaves_the_network_itself_alone(host: Host) -> None:
    document = routed(masquerade=[{"sources": ["10.20.0.0/24"], "links": ["vweb1", "vweb2"]}])
    host.sh(OUTSIDE)
    host.apply(document)
    assert host.pings("198.51.100.2", "web1")
    assert source_of(host, "web1", "web2") == IPV4["web1"]


# -- that it stays


DRIFT = {
    "an element": 'delete element bridge weft-default v4 { "vweb1" . 02:00:0a:14:00:0b . 10.20.0.11 }',
    "one element more": 'add element bridge weft-default v4 { "vweb1" . 02:00:0a:14:00:0b . 10.20.0.1 }',
    "another target": 'add element bridge weft-default targets { "vweb1" . 1 }',
    "a chain": "flush chain bridge weft-default guard",
    "one rule more": "insert rule bridge weft-default guard accept",
    "a table": "delete table bridge weft-default",
    "one table more": "add table inet weft-default",
    "all": "flush ruleset",
}


@pytest.mark.parametrize("name", DRIFT)
def test_what_is_changed_by_hand_is_put_back(host: Host, name: str) -> None:
    host.apply(bridged())
    made = host.run("nft", "-s", "list", "ruleset")
    host.sh(f"nft '{DRIFT[name]}'")
    outcome = host.apply(bridged())
    assert len(outcome.steps) == 1
    assert "filter host" in outcome.steps[0]
    assert outcome.before != outcome.after
    assert sorted(host.run("nft", "-s", "list", "ruleset").split()) == sorted(made.split())


FOREIGN = """
    table inet mine { set s { type ipv4_addr; elements = { 192.0.2.1 } }
    chain c { type filter hook input priority 0; policy accept; ip saddr @s drop; }; }
    table bridge weft { chain c { }; }
"""


def load(host: Host, text: str) -> None:
    host.run("sh", "-euc", f"nft -f - <<'END'\n{text}\nEND\n")


def test_absent_leaves_what_others_have(host: Host) -> None:
    load(host, FOREIGN)
    before = host.digest()
    host.apply(bridged(isolated=ISOLATED, masquerade=[{"sources": ["10.20.0.0/24"], "links": ["br"]}]))
    host.apply(None, state="absent")
    assert host.since(before) == []


def test_absent_without_purge(host: Host) -> None:
    before = host.digest()
    document = bridged()
    host.apply(document, purge=False)
    host.apply(document, purge=False, state="absent")
    assert [line for line in host.since(before) if "nftables" in line] == []


def test_without_purge_what_is_not_declared_stays(host: Host) -> None:
    host.apply(bridged(isolated=ISOLATED))
    made = host.digest()
    part = bridged()
    del part["host"]["filter"]["guards"]["vweb2"]
    assert host.apply(part, purge=False).steps == []
    listed = {"host": {"links": {"vweb2": {"master": "br"}, "br": {}}, "filter": {"guards": {"vweb2": guard("web2")}}}}
    assert host.apply(listed, purge=False, state="absent").steps == ["change filter host: remove guards of vweb2"]
    assert host.apply(bridged(isolated=ISOLATED)).steps == ["change filter host: add guards of vweb2"]
    assert host.since(made) == []


def test_a_filter_that_is_not_declared_any_more_goes(host: Host) -> None:
    document = bridged()
    host.apply(document)
    del document["host"]["filter"]
    assert host.apply(document).steps == ["delete filter host 2 guards"]
    assert host.run("nft", "list", "ruleset") == ""


def test_two_documents(host: Host) -> None:
    """Each has a table of its own, whatever its name; what one lets pass the other may still hold back."""
    host.apply(bridged(), name="one")
    alone = host.digest()
    other = {"host": {"links": {"d0": {"kind": "bridge"}}, "filter": {"isolated": [{"links": ["d0"]}]}}}
    host.apply(other, name="two;flush{ruleset}#")
    both = host.run("nft", "list", "tables")
    assert "table bridge weft-one" in both
    assert "table inet weft/" in both
    host.apply(bridged(), name="one")
    host.apply(None, state="absent", name="two;flush{ruleset}#")
    assert host.since(alone) == []


def test_what_cannot_be_loaded_leaves_the_former_filter(host: Host) -> None:
    host.apply(bridged())
    before = host.digest()
    document = bridged(masquerade=[{"sources": ["10.20.0.0/24", "10.30.0.0/24"]}])
    with pytest.MonkeyPatch.context() as patch:
        run = nftables.Nftables.run
        patch.setattr(nftables.Nftables, "run", lambda self, text, flags=0: run(self, text.replace("10.30.0.0/24", "10.30.0.0/99"), flags))
        with pytest.raises(NetnsError) as caught:
            converge(document)
    assert str(caught.value).startswith("host: change filter host: masquerade: nftables: ")
    assert host.since(before) == []


def test_a_later_error_brings_the_former_filter_back(host: Host) -> None:
    host.apply(bridged())
    host.sh("nft insert rule bridge weft-default guard counter accept")
    before = host.digest()
    document = bridged(isolated=ISOLATED)
    document["host"]["routes"] = [{"destination": "10.9.0.0/24", "gateway": "10.8.0.1"}]
    with pytest.raises(NetnsError, match="Network is unreachable"):
        converge(document)
    assert host.since(before) == []


FLOOD = """
import socket, sys, time
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0))
honest, spoofed = map(bytes.fromhex, sys.argv[1:])
count, end = 0, time.monotonic() + 3
while time.monotonic() < end:
    link.send(honest + b"honest  %016d" % count)
    link.send(spoofed + b"spoofed %016d" % count)
    count += 1
    time.sleep(0.0005)
print(count)
"""


def test_while_it_changes_it_lets_through_what_it_did_and_nothing_else(host: Host, wire: Any) -> None:
    host.apply(bridged())
    receiver = wire("web2")
    receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 25)
    frames = [HONEST["IPv4"].hex(), SPOOFED["another IPv4 address"].hex()]
    command = ["ip", "netns", "exec", "web1", sys.executable, "-c", FLOOD, *frames]
    changes = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as flood:
        while flood.poll() is None:
            converge(bridged(**({} if changes % 2 else {"isolated": ISOLATED})))
            changes += 1
        sent = int(flood.communicate()[0])
    received = list(arrived(receiver))
    assert changes > 10
    assert len({each[-16:] for each in received if b"honest" in each}) == sent
    assert sum(b"spoofed" in each for each in received) == 0


def arrived(receiver: socket.socket) -> Iterator[bytes]:
    receiver.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            yield receiver.recv(4096)


def test_a_container_with_another_address(host: Host) -> None:
    document = bridged()
    host.apply(document)
    document["namespaces"]["web1"]["links"]["eth0"]["addresses"] = ["10.20.0.13/24"]
    document["namespaces"]["web1"]["routes"] = document["namespaces"]["web1"]["routes"][:1]
    document["host"]["filter"]["guards"]["vweb1"]["addresses"] = ["10.20.0.13"]
    host.apply(document)
    assert host.pings(IPV4["web2"], "web1")


# -- what is missing


def test_without_a_filter_the_library_is_not_touched(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nftables, "LIBRARY", "libnothing.so.1")
    document = bridged()
    del document["host"]["filter"]
    host.apply(document)


def test_without_the_library_nothing_is_changed(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nftables, "LIBRARY", "libnothing.so.1")
    before = host.digest()
    with pytest.raises(EnvironmentMissing, match=r"^the filter needs libnftables \(libnothing.* install the package nftables"):
        converge(bridged())
    assert host.since(before) == []


def test_a_link_of_another_document_is_named_by_listing_it(host: Host) -> None:
    host.sh("ip link add vm0 type bridge")
    document: dict[str, Any] = {"host": {"links": {}, "filter": {"guards": {"vm0": {"mac": "02:00:00:00:00:01"}}}}}
    with pytest.raises(DocumentError, match="vm0 is not declared"):
        converge(document)
    document["host"]["links"] = {"vm0": {}}
    host.apply(document)
