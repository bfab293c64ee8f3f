# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel takes along when a link or an address goes."""

from __future__ import annotations

from typing import Any

import pytest

from _engine import cascade
from _engine.model import Address, Link, Namespace, Neighbour, NextHop, Route, Sysctl, named

V4, OTHER4, HOST4 = Address("e0", "10.0.0.1", 24), Address("e0", "10.0.0.2", 24), Address("e1", "10.1.0.1", 24)
V6, HOST6 = Address("e0", "fd00::1", 64), Address("e1", "fd01::1", 64)


def route(destination: str, link: str | None = None, source: str | None = None, gateway: str | None = None) -> Route:
    return Route(destination, nexthops=(NextHop(gateway, link),), source=source)


def space(*items: Any, **links: Link) -> Namespace:
    of = {kind: named(item for item in items if isinstance(item, kind)) for kind in (Address, Route, Neighbour, Sysctl)}
    return Namespace("n1", links or {"e0": Link("e0", "ifb"), "e1": Link("e1", "ifb")}, of[Address], of[Route], neighbours=of[Neighbour],
                     sysctls=of[Sysctl])  # fmt: skip


def left(ns: Namespace) -> set[str]:
    return {item.text for items in (ns.addresses, ns.routes, ns.neighbours, ns.sysctls) for item in items.values()}


def texts(*items: Any) -> set[str]:
    return {item.text for item in items}


def veth(name: str, peer: str, namespace: str) -> Link:
    return Link(name, "veth", attributes={"peer": peer, "namespace": namespace})


def macvlan(name: str, link: str, namespace: str) -> Link:
    return Link(name, "macvlan", attributes={"link": link, "namespace": namespace})


@pytest.mark.parametrize(
    ("removed", "gone"),
    [
        ({("host", "v0")}, {("host", "v0"), ("n1", "eth0"), ("n1", "m0"), ("host", "m1"), ("host", "m2")}),
        ({("n1", "eth0")}, {("host", "v0"), ("n1", "eth0"), ("n1", "m0"), ("host", "m1"), ("host", "m2")}),
        ({("host", "m1")}, {("host", "m1"), ("host", "m2")}),
        ({("host", "br0")}, {("host", "br0")}),
        ({("host", "gone")}, {("host", "gone")}),
        (set(), set()),
    ],
)
def test_a_link_takes_its_peer_and_what_lies_on_it(removed: set[cascade.End], gone: set[cascade.End]) -> None:
    """However deep, and in whatever namespace."""
    host = [
        veth("v0", "eth0", "n1"),
        Link("br0", "bridge"),
        Link("p0", "ifb", master="br0"),
        macvlan("m1", "m0", "n1"),
        macvlan("m2", "m1", "host"),
    ]
    inside = [veth("eth0", "v0", "host"), macvlan("m0", "eth0", "n1")]
    observed = {"host": Namespace("host", named(host)), "n1": Namespace("n1", named(inside))}
    assert cascade.spread(observed, removed) == gone


def test_objects_go_with_their_link() -> None:
    stays = [
        HOST4,
        route("10.9.0.0/24", "e1"),
        route("10.8.0.0/24"),
        Neighbour("e1", "10.1.0.9", proxy=True),
        Sysctl("net.ipv4.ip_forward", "1"),
    ]
    goes = [
        *(V4, V6),
        route("10.7.0.0/24", "e0"),
        route("10.6.0.0/24", "e1", source="10.0.0.1"),
        Route("10.5.0.0/24", nexthops=(NextHop("10.0.0.9", "e0"), NextHop("10.1.0.9", "e1"))),
        Neighbour("e0", "10.0.0.9", proxy=True),
        Sysctl("net.ipv4.conf.e0.rp_filter", "1"),
        Sysctl("net.ipv6.neigh.e0.gc_stale_time", "1"),
    ]
    ns = space(*stays, *goes, e0=Link("e0", "bridge"), e1=Link("e1", "ifb", master="e0", port={"isolated": True}))
    after = cascade.without_links({"n1": ns, "n2": ns}, {("n1", "e0")})
    assert left(after["n1"]) == texts(*stays)
    assert after["n1"].links == {"e1": Link("e1", "ifb")}
    assert after["n2"] == ns


def test_a_dot_in_the_name_of_a_link() -> None:
    ns = space(Sysctl("net.ipv4.conf.e0/5.rp_filter", "1"), Sysctl("net.ipv4.conf.e0.rp_filter", "1"), **{"e0.5": Link("e0.5", "ifb")})
    after = cascade.without_links({"n1": ns}, {("n1", "e0.5")})["n1"]
    assert left(after) == {"sysctl net.ipv4.conf.e0.rp_filter 1"}


@pytest.mark.parametrize(
    ("removed", "goes"),
    [
        ([V4], [V4, route("10.9.0.1/32", "e1", source="10.0.0.1")]),
        ([V4, OTHER4], [V4, OTHER4, route("10.9.0.1/32", "e1", source="10.0.0.1"), route("10.9.0.2/32", "e0")]),
        ([V6], [V6, route("fd09::1/128", "e1", source="fd00::1")]),
        ([], []),
    ],
)
def test_an_address_takes_routes_along(removed: list[Address], goes: list[Any]) -> None:
    """Those with it as their source; of IPv4 all over a link that has no address left."""
    all_of_them = [
        *(V4, OTHER4, HOST4, V6, HOST6),
        route("10.9.0.1/32", "e1", source="10.0.0.1"),
        route("10.9.0.2/32", "e0"),
        route("10.9.0.3/32", "e1"),
        route("fd09::1/128", "e1", source="fd00::1"),
        route("fd09::2/128", "e0"),
    ]
    after = cascade.without_addresses(space(*all_of_them), named(removed))
    assert left(after) == texts(*all_of_them) - texts(*goes)


def test_a_source_that_another_link_has_too() -> None:
    twice = [V4, Address("e1", "10.0.0.1", 32), route("10.9.0.1/32", "e1", source="10.0.0.1")]
    assert left(cascade.without_addresses(space(*twice), named([V4]))) == texts(*twice[1:])


def test_a_link_that_goes_down() -> None:
    stays = [V4, HOST6, route("10.9.0.1/32", "e1"), Neighbour("e1", "10.1.0.9", proxy=True)]
    goes = [V6, route("10.9.0.2/32", "e0"), route("fd09::2/128", "e0"), Neighbour("e0", "10.0.0.9", "02:00:00:00:00:09")]
    ns = space(*stays, *goes)
    assert left(cascade.downed(ns, {"e0"})) == texts(*stays)
    assert cascade.downed(ns, set()) == ns
