# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table jails.yml, on this kernel: what a socket in a jail gets, by what it names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cells import Cell, cell, observer
from hosts import Host, fresh_host

from _engine.engine import converge
from _engine.jail import Jail

TABLE = yaml.safe_load(Path(__file__).with_name("jails.yml").read_text())
FAMILIES = {"ipv4": "AF_INET", "ipv6": "AF_INET6"}
TYPES = {"tcp": "SOCK_STREAM", "udp": "SOCK_DGRAM"}
NAMES4 = {
    "wildcard": "0.0.0.0",
    "own": "192.0.2.10",
    "second": "192.0.2.20",
    "foreign": "192.0.2.1",
    "loopback": "127.0.0.1",
    "link-local": "169.254.1.1",
    "multicast": "224.0.0.77",
    "broadcast": "198.51.100.255",
}
NAMES6 = {
    "wildcard": "::",
    "own": "fd00::10",
    "second": "fd00::20",
    "foreign": "fd00::1",
    "loopback": "::1",
    "link-local": "fe80::1%v0",
    "multicast": "ff02::77%v0",
    **{f"mapped {name}": f"::ffff:{address}" for name, address in NAMES4.items() if name != "broadcast"},
}
BEYOND = {
    "169.254.1.1": "169.254.1.2",
    "fe80::1%v0": "fe80::2%v0",
    "::ffff:169.254.1.1": "::ffff:169.254.1.2",
}  # link-local, of the other host
TO_BIND, TO_REACH = (8006, 9001), (8005, 9000)  # ports that the jail has and has not
ADDRESSES = ["192.0.2.10", "192.0.2.20", "fd00::10", "fd00::20"]
DOCUMENT = {"jails": {"cell": {"addresses": ADDRESSES, "ports": [80, "8000-8010"], "link": "v0"}}}
LOOPBACK = dict(zip(FAMILIES, Jail("cell", ("fd00::10",)).loopbacks))
CASES = [(sort, name, action, number) for sort, rows in TABLE.items() for name, row in rows.items() for action in row for number in (0, 1)]


@pytest.fixture(scope="module")
def inmate() -> Iterator[Cell]:
    """A process in the jail, without any rights; around it a host with servers, and another host on the wire."""
    with fresh_host() as host:
        _prepare(host)
        converge(DOCUMENT)
        with observer("v0", TO_REACH), observer("v1", TO_REACH, namespace="wire"), cell("weft/cell", user=65534) as inside:
            yield inside
        converge(None, state="absent")


def _prepare(host: Host) -> None:
    host.sh(
        """
        ip netns add wire && ip link add v0 type veth peer name v1 netns wire && ip link set v0 up
        ip addr add 192.0.2.1/32 dev lo && ip addr add fd00::1/128 dev lo
        ip addr add 198.51.100.1/24 dev v0 && ip addr add 169.254.1.1/16 dev v0 && ip addr add fe80::1/64 dev v0 nodad
        ip -n wire link set v1 up && ip -n wire addr add 198.51.100.2/24 dev v1 && ip -n wire addr add 169.254.1.2/16 dev v1
        ip -n wire addr add fe80::2/64 dev v1 nodad
        ip -n wire route add 192.0.2.0/24 via 198.51.100.1 && ip -n wire route add fd00::/64 via fe80::1 dev v1
        """
    )


@pytest.mark.parametrize(("sort", "name", "action", "number"), CASES, ids=lambda value: str(value).replace(" ", "-"))
def test_the_table(inmate: Cell, sort: str, name: str, action: str, number: int) -> None:
    family, protocol = sort.split()
    expected = TABLE[sort][name][action]
    wanted = expected[number] if isinstance(expected, list) else expected
    if wanted == "loopback":
        wanted = LOOPBACK[family if name == "loopback" else "ipv4"]
    address = (NAMES4 if family == "ipv4" else NAMES6)[name]
    port = (TO_BIND if action == "bind" else TO_REACH)[number]
    target = address if action == "bind" else BEYOND.get(address, address)
    assert inmate.ask(FAMILIES[family], TYPES[protocol], [action, target, port], *_asked(action, protocol, name)) == wanted


def _asked(action: str, protocol: str, name: str) -> list[list[Any]]:
    """How to find out the address after that."""
    if action == "bind" or (action, name.split()[-1]) == ("connect", "multicast"):  # a connected socket hears no answers of others
        return [["getsockname"]]
    return [["send"], ["recv"]] if (action, protocol) == ("connect", "udp") else [["recv"]]


def test_the_table_is_whole() -> None:
    for sort, rows in TABLE.items():
        family, protocol = sort.split()
        assert set(rows) == set(NAMES4 if family == "ipv4" else NAMES6), sort
        actions = {"bind", "connect", "sendto"} if protocol == "udp" else {"bind", "connect"}
        assert all(set(row) == actions for row in rows.values()), sort
    assert len(CASES) == 2 * (2 * 8 + 3 * 8 + 2 * 14 + 3 * 14)
