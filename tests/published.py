# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Published ports of two containers, on a bridge or routed, and somebody outside."""

from __future__ import annotations

import itertools
from typing import Any

from hosts import Host

from _engine.engine import Outcome

OUTSIDE = """
    echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
    ip netns add outside && ip link add up0 type veth peer name eth0 netns outside && ip link set up0 up
    ip addr add 198.51.100.1/24 dev up0 && ip addr add 198.51.100.3/24 dev up0
    ip addr add 2001:db8::1/64 dev up0 nodad && ip addr add 2001:db8::3/64 dev up0 nodad
    ip -n outside addr add 198.51.100.2/24 dev eth0 && ip -n outside addr add 2001:db8::2/64 dev eth0 nodad
    ip -n outside link set eth0 up && ip -n outside link set lo up
"""
HOST = {4: "198.51.100.1", 6: "2001:db8::1"}
SECOND = {4: "198.51.100.3", 6: "2001:db8::3"}
OUTER = {4: "198.51.100.2", 6: "2001:db8::2"}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
GATEWAY = {4: "10.20.0.1", 6: "fd00:20::1"}
WEB = {name: {4: f"10.20.0.{number}", 6: f"fd00:20::{number}"} for name, number in (("web1", 11), ("web2", 12))}
FAMILIES, PROTOCOLS = (4, 6), ("tcp", "udp")
EVERY = list(itertools.product(FAMILIES, PROTOCOLS))


def publish(name: str = "web1", link: str = "br", port: int = 80, **more: Any) -> list[dict[str, Any]]:
    """Port 8080 of the host in both families and both protocols."""
    entry = {"host_port": 8080, "port": port, "link": link, **more}
    return [{**entry, "protocol": protocol, "address": WEB[name][family]} for family, protocol in EVERY]


def bridged(*published: list[dict[str, Any]]) -> dict[str, Any]:
    links: dict[str, Any] = {"br": {"kind": "bridge", "addresses": ["10.20.0.1/24", "fd00:20::1/64"]}}
    links.update({f"v{name}": {"kind": "veth", "veth": {"peer": "eth0", "namespace": name}, "master": "br"} for name in WEB})
    routes = [{"destination": "default", "gateway": gateway} for gateway in GATEWAY.values()]
    return {
        "host": {"links": links, **_on_the_host("br", *published)},
        "namespaces": {name: _namespace(name, [f"{WEB[name][4]}/24", f"{WEB[name][6]}/64"], routes) for name in WEB},
    }


def routed(*published: list[dict[str, Any]]) -> dict[str, Any]:
    mac = "06:00:00:00:00:01"
    links = {
        f"v{name}": {
            "kind": "veth",
            "veth": {"peer": "eth0", "namespace": name},
            "mac": mac,
            "addresses": ["169.254.1.1/32", "fe80::1/64"],
        }
        for name in WEB
    }
    inside = [
        {"destination": "169.254.1.1/32", "link": "eth0"},
        *({"destination": "default", "gateway": gateway, "link": "eth0"} for gateway in ("169.254.1.1", "fe80::1")),
    ]
    ways = [{"destination": f"{WEB[name][family]}/{size}", "link": f"v{name}"} for name in WEB for family, size in ((4, 32), (6, 128))]
    return {
        "host": {"links": links, "routes": ways, **_on_the_host("vweb1", *published)},
        "namespaces": {name: _namespace(name, [f"{WEB[name][4]}/32", f"{WEB[name][6]}/128"], inside) for name in WEB},
    }


def _on_the_host(link: str, *published: list[dict[str, Any]]) -> dict[str, Any]:
    forwarding = {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1, f"net.ipv4.conf.{link}.route_localnet": 1}
    return {"sysctls": forwarding, "filter": {"publish": [each for some in published for each in some]}}


def _namespace(name: str, addresses: list[str], routes: list[dict[str, Any]]) -> dict[str, Any]:
    end = {"kind": "veth", "veth": {"peer": f"v{name}"}, "addresses": addresses}
    return {"links": {"eth0": end}, "routes": routes, "sysctls": {"net.ipv6.conf.eth0.accept_dad": 0}}


def apply(host: Host, document: dict[str, Any]) -> Outcome:
    """And wait for carriers: whether a port of a bridge forwards follows its own, when the kernel gets to it."""
    outcome = host.apply(document)
    assert [address for name in WEB for address in WEB[name].values() if not host.reaches(address)] == []
    return outcome
