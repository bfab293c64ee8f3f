# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A neighbour who remembers where an address was reaches it at once where it is now."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hosts import Host

ADDRESSES = ("10.20.0.5", "fd00:20::5")
FORMER, MAC, UPLINK = "02:00:00:00:00:99", "02:00:00:00:00:05", "02:00:00:00:00:01"
VETH = {"kind": "veth", "veth": {"peer": "v1"}, "mac": MAC}
ON_LINK = {**VETH, "addresses": ["10.20.0.5/24", "fd00:20::5/64"]}
HOST_END = {"kind": "veth", "veth": {"peer": "eth0", "namespace": "web1"}}

BRIDGED = {
    "host": {
        "links": {"br0": {"kind": "bridge", "mac": "02:00:00:00:00:02"}, "v1": {**HOST_END, "master": "br0"}, "wire0": {"master": "br0"}}
    },
    "namespaces": {"web1": {"links": {"eth0": ON_LINK}}},
}
SUBLINK_END = {"kind": "macvlan", "macvlan": {"link": "wire0", "namespace": "host"}, "mac": MAC, "addresses": ON_LINK["addresses"]}
SUBLINK = {
    "host": {"links": {"wire0": {}}},
    "namespaces": {"web1": {"links": {"eth0": SUBLINK_END}}},
}
NEW_BRIDGE = {
    "host": {"links": {"br0": {"kind": "bridge", "mac": MAC, "addresses": ON_LINK["addresses"]}, "wire0": {"master": "br0", "state": "up"}}}
}
ITSELF = {"host": {"links": {"wire0": {"addresses": ON_LINK["addresses"]}}}}
ROUTED = {
    "host": {
        "links": {"wire0": {}, "v1": {**HOST_END, "addresses": ["169.254.1.1/32", "fe80::1/64"]}},
        "routes": [{"destination": "10.20.0.5/32", "link": "v1"}, {"destination": "fd00:20::5/128", "link": "v1"}],
        "neighbours": [{"address": each, "link": "wire0", "proxy": True} for each in ADDRESSES],
    },
    "namespaces": {"web1": {"links": {"eth0": {**VETH, "addresses": ["10.20.0.5/32", "fd00:20::5/128"]}}}},
}
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "bridge": (BRIDGED, MAC),
    "macvlan": (SUBLINK, MAC),
    "host": (ITSELF, UPLINK),
    "new bridge": (NEW_BRIDGE, MAC),
    "routed": (ROUTED, UPLINK),
}


def remember(host: Host) -> None:
    for address in ADDRESSES:
        host.run("ip", "neigh", "replace", address, "lladdr", FORMER, "nud", "reachable", "dev", "wire1", namespace="other")


def remembered(host: Host) -> set[str]:
    return {each["lladdr"] for address in ADDRESSES for each in host.ip("neigh", "show", "to", address, namespace="other")}


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it holds in time: the kernel hears of a carrier, and takes packets, when it gets to it."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def make_wire(host: Host) -> None:
    """Somebody else on the wire of wire0, who is ready to hear something."""
    host.sh(f"""
        ip netns add other && ip link add wire0 address {UPLINK} type veth peer name wire1 netns other && ip link set wire0 up
        ip -n other addr add 10.20.0.9/24 dev wire1 && ip -n other addr add fd00:20::9/64 dev wire1 nodad && ip -n other link set wire1 up
    """)
    assert within(5, lambda: bool(host.ip("-6", "route", "show", "table", "local", "type", "multicast", namespace="other")))


@pytest.mark.parametrize(("document", "mac"), CASES.values(), ids=CASES)
def test_who_remembers_another_mac_is_told(host: Host, document: dict[str, Any], mac: str) -> None:
    make_wire(host)
    remember(host)
    host.apply(document)
    assert within(1, lambda: remembered(host) == {mac}), remembered(host)
    remember(host)
    host.apply(document)
    assert remembered(host) == {FORMER}, "a run that adds nothing announces nothing"


def test_a_gateway_that_others_have_as_well_is_not_announced_to_them(host: Host) -> None:
    make_wire(host)
    remember(host)
    gateway = {"anycast": {"wire0": {"mac": MAC, "addresses": list(ADDRESSES)}}}
    assert host.apply({"host": {**NEW_BRIDGE["host"], "filter": gateway}}).changed
    assert not within(1, lambda: remembered(host) != {FORMER}), remembered(host)


def test_an_address_without_a_carrier_is_no_error(host: Host) -> None:
    host.sh("ip link add wire0 type veth peer name wire1")
    assert host.apply({"host": {"links": {"wire0": {"state": "up", "addresses": ["10.20.0.5/24", "fd00:20::5/64"]}}}}).changed


def test_who_remembers_a_nic_is_told_of_the_bridge_that_takes_its_addresses_and_of_the_nic_again(host: Host) -> None:
    make_wire(host)
    host.sh(f"ip addr add {ADDRESSES[0]}/24 dev wire0 && ip addr add {ADDRESSES[1]}/64 dev wire0 nodad")
    bridge = {"kind": "bridge", "mac": MAC, "bridge": {"addresses_of": "wire0"}}
    for links, mac in (({"br0": bridge, "wire0": {"master": "br0"}}, MAC), ({}, UPLINK)):
        remember(host)
        host.apply({"host": {"links": links}})
        assert within(1, lambda expected=mac: remembered(host) == {expected}), remembered(host)
