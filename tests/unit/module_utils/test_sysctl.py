# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and side effects of sysctls."""

from __future__ import annotations

import pytest

from _engine import sysctl


@pytest.mark.parametrize(
    ("name", "path"),
    [("net.ipv4.ip_forward", "net/ipv4/ip_forward"), ("net.ipv4.conf.eth0/5.rp_filter", "net/ipv4/conf/eth0.5/rp_filter")],
)
def test_path(name: str, path: str) -> None:
    assert sysctl.path(name) == path


@pytest.mark.parametrize(
    ("name", "link", "about"),
    [
        ("net.ipv4.conf.eth0.rp_filter", "eth0", True),
        ("net.ipv6.neigh.eth0.gc_stale_time", "eth0", True),
        ("net.ipv4.conf.eth0/5.rp_filter", "eth0.5", True),
        ("net.ipv4.conf.eth0/5.rp_filter", "eth0", False),
        ("net.ipv4.conf.eth01.rp_filter", "eth0", False),
        ("net.ipv4.conf.all.rp_filter", "eth0", False),
        ("net.ipv4.ip_forward", "ip_forward", False),
        ("net.ipv4.route.eth0", "eth0", False),
    ],
)
def test_whose_it_is(name: str, link: str, about: bool) -> None:
    assert sysctl.about_link(name, link) is about


def test_the_same_of_another_link() -> None:
    assert sysctl.rename_link("net.ipv6.conf.uplink6.accept_ra", "uplink6", "eth0.5") == "net.ipv6.conf.eth0/5.accept_ra"


@pytest.mark.parametrize("link", ["eth0", "eth0.5", "a.b.c"])
def test_a_link_is_a_component(link: str) -> None:
    name = f"net.ipv4.conf.{sysctl.component(link)}.rp_filter"
    assert sysctl.about_link(name, link)
    assert sysctl.path(name) == f"net/ipv4/conf/{link}/rp_filter"


def test_order() -> None:
    """What guards against the side effects of forwarding before it, what it overwrites after it."""
    names = [
        "net.ipv4.conf.all.rp_filter",
        "net.ipv6.conf.default.accept_ra",
        "net.ipv4.conf.eth0.rp_filter",
        "net.ipv6.conf.eth0.accept_ra",
        "net.ipv4.conf.all.forwarding",
        "net.ipv6.conf.all.forwarding",
        "net.ipv4.ip_forward",
        "net.ipv4.conf.all.accept_redirects",
        "net.ipv4.conf.eth0.forwarding",
    ]
    mixed = [*names[4:], *names[:4]]
    assert sorted(mixed, key=sysctl.order) == names


@pytest.mark.parametrize(
    ("name", "echoes"),
    [
        (
            "net.ipv4.ip_forward",
            [f"net.ipv4.conf.{each}.forwarding" for each in ("all", "default", "eth0/5")] + ["net.ipv4.conf.all.accept_redirects"],
        ),
        ("net.ipv6.conf.all.forwarding", [f"net.ipv6.conf.{each}.forwarding" for each in ("default", "eth0/5")]),
    ],
)
def test_what_forwarding_changes_too(name: str, echoes: list[str]) -> None:
    assert sysctl.echo_names(name, ["all", "default", "eth0.5"]) == echoes


@pytest.mark.parametrize(("value", "forwarding", "redirects"), [("0", "0", "1"), ("1", "1", "0")])
def test_what_it_changes_them_to(value: str, forwarding: str, redirects: str) -> None:
    """A host that forwards accepts no redirects (inet_forward_change())."""
    assert sysctl.echo_value("net.ipv4.conf.eth0.forwarding", value) == forwarding
    assert sysctl.echo_value("net.ipv4.conf.all.accept_redirects", value) == redirects
