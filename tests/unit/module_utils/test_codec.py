# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent to the kernel reads back as what was meant, with every version of pyroute2."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest

from _engine import narrow
from _engine.codec import RTM, Codec, GeneralCodec, Message, Request, attributes
from _engine.kinds import KINDS
from _engine.kinds.vlans import MADE_WITH, Vlan, Vlans
from _engine.model import Address, Forward, Link, Neighbour, NextHop, Route, Rule
from _engine.wire import TRANSLATORS, address, forward, link, neighbour, resolver, route, rule, vlans

INDEXES = {"eth0": 7, "eth1": 8, "vx": 9, "br0": 10}
NAMES = {index: name for name, index in INDEXES.items()}
CODEC = Codec()
GENERAL = GeneralCodec()
OURS = 0x77


def carried(request: Request, number: int | None = None) -> Message:
    """The request, through bytes: the same, whoever writes them."""
    written = CODEC.encode(request, 0, 1)
    assert written == GENERAL.encode(request, 0, 1)
    return GENERAL.decode(RTM[request.type] if number is None else number, written)


def narrowly(request: Request) -> Message | None:
    """The request, through bytes, read by the narrow reader; None: it has not got the tables for it."""
    found = narrow.read(RTM[request.type], CODEC.encode(request, 0, 1))
    return found and Message(*found)


OBJECTS: list[Any] = [
    Address("eth0", "10.0.0.1", 24),
    Address("eth0", "10.0.0.1", 32),
    Address("eth1", "fd00::1", 64),
    Neighbour("eth0", "10.0.0.9", "02:00:00:00:00:09"),
    Neighbour("eth0", "fd00::9", "02:00:00:00:00:09"),
    Neighbour("eth1", "10.0.0.9", proxy=True),
    Neighbour("eth1", "fd00::9", proxy=True),
    Forward("vx", "00:00:00:00:00:00", "192.0.2.9"),
    Forward("vx", "02:00:00:00:00:09", "2001:db8::9"),
    Route("10.0.0.0/8", nexthops=(NextHop("10.0.0.9"),)),
    Route("0.0.0.0/0", nexthops=(NextHop("10.0.0.9", "eth0"),)),
    Route("::/0", nexthops=(NextHop("fe80::1", "eth0"),), metric=1024),
    Route("10.1.0.0/16", nexthops=(NextHop(link="eth0"),), source="10.0.0.1", metric=20, table=100),
    Route("fd00::/8", nexthops=(NextHop(link="eth0"),), source="fd00::1", metric=20, table=70000),
    Route("10.2.0.0/16", nexthops=(NextHop("192.0.2.1", "eth0", onlink=True),)),
    Route("10.3.0.0/16", nexthops=(NextHop("fe80::1", "eth0"),)),
    Route("10.4.0.1/32", "local", (NextHop(link="eth0"),), table=255),
    *(Route("10.5.0.0/16", kind) for kind in ("blackhole", "unreachable", "prohibit", "throw")),
    *(Route("fd05::/16", kind, metric=1024) for kind in ("blackhole", "unreachable", "prohibit", "throw")),
    Route("10.6.0.0/16", nexthops=(NextHop("10.0.0.8", "eth0", 1), NextHop("10.0.0.9", "eth1", 200, True))),
    Route("10.7.0.0/16", nexthops=(NextHop("10.0.0.8", "eth0"), NextHop("fe80::9", "eth1"))),
    Route("fd06::/16", nexthops=(NextHop("fd00::8", "eth0", 5), NextHop("fd00::9", "eth1")), metric=1024),
    Rule(100, 4, "10.0.0.0/8", table=100),
    Rule(100, 6, "fd00::/8", "fd01::/16", "eth0", "eth1", "0x1/0xff", 70000),
    Rule(0xFFFFFFFF, 4, fwmark="0x0/0xffffffff", table=254),
    *(Rule(7, 6, type=kind) for kind in ("blackhole", "unreachable", "prohibit")),
]


@pytest.mark.parametrize("item", OBJECTS, ids=lambda item: item.text)
def test_an_object_reads_back(item: Any) -> None:
    translator = TRANSLATORS[type(item)]
    request = translator.make(item, INDEXES.__getitem__)
    for message in filter(None, (carried(request), narrowly(request))):
        back = translator.decode(message, NAMES)
        assert back == item
        assert back.ours


MARKS = {address: "IFA_PROTO", neighbour: "NDA_PROTOCOL", rule: "FRA_PROTOCOL"}


@pytest.mark.parametrize("item", OBJECTS, ids=lambda item: item.text)
def test_a_mark_is_an_attribute_of_one_byte(item: Any) -> None:
    """Old versions of pyroute2 know neither IFA_PROTO nor NDA_PROTOCOL: they would be lost without a word."""
    translator = TRANSLATORS[type(item)]
    message = carried(translator.make(item, INDEXES.__getitem__))
    if translator in MARKS:
        assert message.attrs[MARKS[translator]] == OURS
    if translator in (address, neighbour):
        number = {address: 11, neighbour: 12}[translator]  # if_addr.h, neighbour.h
        assert struct.pack("=HHBxxx", 5, number, OURS) in message.raw
    if translator is route:
        assert message.fields["proto"] == OURS


@pytest.mark.parametrize("item", OBJECTS, ids=lambda item: item.text)
def test_what_is_removed_is_known_by_its_key(item: Any) -> None:
    """The request to remove has all that the kernel tells objects apart by."""
    translator = TRANSLATORS[type(item)]
    message = carried(translator.remove(item, INDEXES.__getitem__))
    assert message.fields["header"]["type"] - carried(translator.make(item, INDEXES.__getitem__)).fields["header"]["type"] == 1
    if isinstance(item, (Address, Route, Rule)):
        assert translator.decode(message, NAMES).key == item.key


@pytest.mark.parametrize(
    ("translator", "request_"),
    [
        (address, Request("RTM_NEWADDR", {"family": 2, "index": 99}, [("IFA_LOCAL", "10.0.0.1")])),
        (address, Request("RTM_NEWADDR", {"family": 10, "index": 7})),
        (neighbour, Request("RTM_NEWNEIGH", {"family": 2, "ifindex": 7, "state": 2}, [("NDA_DST", "10.0.0.1")])),
        (neighbour, Request("RTM_NEWNEIGH", {"family": 2, "ifindex": 99, "state": 0x80}, [("NDA_DST", "10.0.0.1")])),
        (forward, Request("RTM_NEWNEIGH", {"family": 7, "ifindex": 9, "state": 2}, [("NDA_DST", "10.0.0.1")])),
        (forward, Request("RTM_NEWNEIGH", {"family": 7, "ifindex": 9, "state": 0x80}, [("NDA_LLADDR", "02:00:00:00:00:01")])),
        (route, Request("RTM_NEWROUTE", {"family": 2, "type": 3})),  # broadcast
        (route, Request("RTM_NEWROUTE", {"family": 10, "type": 1, "flags": 0x200})),  # a cached exception
        (rule, Request("RTM_NEWRULE", {"family": 2, "action": 3})),  # nat
        (rule, Request("RTM_NEWRULE", {"family": 2, "action": 1, "flags": 2})),  # not
        (rule, Request("RTM_NEWRULE", {"family": 2, "action": 1, "tos": 4})),
    ],
)
def test_what_the_model_has_no_word_for_stays_unseen(translator: Any, request_: Request) -> None:
    assert translator.decode(carried(request_), NAMES) is None


def test_somebody_elses_is_not_ours() -> None:
    made = carried(Request("RTM_NEWADDR", {"family": 2, "index": 7, "prefixlen": 24, "flags": 1}, [("IFA_LOCAL", "10.0.0.1")]))
    seen = address.decode(made, NAMES)
    assert (seen.ours, seen.secondary) == (False, True)
    made = carried(Request("RTM_NEWROUTE", {"family": 2, "type": 1, "proto": 4, "dst_len": 8}, [("RTA_DST", "10.0.0.0"), ("RTA_OIF", 7)]))
    seen = route.decode(made, NAMES)
    assert (seen.ours, seen.protocol, seen.nexthops) == (False, 4, (NextHop(link="eth0"),))


# -- links

LINKS = [
    Link("eth0", "ifb", mtu=1400, mac="02:00:00:00:00:01", master="br0", txqueuelen=100),
    Link(
        "br0", "bridge", attributes={"stp": True, "forward_delay": 4, "mcast_snooping": False, "ageing_time": 100, "vlan_filtering": True}
    ),
    *(Link("eth1", "macvlan", attributes={"mode": mode}) for mode in ("private", "vepa", "bridge", "passthru", "source")),
    Link("vx", "vxlan", attributes={"id": 7, "local": "192.0.2.1", "group": "239.0.0.1", "port": 4789, "learning": False}),
    Link("vx", "vxlan", attributes={"id": 16777215, "local": "2001:db8::1", "group": "ff05::1", "port": 8472, "learning": True}),
]


@pytest.mark.parametrize("item", LINKS, ids=lambda item: f"{item.kind} {dict(item.attributes)}")
def test_a_link_reads_back(item: Link) -> None:
    parent = 8 if KINDS[str(item.kind)].parent else 0
    create, *_rest = link.make(item, "default", INDEXES.__getitem__, parent)
    message = carried(create)
    seen = link.decode(message)
    expected = replace(item, state="down", master=None)
    assert replace(seen.link, attributes={key: seen.link.attributes.get(key) for key in item.attributes}) == expected
    assert seen.master == (INDEXES[item.master] if item.master else 0)
    assert seen.parent == parent


def test_the_mark_of_a_link() -> None:
    message = carried(link.mark("eth0", "blue")[0])
    assert message.attrs["IFLA_IFALIAS"] == "weft:blue"
    assert link.decode(message).link.owner == "blue"
    assert (
        link.decode(carried(Request("RTM_NEWLINK", {"index": 7}, [("IFLA_IFNAME", "eth0"), ("IFLA_IFALIAS", "mine")]))).link.owner is None
    )


def test_both_ends_of_a_pair_travel_in_one_request() -> None:
    outer = Link("eth0", "veth", mtu=1400, mac="02:00:00:00:00:01", master="br0", attributes={"peer": "eth0", "namespace": "web1"})
    inner = Link("eth0", "veth", mtu=1300, mac="02:00:00:00:00:02", txqueuelen=0)
    message = carried(link.make_pair(outer, inner, "default", INDEXES.__getitem__, 5)[0])
    peer = attributes(attributes(attributes(message.attrs["IFLA_LINKINFO"])["IFLA_INFO_DATA"])["VETH_INFO_PEER"])
    assert (message.attrs["IFLA_IFNAME"], message.attrs["IFLA_MTU"], message.attrs["IFLA_MASTER"]) == ("eth0", 1400, 10)
    assert {key: peer[key] for key in ("IFLA_IFNAME", "IFLA_MTU", "IFLA_ADDRESS", "IFLA_TXQLEN", "IFLA_NET_NS_FD")} == {
        "IFLA_IFNAME": "eth0",
        "IFLA_MTU": 1300,
        "IFLA_ADDRESS": "02:00:00:00:00:02",
        "IFLA_TXQLEN": 0,
        "IFLA_NET_NS_FD": 5,
    }


BEFORE = Link("eth0", "ifb", "up", 1500, "02:00:00:00:00:01", "br0", 1000, port={"isolated": False, "learning": True})


@pytest.mark.parametrize(
    ("after", "attrs", "fields"),
    [
        (replace(BEFORE, mtu=1400), {"IFLA_MTU": 1400}, {}),
        (replace(BEFORE, mac="02:00:00:00:00:02"), {"IFLA_ADDRESS": "02:00:00:00:00:02"}, {}),
        (replace(BEFORE, txqueuelen=0), {"IFLA_TXQLEN": 0}, {}),
        (replace(BEFORE, master=None, port={}), {"IFLA_MASTER": 0}, {}),
        (replace(BEFORE, state="down"), {}, {"flags": 0, "change": 1}),
        (replace(BEFORE, state="down", mtu=1400), {"IFLA_MTU": 1400}, {"flags": 0, "change": 1}),
    ],
)
def test_only_what_differs_is_sent(after: Link, attrs: dict[str, Any], fields: dict[str, int]) -> None:
    [request] = link.change(BEFORE, after, 7, INDEXES.__getitem__)
    message = carried(request)
    assert dict(message.attrs) == attrs
    assert {key: message.fields[key] for key in ("index", "flags", "change")} == {"index": 7, "flags": 0, "change": 0, **fields}


def test_nothing_differs() -> None:
    assert link.change(BEFORE, BEFORE, 7, INDEXES.__getitem__) == []


def test_attributes_of_a_port_follow_the_master() -> None:
    former = replace(BEFORE, master=None, port={})
    requests = link.change(former, replace(BEFORE, port={"isolated": True, "hairpin": True}), 7, INDEXES.__getitem__)
    first, second = (carried(request) for request in requests)
    assert first.attrs["IFLA_MASTER"] == 10
    slave = attributes(second.attrs["IFLA_LINKINFO"])
    assert attributes(slave["IFLA_INFO_SLAVE_DATA"]) == {"IFLA_BRPORT_ISOLATED": 1, "IFLA_BRPORT_MODE": 1}
    assert slave["IFLA_INFO_SLAVE_KIND"] == "bridge"


def test_a_removed_link_is_known_by_its_index() -> None:
    assert carried(link.remove(Link("eth0", index=7))).fields["index"] == 7
    assert carried(link.remove(Link("eth0"))).attrs["IFLA_IFNAME"] == "eth0"


def test_every_attribute_of_a_kind_is_known_to_pyroute2() -> None:
    """An attribute that a version does not know would be left out without a word."""
    for kind in KINDS.values():
        for each in kind.attributes:
            if each.nla and kind.name != "tun":  # made by ioctl
                assert each.nla in _known(kind.name), f"{kind.name}: {each.nla}"


def _known(kind: str) -> set[str]:
    """Names of the attributes of IFLA_INFO_DATA of a kind."""
    return {item[0] for item in GENERAL._classes[RTM["RTM_NEWLINK"]].ifinfo.data_map[kind].nla_map}


@pytest.mark.parametrize(
    "content",
    [
        "# made by weft.netns\nnameserver 10.0.0.1\nnameserver fd00::1\nsearch a.test b.test\n",
        "# made by weft.netns\n",
        "# made by weft.netns\nsearch a.test\n",
    ],
)
def test_resolv_conf(content: str) -> None:
    seen = resolver.decode(content)
    assert (resolver.encode(seen), seen.ours) == (content, True)
    assert not resolver.decode(content[2:]).ours


VLANS = Vlans((Vlan(5, untagged=True), Vlan(7, pvid=True, untagged=True), *(Vlan(each) for each in range(100, 4095))))


@pytest.mark.parametrize("bridge", [False, True])
def test_vlans_read_back(bridge: bool) -> None:
    """Ranges as ranges: all 4094 fit into one message."""
    [delete, make] = vlans.change(7, None, VLANS, bridge)
    assert (delete.type, make.type) == ("RTM_DELLINK", "RTM_SETLINK")
    assert vlans.decode(carried(delete)) == (7, MADE_WITH)
    assert vlans.decode(carried(make)) == (7, VLANS)
    assert len(carried(make).raw) < 100
    flags = [slot[1] for slot in carried(make).attrs["IFLA_AF_SPEC"]["attrs"] if slot[0] in ("IFLA_BRIDGE_FLAGS", "IFLA_BRIDGE_VLAN_FLAGS")]
    assert bool(flags) == bridge


@pytest.mark.parametrize(
    ("before", "after", "gone", "made"),
    [
        ((Vlan(1), Vlan(2)), (Vlan(2), Vlan(3)), (Vlan(1),), (Vlan(3),)),
        ((Vlan(1, pvid=True),), (Vlan(1),), (), (Vlan(1),)),
        ((Vlan(1),), (Vlan(1),), (), ()),
        ((), (), (), ()),
    ],
)
def test_vlans_that_differ(before: tuple[Vlan, ...], after: tuple[Vlan, ...], gone: tuple[Vlan, ...], made: tuple[Vlan, ...]) -> None:
    """What stays is not touched: its frames pass on."""
    requests = vlans.change(7, Vlans(before), Vlans(after), False)
    told = {request.type: vlans.decode(carried(request))[1].items for request in requests}
    assert told == {name: items for name, items in (("RTM_DELLINK", gone), ("RTM_SETLINK", made)) if items}


def test_a_netkit_is_made_by_one_request() -> None:
    outer = Link("nk0", "netkit", master="br0", attributes={"peer": "eth0", "namespace": "web1", "mode": "l2"})
    create = carried(link.make_pair(outer, Link("eth0", "netkit", mac="02:00:00:00:00:02"), "default", INDEXES.__getitem__, 5)[0])
    data = attributes(attributes(create.attrs["IFLA_LINKINFO"])["IFLA_INFO_DATA"])
    peer = attributes(data["IFLA_NETKIT_PEER_INFO"])
    assert data["IFLA_NETKIT_MODE"] == 0
    told = {key: peer[key] for key in ("IFLA_IFNAME", "IFLA_ADDRESS", "IFLA_NET_NS_FD")}
    assert told == {"IFLA_IFNAME": "eth0", "IFLA_ADDRESS": "02:00:00:00:00:02", "IFLA_NET_NS_FD": 5}


def _numbers(nla_map: Any) -> dict[str, int]:
    """Attribute numbers as pyroute2 has them: told, or by their places."""
    return {item[-2]: item[0] if len(item) == 3 else number for number, item in enumerate(nla_map)}


@pytest.mark.parametrize("number", [16, 20, 24, 28, 88])
def test_the_narrow_tables_are_those_of_pyroute2(number: int) -> None:
    known = _numbers(GENERAL._classes[number].nla_map)
    assert {name: known[name] for name in narrow.LAYOUTS[number].table} == {
        name: entry[0] for name, entry in narrow.LAYOUTS[number].table.items()
    }


def test_the_narrow_tables_of_links_are_those_of_pyroute2() -> None:
    info = GENERAL._classes[16].ifinfo
    tables = [
        (info, narrow.INFO),
        (info.bridge_slave_data, narrow.PORT),
        *((info.data_map[kind], table) for kind, table in narrow.DATA.items() if table),
    ]
    for general, table in tables:
        known = _numbers(general.nla_map)
        assert {name: known[name] for name in table} == {name: entry[0] for name, entry in table.items()}


CONTAINER: list[Request] = [
    link.DUMP,
    address.DUMP,
    *neighbour.DUMPS,
    *route.dumps([254]),
    Request("RTM_GETNSID", attrs=[("NETNSA_FD", 5)]),
    *link.loopback("default"),
    *link.mark("eth0", "default"),
    *link.make(Link("br0", "bridge", mtu=1400, attributes={"stp": False, "ageing_time": 5}), "default", INDEXES.__getitem__),
    *link.make_pair(Link("v0", "veth", master="br0"), Link("eth0", "veth", mac="02:00:00:00:00:01"), "default", INDEXES.__getitem__, 5),
    *link.change(
        Link("v0", "veth", "down", master="br0"), Link("v0", "veth", "up", master="br0", port={"isolated": True}), 7, INDEXES.__getitem__
    ),
    address.make(Address("eth0", "10.0.0.1", 24), INDEXES.__getitem__),
    address.make(Address("eth0", "fd00::1", 64), INDEXES.__getitem__),
    route.make(Route("0.0.0.0/0", nexthops=(NextHop("10.0.0.9"),)), INDEXES.__getitem__),
    route.make(Route("::/0", nexthops=(NextHop("fe80::1", "eth0"),), metric=1024), INDEXES.__getitem__),
    neighbour.make(Neighbour("eth0", "10.0.0.9", proxy=True), INDEXES.__getitem__),
]


@pytest.mark.parametrize("request_", CONTAINER, ids=lambda request: request.type)
def test_what_containers_are_made_of_needs_no_pyroute2(request_: Request) -> None:
    assert narrow.write(RTM[request_.type], request_.fields, request_.attrs, 0, 1) is not None
    carried(request_)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_link_of_any_kind_is_read_alike(kind: str) -> None:
    """Narrowly where that can be, and else by pyroute2."""
    values = {"id": 7, "table": 100, "mode": {"macvlan": "vepa", "ipvlan": "l3s", "netkit": "l2"}.get(kind)}
    one = Link(
        "eth0", kind, mtu=1400, mac="02:00:00:00:00:01", attributes={key: values[key] for key in KINDS[kind].keys if values.get(key)}
    )
    create = link.make(one, "default", INDEXES.__getitem__)[0]
    message = narrowly(create)
    assert (message is None) == (kind in narrow.ELSEWHERE)
    assert link.decode(message or carried(create)) == link.decode(carried(create))
