# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real backbone: 12 nodes, 15 links, 132 routes; every loopback answers every other."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from hosts import Host

BACKBONE = Path(__file__).parents[3] / "examples" / "abilene.yml"


@pytest.fixture
def backbone() -> Any:
    return yaml.safe_load(BACKBONE.read_text())


def foreign(host: Host) -> None:
    """Somebody else's things, of every sort that the document has too."""
    host.sh(
        """
        ip netns add mario2 && ip -n mario2 link set lo up && ip -n mario2 addr add 192.0.2.1/32 dev lo
        ip link add mine0 type bridge && ip addr add 198.51.100.1/24 dev mine0 && ip link set mine0 up
        ip link add mine1 type veth peer name mine2 netns mario2 && ip link set mine1 master mine0
        ip addr add 2001:db8::1/64 dev mine0 nodad
        ip route add 203.0.113.0/24 via 198.51.100.9 && ip -6 route add 2001:db8:1::/48 via 2001:db8::9
        ip route add 203.0.113.0/24 via 198.51.100.8 table 77 && ip rule add from 198.51.100.0/24 lookup 77 priority 700
        ip neigh add proxy 198.51.100.77 dev mine0
        sysctl -qw net.ipv4.conf.mine0.forwarding=1 net.ipv6.conf.mine0.accept_ra=0 net.ipv4.conf.all.accept_redirects=0
        """
    )


def test_everybody_reaches_everybody_and_nothing_is_left(host: Host, backbone: Any) -> None:
    foreign(host)
    before = host.digest()
    assert host.apply(backbone).changed
    nodes = list(backbone["namespaces"])
    addresses = [links["links"]["lo"]["addresses"][0].split("/")[0] for links in backbone["namespaces"].values()]
    answered = [host.pings(address, node) for node, address in product(nodes, addresses)]
    assert (len(answered), all(answered)) == (144, True)
    host.apply(None, state="absent")
    assert host.since(before) == []


def test_a_declared_route_comes_back(host: Host, backbone: Any) -> None:
    host.apply(backbone)
    host.sh("ip -n atlam5 route del 10.255.0.2; ip -n atlang link set to1 name away 2>/dev/null || true; ip -n sttlng link set to5 down")
    assert host.apply(backbone).changed
    assert host.pings("10.255.0.3", "atlam5")
