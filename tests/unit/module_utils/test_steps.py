# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What steps are called, and that each is its own undo."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from _engine.kinds.vlans import MADE_WITH, Vlan, Vlans
from _engine.model import Address, Forward, Link, Namespace, Neighbour, NextHop, Resolver, Route, Rule, Sysctl
from _engine.steps import Leftover, Pair, Step, differences, fresh

BRIDGE = Link("br0", "bridge", "down", 1500, "02:00:00:00:00:01", attributes={"stp": False, "ageing_time": 300})
PORT = Link("v0", "veth", "up", 1500, master="br0", attributes={"peer": "eth0", "namespace": "web1"}, port={"isolated": False})
PAIR = Pair(Link("v0", "veth"), Link("eth0", "veth"), "web1")
HOP = (NextHop("10.0.0.9"),)

STEPS: dict[str, tuple[str, Any, Any]] = {
    "create namespace web1": ("web1", None, Namespace("web1", owner="default")),
    "delete namespace web1": ("web1", Namespace("web1", owner="default", identity=7), None),
    "adopt namespace pod from /proc/7/ns/net": ("pod", None, Namespace("pod", path="/proc/7/ns/net")),
    "release namespace pod": ("pod", Namespace("pod", path="/proc/7/ns/net"), None),
    "delete file /run/netns/web1, left by an interrupted run": ("web1", Leftover("web1"), None),
    "create link web1/eth0 veth to host/v0": ("host", None, PAIR),
    "delete link web1/eth0 veth to host/v0": ("host", PAIR, None),
    "create link host/br0 bridge": ("host", None, BRIDGE),
    "delete link host/br0 bridge": ("host", BRIDGE, None),
    "change link host/br0 state down to up, mtu 1500 to 1400, stp false to true": (
        "host",
        BRIDGE,
        replace(BRIDGE, state="up", mtu=1400, attributes={"stp": True, "ageing_time": 300}),
    ),
    "change link host/v0 master br0 to none": ("host", PORT, replace(PORT, master=None, port={})),
    "change link host/v0 port isolated false to true, port hairpin none to false": (
        "host",
        PORT,
        replace(PORT, port={"isolated": True, "hairpin": False}),
    ),
    "create address web1/eth0 10.0.0.1/24": ("web1", None, Address("eth0", "10.0.0.1", 24)),
    "delete address web1/eth0 fd00::1/64": ("web1", Address("eth0", "fd00::1", 64), None),
    "create route web1 default via 10.0.0.9": ("web1", None, Route("0.0.0.0/0", nexthops=HOP)),
    "create route web1 default via fe80::1 dev eth0": ("web1", None, Route("::/0", nexthops=(NextHop("fe80::1", "eth0"),), metric=1024)),
    "create route host 10.0.0.0/8 blackhole table 100 metric 20": ("host", None, Route("10.0.0.0/8", "blackhole", table=100, metric=20)),
    "change route host 10.0.0.0/8 via 10.0.0.9 src 10.0.0.1, was 10.0.0.0/8 dev eth0": (
        "host",
        Route("10.0.0.0/8", nexthops=(NextHop(link="eth0"),)),
        Route("10.0.0.0/8", nexthops=HOP, source="10.0.0.1"),
    ),
    "create route host fd00::/8 via fd00::1 dev a onlink weight 2 via fd00::2 dev b": (
        "host",
        None,
        Route("fd00::/8", nexthops=(NextHop("fd00::1", "a", 2, True), NextHop("fd00::2", "b")), metric=1024),
    ),
    "create rule host 100 from 10.0.0.0/8 to 10.1.0.0/16 iif a oif b fwmark 0x1/0xff lookup 100": (
        "host",
        None,
        Rule(100, 4, "10.0.0.0/8", "10.1.0.0/16", "a", "b", "0x1/0xff", 100),
    ),
    "delete rule host 7 prohibit ipv6": ("host", Rule(7, 6, type="prohibit"), None),
    "create neighbour host/eth0 10.0.0.9 proxy": ("host", None, Neighbour("eth0", "10.0.0.9", proxy=True)),
    "change neighbour host/eth0 fd00::9 lladdr 02:00:00:00:00:02, was eth0 fd00::9 lladdr 02:00:00:00:00:01": (
        "host",
        Neighbour("eth0", "fd00::9", "02:00:00:00:00:01"),
        Neighbour("eth0", "fd00::9", "02:00:00:00:00:02"),
    ),
    "create forward host/vx 00:00:00:00:00:00 to 192.0.2.9": ("host", None, Forward("vx", "00:00:00:00:00:00", "192.0.2.9")),
    "create sysctl web1 net.ipv4.ip_forward to 1": ("web1", None, Sysctl("net.ipv4.ip_forward", "1")),
    "change sysctl host net.ipv4.ip_forward 0 to 1": ("host", Sysctl("net.ipv4.ip_forward", "0"), Sysctl("net.ipv4.ip_forward", "1")),
    "create resolv.conf web1 nameserver 10.0.0.1 10.0.0.2": ("web1", None, Resolver(("10.0.0.1", "10.0.0.2"))),
}


@pytest.mark.parametrize("text", STEPS)
def test_text(text: str) -> None:
    assert Step(*STEPS[text]).text == text


def test_a_note_stands_at_the_end() -> None:
    assert Step("host", BRIDGE, None, "made anew: kind bridge to ifb").text == "delete link host/br0 bridge (made anew: kind bridge to ifb)"


@pytest.mark.parametrize("text", STEPS)
def test_the_inverse_is_the_step_read_backwards(text: str) -> None:
    step = Step(*STEPS[text])
    assert (step.inverse.namespace, step.inverse.before, step.inverse.after) == (step.namespace, step.after, step.before)
    assert step.inverse.inverse == step
    assert step.inverse.item is (step.before if step.before is not None else step.after)


def test_links_of_a_step() -> None:
    assert Step("host", None, PAIR).links == [("host", PAIR.outer), ("web1", PAIR.inner)]
    assert Step("host", BRIDGE, None).links == [("host", BRIDGE)]
    assert Step("host", None, Sysctl("net.a.b", "1")).links == []


def test_equal_links_do_not_differ() -> None:
    assert differences(BRIDGE, replace(BRIDGE)) == ""


@pytest.mark.parametrize(
    ("link", "new"),
    [
        (replace(BRIDGE, state="up"), BRIDGE),
        (
            replace(PORT, port={"isolated": True}),
            replace(
                PORT,
                state="down",
                port={
                    "isolated": False,
                    "learning": True,
                    "neigh_suppress": False,
                    "hairpin": False,
                    "group_fwd_mask": 0,
                    "vlans": MADE_WITH,
                },
            ),
        ),
        (
            replace(BRIDGE, state="up", attributes={"vlan_filtering": True, "vlans": Vlans((Vlan(7),))}),
            replace(BRIDGE, attributes={"vlan_filtering": True, "vlans": MADE_WITH}),
        ),
        (Link("t0", "tun", "up", 1400, "02:00:00:00:00:09", "br0", 100), Link("t0", "tun", "down")),
    ],
)
def test_what_a_link_is_right_after_its_creation(link: Link, new: Link) -> None:
    made = fresh(link)
    assert (made.state, made.mtu, made.mac, made.master, made.txqueuelen) == (new.state, new.mtu, new.mac, new.master, new.txqueuelen)
    assert made.port == (new.port if link.kind != "tun" else made.port)
