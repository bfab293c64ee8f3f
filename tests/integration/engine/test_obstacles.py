# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of others stands in the way of published ports: who is told of it is not reached, and who is reached is not told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from flows import listening, sees
from hosts import Host
from published import HOST, OUTSIDE, WEB, apply, bridged, publish

NFTABLES = "chain FORWARD {\ntype filter hook forward priority filter; policy drop; ct state established,related accept; %s\n}"
PASSES = {
    "nothing": ("", False),
    "another link": ("oifname docker0 accept; iifname docker0 oifname != docker0 accept;", False),
    "another port": ("oifname br tcp dport 443 accept;", False),
    "its link": ("oifname br accept;", True),
    "links like it": ('oifname "b*" accept;', True),
    "its address": ("ip daddr 10.20.0.0/24 accept;", True),
    "its port": ("tcp dport { 22, 80 } accept;", True),
    "what is published": ("ct status dnat accept;", True),
    "but not its address": ("ip daddr 10.20.0.11 drop; oifname br accept;", False),
}


@pytest.mark.parametrize("name", PASSES)
def test_a_host_that_drops_is_obeyed_and_told(host: Host, name: str) -> None:
    host.sh(OUTSIDE)
    rules, passes = PASSES[name]
    host.sh(f"nft -f - <<'END'\ntable ip filter {{\n{NFTABLES % rules}\n}}\nEND")
    outcome = apply(host, bridged([publish()[0]]))
    told = ["chain FORWARD of table ip filter drops what is sent to published ports (*:8080/tcp): accept it there"]
    assert outcome.obstacles == ([] if passes else told)
    assert outcome.warnings == []
    with listening("web1", "tcp", 4, 80) as listener:
        assert (sees(listener, "outside", (HOST[4], 8080)) is not None) is passes


ESTABLISHED = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
THERE = "-N there"
LEGACY: dict[str, tuple[list[str], bool]] = {
    "nothing": ([], False),
    "another link": (["-A FORWARD -o docker0 -j ACCEPT", "-A FORWARD -i docker0 ! -o docker0 -j ACCEPT"], False),
    "another port": (["-A FORWARD -o br -p tcp --dport 443 -j ACCEPT", "-A FORWARD -p udp --dport 80 -j ACCEPT"], False),
    "another network": (["-A FORWARD -d {other} -j ACCEPT"], False),
    "its link": (["-A FORWARD -m comment --comment containers -o br -j ACCEPT"], True),
    "links like it": (["-A FORWARD -o b+ -j ACCEPT"], True),
    "links with longer names": (["-A FORWARD -o br0 -j ACCEPT", "-A FORWARD -o br0+ -j ACCEPT"], False),
    "its network": (["-A FORWARD -d {network} -j ACCEPT"], True),
    "its port": (["-A FORWARD -p tcp --dport 80 --syn -m state --state NEW -j ACCEPT"], True),
    "a range of ports": (["-A FORWARD -p tcp -m multiport --dports 22,79:81 -j ACCEPT"], True),
    "all ports but others": (["-A FORWARD -p tcp -m multiport ! --dports 22,443:444 -j ACCEPT"], True),
    "what is published": (["-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT"], True),
    "whatever is new": (["-A FORWARD -m conntrack --ctstate NEW,DNAT -j ACCEPT"], True),
    "its link, rejected": (["-P FORWARD ACCEPT", "-A FORWARD -o br -j REJECT"], False),
    "all but its port": (["-P FORWARD ACCEPT", "-A FORWARD -p tcp ! --dport 81 -j DROP"], False),
    "but not its address": (["-A FORWARD -d {address} -j DROP", "-A FORWARD -o br -j ACCEPT"], False),
    "a rule that only counts": (["-A FORWARD -o br", "-A FORWARD -j ACCEPT"], True),
    "a chain": ([THERE, "-A there -o br -j ACCEPT", "-A FORWARD -j there"], True),
    "a chain left early": ([THERE, "-A there -p tcp --dport 80 -j RETURN", "-A there -j ACCEPT", "-A FORWARD -j there"], False),
    "a chain that does not come back": ([THERE, "-A FORWARD -o br -g there", "-A FORWARD -j ACCEPT"], False),
}
FILTERS = {4: ("iptables-legacy", "ip"), 6: ("ip6tables-legacy", "ip6")}


@pytest.mark.parametrize("family", FILTERS)
@pytest.mark.parametrize("name", LEGACY)
def test_rules_of_iptables_legacy_are_obeyed_and_told(host: Host, name: str, family: int) -> None:
    command, sort = FILTERS[family]
    if subprocess.run([command, "-S"], capture_output=True, check=False).returncode:
        pytest.skip(f"this kernel has no tables of {command}")
    host.sh(OUTSIDE)
    rules, passes = LEGACY[name]
    places = {4: ("10.20.0.0/24", "10.20.1.0/24"), 6: ("fd00:20::/64", "fd00:21::/64")}[family]
    for rule in ("-P FORWARD DROP", f"-A FORWARD {ESTABLISHED}", *rules):
        host.sh(f"{command} " + rule.format(network=places[0], other=places[1], address=WEB["web1"][family]))
    outcome = apply(host, bridged([each for each in publish() if each["protocol"] == "tcp"]))
    shown = {4: "*:8080/tcp", 6: "[*]:8080/tcp"}[family]
    told = f"chain FORWARD of table {sort} filter (iptables-legacy) drops what is sent to published ports ({shown}): accept it there"
    assert outcome.obstacles == ([] if passes else [told])
    with listening("web1", "tcp", family, 80) as listener:
        assert (sees(listener, "outside", (HOST[family], 8080)) is not None) is passes


def test_to_look_for_tables_of_iptables_legacy_makes_none(host: Host) -> None:
    apply(host, bridged(publish()))
    for names in (Path("/proc/thread-self/net/ip_tables_names"), Path("/proc/thread-self/net/ip6_tables_names")):
        assert not names.exists() or names.read_text(encoding="ascii") == ""


FIREWALLD = """
table inet firewalld {
    chain filter_FORWARD {
        type filter hook forward priority filter + 10; policy accept;
        ct state { established, related } accept
        %s
        jump filter_FORWARD_ZONES
        reject with icmpx admin-prohibited
    }
    chain filter_FORWARD_ZONES { goto filter_FWD_public; }
    chain filter_FWD_public { jump filter_FWD_public_allow; }
    chain filter_FWD_public_allow { }
    chain filter_FWD_trusted { accept; }
    chain filter_FWD_open { tcp dport 80 accept; udp dport 80 accept; }
}
"""


REACHED = [
    ("ct status dnat accept", False),
    ("iifname docker0 goto filter_FWD_trusted", True),
    ("iifname eth0 goto filter_FWD_open", False),
    ("ip saddr 198.51.100.0/24 drop", True),
    ("", True),
]


@pytest.mark.parametrize(("rule", "drops"), REACHED)
def test_the_end_of_a_chain_counts_and_what_it_jumps_to(host: Host, rule: str, drops: bool) -> None:
    host.sh(f"nft -f - <<'END'\n{FIREWALLD % rule}\nEND")
    told = apply(host, bridged(publish())).obstacles
    assert [each.partition(" drops")[0] for each in told] == ["chain filter_FORWARD of table inet firewalld"] * drops


def test_who_listens_there_already_is_told_of(host: Host) -> None:
    host.sh(OUTSIDE)
    with listening(None, "tcp", 4, 8080), listening(None, "udp", 6, 8080, HOST[6]), listening(None, "udp", 4, 8081):
        told = apply(host, bridged(publish())).obstacles
    assert told == [
        "a process of the host listens on *:8080/tcp, [*]:8080/udp, and is not reached there: what is sent there is for a container"
    ]
    assert apply(host, bridged(publish())).obstacles == []


def test_an_address_that_the_host_has_not_is_told_of(host: Host) -> None:
    entry = {**publish()[0], "host_address": "192.0.2.99"}
    assert apply(host, bridged([entry])).obstacles == [
        "no link of the host has the address of 192.0.2.99:8080/tcp: nobody reaches it before one has"
    ]
