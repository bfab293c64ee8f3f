# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter without a kernel: read, written, compared."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from _engine import render
from _engine.claims import Claim
from _engine.errors import DocumentError
from _engine.filters import Anycast, Filter, Guard, Isolated, Masquerade, Publication
from _engine.model import HOST, Link, Namespace, Observed, named
from _engine.parse import parse
from _engine.plan import plan
from _engine.wire import ruleset

DOCUMENT: dict[str, Any] = {
    "host": {
        "links": {
            "br": {"kind": "bridge"},
            "v2": {"kind": "veth", "veth": {"peer": "e2"}, "master": "br"},
            "v1": {"kind": "veth", "veth": {"peer": "e1"}},
            "n1": {"kind": "netkit", "netkit": {"peer": "e3"}},
            "up": {"route_to": "::"},
        },
        "filter": {
            "guards": {
                "v2": {"mac": "02-00-00-00-00-0B", "addresses": ["fd00:0::2", "10.0.0.2", "fe80::ff:fe00:b"]},
                "v1": {"mac": "02:00:00:00:00:0a"},
                "n1": {"addresses": ["fd00:0::3", "10.0.0.3"]},
            },
            "isolated": [{"links": ["v2"], "destinations": ["10.0.0.0/24"], "except": ["10.0.0.1", "fd00::1"]}, {"links": ["v1"]}],
            "masquerade": [
                {"sources": ["fd00::/64", "10.0.0.0/24"], "links": ["br"]},
                {"sources": ["10.9.0.0/24"], "links": ["v1"], "address": "192.0.2.1", "ports": "32768-60999"},
            ],
            "publish": [
                {"protocol": "udp", "host_port": 53, "address": "fd00:0::2", "link": "v1"},
                {"protocol": "tcp", "host_port": 8080, "address": "10.0.0.2", "port": 80, "link": "br"},
                {"protocol": "tcp", "host_port": "8000-8099", "host_address": "192.0.2.1", "address": "10.9.0.1", "link": "v1"},
            ],
            "anycast": {"v2": {"mac": "06:00:00:00:00:01", "addresses": ["fd00:0::1", "10.0.0.1", "fe80::400:ff:fe00:1"]}},
        },
    }
}
FILTER = Filter(
    "default",
    (
        Guard("n1", "", ("10.0.0.3", "fd00::3")),
        Guard("v1", "02:00:00:00:00:0a"),
        Guard("v2", "02:00:00:00:00:0b", ("10.0.0.2", "fd00::2"), True),
    ),
    (Isolated(("v1",)), Isolated(("v2",), ("10.0.0.0/24",), ("10.0.0.1", "fd00::1"), True)),
    (Masquerade(("10.0.0.0/24", "fd00::/64"), ("br",)), Masquerade(("10.9.0.0/24",), ("v1",), "192.0.2.1", (32768, 60999))),
    (Anycast("v2", "06:00:00:00:00:01", ("10.0.0.1", "fd00::1")),),
    (
        Publication("tcp", (8000, 8099), "10.9.0.1", "v1", None, "192.0.2.1"),
        Publication("tcp", (8080, 8080), "10.0.0.2", "br", 80),
        Publication("udp", (53, 53), "fd00::2", "v1", 53),
    ),
)


def test_whatever_the_order_it_is_the_same_filter() -> None:
    assert parse(DOCUMENT, "default").namespaces[HOST].filters == {"default": FILTER}


def test_a_guarded_port_hides_no_frame_from_the_filter() -> None:
    links = parse(DOCUMENT).namespaces[HOST].links
    assert (links["v2"].port, links["v1"].port) == ({"group_fwd_mask": 0xFFFD}, {})


def test_an_empty_filter_is_none() -> None:
    assert parse({"host": {"filter": {"guards": {}, "isolated": []}}}).namespaces[HOST].filters == {}


def test_what_is_rendered_is_read_as_the_same() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["host"]["filter"] = render.filter_of(FILTER)
    assert parse(document, "default").namespaces[HOST].filters == {"default": FILTER}


PUBLISHED = {"protocol": "tcp", "host_port": 80, "address": "10.0.0.2", "link": "br"}
FAULTS: list[tuple[Any, list[str]]] = [
    (
        {"publish": [{}, {**PUBLISHED, "link": "v9", "host_address": "fd00::1"}]},
        [
            *(f"host.filter.publish[0].{key}: a published port needs it" for key in ("protocol", "host_port", "address", "link")),
            "host.filter.publish[1].link: v9 is not declared",
            "host.filter.publish[1].host_address: fd00::1 and 10.0.0.2 are of different families",
        ],
    ),
    ({"publish": [PUBLISHED, {**PUBLISHED, "address": "10.0.0.3"}]}, ["host.filter.publish[1]: *:80/tcp is declared twice"]),
    (
        {"publish": [{**PUBLISHED, "host_port": "80-90", "port": 80}, {**PUBLISHED, "host_port": "90-80"}]},
        [
            "host.filter.publish[0].port: several ports keep their numbers",
            "host.filter.publish[0].host_address: several ports at once need it",
            "host.filter.publish[1].host_port: 90-80 ends before it begins",
        ],
    ),
    (
        {
            "masquerade": [
                {"sources": ["10.0.0.0/24", "fd00::/64"], "address": "192.0.2.1"},
                {"sources": ["10.0.0.0/24"], "ports": "1-2"},
            ]
        },
        [
            "host.filter.masquerade[0].address: 192.0.2.1 is not of the family of all sources",
            "host.filter.masquerade[1].ports: these are ports of an address: which?",
        ],
    ),
    ({"guard": {}}, ["host.filter.guard: unknown key, did you mean guards?"]),
    ({"guards": {"v1": {}}}, ["host.filter.guards.v1.mac: a guard needs it"]),
    (
        {"guards": {"n1": {"mac": "02:00:00:00:00:0c"}}},
        ["host.filter.guards.n1.mac: n1 cannot send with it: in mode l3 it has none"],
    ),
    (
        {"guards": {"v9": {"mac": "02:00:00:00:00:01"}}},
        ["host.filter.guards.v9: v9 is not declared; list it in host.links (v9: {} if it exists already)"],
    ),
    (
        {"guards": {"v1": {"mac": "01:00:00:00:00:01", "addresses": ["10.0.0.1/24"]}}},
        [
            "host.filter.guards.v1.mac: 01:00:00:00:00:01 is not a unicast MAC address",
            "host.filter.guards.v1.addresses[0]: '10.0.0.1/24' is not an IP address",
        ],
    ),
    (
        {"guards": {'v"*;': {"mac": "02:00:00:00:00:01"}}},
        ["host.filter.guards.v\"*;: 'v\"*;' cannot be named in a filter: only letters, digits, '_', '.', '@' and '-' can"],
    ),
    ({"isolated": [{}]}, ["host.filter.isolated[0].links: isolation needs it: between which links?"]),
    (
        {"isolated": [{"links": ["v1", "v2"]}]},
        ["host.filter.isolated[0].links: some of these are ports of a bridge, some are not: keep them in sets of their own"],
    ),
    (
        {"isolated": [{"links": ["v1"], "destinations": ["10.0.0.0/24"]}]},
        ["host.filter.isolated[0].destinations: this is about ports of a bridge; the links have no master"],
    ),
    ({"isolated": [["v1"]]}, ["host.filter.isolated[0]: ['v1'] is not a mapping", "host.filter.isolated[0].links: isolation needs it"]),
    (
        {"anycast": {"v2": {"mac": "06:00:00:00:00:01"}, "v1": {"addresses": ["10.0.0.1"]}}},
        [
            "host.filter.anycast.v2.addresses: an anycast gateway needs it",
            "host.filter.anycast.v1.mac: an anycast gateway needs it",
            "host.filter.anycast.v1: v1 is no port of a bridge: it has no master",
        ],
    ),
    ({"masquerade": [{"links": ["br"]}]}, ["host.filter.masquerade[0].sources: masquerading needs it: whose packets?"]),
    (
        {"masquerade": [{"sources": ["10.0.0.1/24"], "links": ["up"]}]},
        [
            "host.filter.masquerade[0].sources[0]: '10.0.0.1/24' is not a prefix",
            "host.filter.masquerade[0].links[0]: up is found by a route: a filter needs the link's own name",
        ],
    ),
]


@pytest.mark.parametrize(("content", "faults"), FAULTS)
def test_faults(content: Any, faults: list[str]) -> None:
    document = copy.deepcopy(DOCUMENT)
    document["host"]["filter"] = content
    with pytest.raises(DocumentError) as caught:
        parse(document)
    found = [str(fault) for fault in caught.value.faults]
    assert len(found) == len(faults)
    assert [have for have, want in zip(found, faults) if not have.startswith(want)] == []


def test_a_filter_belongs_to_the_host() -> None:
    with pytest.raises(DocumentError, match=r"namespaces\.web1\.filter: unknown key"):
        parse({"namespaces": {"web1": {"filter": {}}}})


@pytest.mark.parametrize("name", ["default", "a.b_c-D9", ""])
def test_a_plain_name_is_the_tables(name: str) -> None:
    assert ruleset.table(name) == f"weft-{name}"


@pytest.mark.parametrize("name", ["x { }; flush ruleset", "ä", "a" * 200, "a/b", "a\nb"])
def test_any_other_name_is_hashed(name: str) -> None:
    assert ruleset.PLAIN.fullmatch(ruleset.table(name).replace("weft/", ""))
    assert ruleset.table(name).startswith("weft/")


def test_link_local() -> None:
    assert ruleset.link_local("02:00:0a:14:00:0b") == "fe80::aff:fe14:b"


def test_the_number_of_rules_does_not_grow_with_the_links() -> None:
    def rules(count: int) -> int:
        guards = tuple(
            Guard(f"v{number}", f"02:00:00:00:{number // 256:02x}:{number % 256:02x}", ("10.0.0.1",), True) for number in range(count)
        )
        return sum(text.count("drop\n") + text.count("accept\n") for text in ruleset.encode(Filter("default", guards)).values())

    assert rules(1) == rules(1000)


def test_only_the_families_that_are_needed_get_a_table() -> None:
    assert list(ruleset.encode(replace(FILTER, guards=FILTER.guards[:2], isolated=(), anycast=()))) == ["inet"]
    assert list(ruleset.encode(replace(FILTER, guards=FILTER.guards[2:], isolated=(), masquerade=(), anycast=(), publish=()))) == ["bridge"]
    assert list(ruleset.encode(Filter("default", anycast=FILTER.anycast))) == ["bridge"]


# As libnftables 1.0.6 lists it, shortened.
LISTING: list[dict[str, Any]] = [
    {"metainfo": {"version": "1.0.6"}},
    {"table": {"family": "bridge", "name": "weft-default", "handle": 7}},
    {"set": {"name": "macs", "handle": 1, "elem": [{"concat": ["v2", "02:00:00:00:00:0b"]}]}},
    {"set": {"name": "v4", "handle": 2, "elem": [{"concat": ["v2", "02:00:00:00:00:0b", "10.0.0.2"]}]}},
    {
        "set": {
            "name": "v6",
            "handle": 3,
            "elem": [{"concat": ["v2", "02:00:00:00:00:0b", "fe80::ff:fe00:b"]}, {"concat": ["v2", "02:00:00:00:00:0b", "fd00::2"]}],
        }
    },
    {"set": {"name": "anycast", "handle": 4, "elem": [{"concat": ["v2", "06:00:00:00:00:01"]}]}},
    {"set": {"name": "anycast4", "handle": 5, "elem": [{"concat": ["v2", "10.0.0.1"]}]}},
    {
        "set": {
            "name": "anycast6",
            "handle": 6,
            "elem": [{"concat": ["v2", "0xfe80000000000000040000fffe000001"]}, {"concat": ["v2", "0xfd000000000000000000000000000001"]}],
        }
    },
]


def listed(things: list[dict[str, Any]]) -> dict[str, str]:
    return {"bridge": json.dumps({"nftables": things})}


def test_a_listing_tells_what_is_there_and_whether_it_is_as_it_was() -> None:
    loaded = ruleset.decode("default", listed(LISTING), None)
    assert loaded.guards == FILTER.guards[2:]
    assert loaded.anycast == FILTER.anycast
    assert not loaded.intact
    assert ruleset.decode("default", listed(LISTING), loaded.listing).intact


def test_handles_versions_and_the_order_of_elements_do_not_matter() -> None:
    loaded = ruleset.decode("default", listed(LISTING), None).listing
    other = copy.deepcopy(LISTING)
    other[0]["metainfo"]["version"] = "1.1.3"
    other[1]["table"]["handle"] = 9
    other[4]["set"]["elem"].reverse()
    assert ruleset.decode("default", listed(other), loaded).intact
    other[4]["set"]["elem"].pop()
    assert not ruleset.decode("default", listed(other), loaded).intact


def test_a_listing_of_something_else_is_no_filter_and_no_error() -> None:
    things = [
        {"set": {"name": name, "elem": [1, "x", {"concat": ["a"]}, None]}}
        for name in ("macs", "v4", "isolated0", "masquerade0", "anycast6")
    ]
    things.append(
        {"rule": {"chain": "leaving", "expr": [{"match": {"right": "@masquerade0"}}, {"accept": None}, {"match": {"right": []}}]}}
    )
    assert not ruleset.decode("default", {"inet": json.dumps({"nftables": things})}, None).intact


def planned(now: Filter | None, declared: bool = True) -> list[str]:
    host = Namespace(HOST, {"lo": Link("lo", index=1)}, filters=named([now] if now else []), identity=1)
    claims: Any = {HOST: {'filters "default"': Claim(frozenset({"default"}), "digest")}} if now else {}
    document = copy.deepcopy(DOCUMENT)
    del document["host"]["links"]["up"]
    desired = parse(document if declared else {}, "default")
    return [step.text for step in plan(desired, Observed({HOST: host}), claims, "default").steps]


def test_it_stands_before_links_are_made() -> None:
    texts = planned(None)
    assert texts[0] == "create filter host 3 guards, 2 isolated, 2 masquerade, 1 anycast, 3 publications"
    assert "create link host/br bridge" in texts


def test_what_becomes_of_it_is_told() -> None:
    fewer = replace(FILTER, guards=FILTER.guards[:2], masquerade=())
    assert planned(fewer)[0] == "change filter host: add guards of v2; masquerade"
    assert planned(replace(FILTER, intact=False))[0] == "change filter host: changed by hand"
    assert "filter" not in " ".join(planned(FILTER))
    assert planned(FILTER, declared=False) == ["delete filter host 3 guards, 2 isolated, 2 masquerade, 1 anycast, 3 publications"]
