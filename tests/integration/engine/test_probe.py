# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An address that somebody on the wire has is not taken. The neighbours are kernels in namespaces of their own."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hosts import Host, fresh_host

from _engine import probe
from _engine.engine import converge, repeat
from _engine.errors import ConflictError

UPLINK, THEIRS = "02:00:00:00:00:01", "02:00:00:00:00:99"
WAIT = sum(probe.PAUSES)
TAKEN = ("10.20.0.5", "fd00:20::5")
FREE = ("10.20.0.6", "fd00:20::6")


def wire(host: Host) -> None:
    """A link of the host that leads to somebody else."""
    host.sh(f"""
        ip netns add other
        ip link add wire0 address {UPLINK} type veth peer name out address {THEIRS} netns other
        ip addr add 10.20.0.1/16 dev wire0 && ip addr add fd00:20::1/64 dev wire0 nodad && ip link set wire0 up
        ip -n other addr add 10.20.0.99/16 dev out && ip -n other addr add fd00:20::99/64 dev out nodad
        ip -n other link set lo up && ip -n other link set out up
    """)
    assert host.reaches("10.20.0.99") and host.reaches("fd00:20::99")


def theirs(host: Host, addresses: Iterable[str], link: str = "out") -> None:
    for each in addresses:
        host.run("ip", "-n", "other", "addr", "add", each, "dev", link, *(["nodad"] if ":" in each else []))


def document(addresses: Iterable[str], link: str = "wire0", probed: bool = True) -> dict[str, Any]:
    """A container with these addresses, which are answered for on the link."""
    addresses = list(addresses)
    end = {"kind": "veth", "veth": {"peer": "eth0", "namespace": "web1"}, "addresses": ["169.254.1.1/32", "fe80::1/64"]}
    single = [each + ("/128" if ":" in each else "/32") for each in addresses]
    inside = {"kind": "veth", "veth": {"peer": "v1"}, "addresses": single}
    return {
        "host": {
            "links": {link: {}, "v1": end},
            "routes": [{"destination": each, "link": "v1"} for each in single],
            "neighbours": [{"address": each, "link": link, "proxy": True, "probe": probed} for each in addresses],
            "sysctls": {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1, f"net.ipv6.conf.{link}.proxy_ndp": 1},
        },
        "namespaces": {"web1": {"links": {"eth0": inside}}},
    }


def refused(host: Host, wanted: dict[str, Any]) -> set[str]:
    """What both check mode and a run are refused for; nothing is changed by either."""
    before = host.digest()
    told = []
    for check in (True, False):
        with pytest.raises(ConflictError) as caught:
            converge(wanted, check=check)
        told.append({fault.message for fault in caught.value.faults})
    assert told[0] == told[1]
    assert host.since(before) == []
    return told[0]


def message(address: str, link: str = "wire0") -> str:
    return f"{address} is taken: on {link}, {THEIRS} has it"


def test_addresses_that_somebody_has_are_refused_all_at_once(host: Host) -> None:
    wire(host)
    theirs(host, TAKEN)
    assert refused(host, document([*TAKEN, *FREE])) == {message(each) for each in TAKEN}


def test_addresses_that_nobody_has_are_taken_after_one_wait(host: Host) -> None:
    wire(host)
    theirs(host, TAKEN)
    began = time.monotonic()
    assert converge(document(FREE)).changed
    took = time.monotonic() - began
    assert WAIT <= took < WAIT + 2
    assert {each["dst"] for each in host.ip("neigh", "show", "proxy")} == set(FREE)
    began = time.monotonic()
    assert not converge(document(FREE)).changed
    assert time.monotonic() - began < WAIT, "a run that takes no address asks for none"


def test_nobody_is_asked_where_the_document_does_not_say_so(host: Host) -> None:
    wire(host)
    theirs(host, TAKEN)
    assert converge(document(TAKEN, probed=False)).changed


@pytest.mark.parametrize("own", [True, False], ids=["asked from its subnet", "asked by a probe alone"])
def test_who_only_answers_for_an_address_has_it(host: Host, own: bool) -> None:
    """Linux answers a probe for an address of its own, and for an IPv4 address that it has a proxy entry for a plain request alone."""
    wire(host)
    host.sh("""
        ip netns exec other sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.out.proxy_ndp=1
        ip -n other link add inner type veth peer name inner1 && ip -n other link set inner up && ip -n other link set inner1 up
        ip -n other route add 10.20.0.5 dev inner && ip -n other route add fd00:20::5 dev inner
        ip -n other neigh add proxy 10.20.0.5 dev out && ip -n other neigh add proxy fd00:20::5 dev out
    """)
    if not own:
        host.sh("ip addr del 10.20.0.1/16 dev wire0")
    assert refused(host, document(TAKEN)) == {message(each) for each in TAKEN if own or ":" in each}


def test_what_another_container_of_this_host_has_may_move(host: Host) -> None:
    """On a bridge whose other port is the wire: the container answers there, as it has done so far."""
    host.sh(f"""
        ip netns add other && ip link add wire0 type veth peer name out address {THEIRS} netns other
        ip link add br0 address {UPLINK} type bridge && ip link set wire0 master br0 && ip link set wire0 up && ip link set br0 up
        ip addr add 10.20.0.1/24 dev br0 && ip addr add fd00:20::1/64 dev br0 nodad && ip -n other link set out up
    """)
    addresses = ["10.20.0.5/24", "fd00:20::5/64"]
    end = {"kind": "veth", "veth": {"peer": "eth0", "namespace": "mail1"}, "master": "br0"}
    former = {"links": {"eth0": {"kind": "veth", "veth": {"peer": "v2"}, "addresses": addresses}}}
    converge({"host": {"links": {"br0": {}, "v2": end}}, "namespaces": {"mail1": former}})
    assert host.reaches(TAKEN[0]) and host.reaches(TAKEN[1])
    assert converge(document(TAKEN, "br0")).changed


def test_five_hundred_addresses_are_asked_for_at_once(host: Host) -> None:
    wire(host)
    wanted = [f"10.20.{each >> 8}.{each & 255}" for each in range(256, 506)] + [f"fd00:20::{each:x}" for each in range(256, 506)]
    taken = [each for number, each in enumerate(wanted) if number % 2]
    theirs(host, taken)
    began = time.monotonic()
    with pytest.raises(ConflictError) as caught:
        converge(document(wanted))
    assert {fault.message for fault in caught.value.faults} == {message(each) for each in taken}
    assert time.monotonic() - began < WAIT + 2


def test_on_a_vlan(host: Host) -> None:
    """Only who is in that VLAN is asked."""
    wire(host)
    if not host.run("sh", "-c", "ip link add probe0 link wire0 type vlan id 7 2>/dev/null && ip link del probe0 && echo yes", check=False):
        pytest.skip("this kernel has no links of kind vlan")
    host.sh("""
        ip link add v7 link wire0 type vlan id 7 && ip link set v7 up
        ip -n other link add v7 link out type vlan id 7 && ip -n other link set v7 up
        ip -n other link add v8 link out type vlan id 8 && ip -n other link set v8 up
    """)
    theirs(host, TAKEN, "v7")
    theirs(host, FREE, "v8")
    assert refused(host, document([*TAKEN, *FREE], "v7")) == {message(each, "v7") for each in TAKEN}


@pytest.mark.parametrize("state", ["up", "down"], ids=["no carrier", "down"])
def test_a_wire_that_leads_nowhere(host: Host, state: str) -> None:
    host.sh(f"ip link add wire0 address {UPLINK} type veth peer name out && ip link set wire0 {state}")
    assert converge(document(FREE)).changed


def test_at_boot_nobody_is_asked(host: Host, tmp_path: Path) -> None:
    """What held before holds again, whoever came to the wire meanwhile: one address must not keep a whole host from its network."""
    wire(host)
    converge(document(TAKEN), kept_in=str(tmp_path))
    with fresh_host() as booted:
        wire(booted)
        theirs(booted, TAKEN)
        outcome, _left_out = repeat(str(tmp_path), "default")
        assert "create neighbour host/wire0 10.20.0.5 proxy" in outcome.steps
