# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The language of jails' programs, as the machine has it (RFC 9669). What the programs do is proved on a kernel."""

from __future__ import annotations

import sys

import pytest

from _engine.bpf_language import SOCK, SOCK_ADDR, assemble
from _engine.jail import Jail, cgroup_of
from _engine.jail_programs import HOOKS, programs, texts

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="instructions are spelt as a little-endian machine has them")
BEGIN = "bf 16 00 00 00 00 00 00"  # r6 = r1
ALLOW = ["b4 00 00 00 01 00 00 00", "95 00 00 00 00 00 00 00"]  # w0 = 1; exit
REFUSE = ["b4 00 00 00 00 00 00 00", "95 00 00 00 00 00 00 00"]
PROGRAMS = {
    "a number": (
        ["if type in 2 then allow", "refuse"],
        SOCK,
        ["61 62 08 00 00 00 00 00", "56 02 02 00 02 00 00 00", *ALLOW, *REFUSE],  # w2 = type; if w2 != 2 goto +2
    ),
    "a range, in network order": (
        ["if user_port in 80-89 then allow", "refuse"],
        SOCK_ADDR,
        ["61 62 18 00 00 00 00 00", "dc 02 00 00 10 00 00 00", "a6 02 03 00 50 00 00 00", "26 02 02 00 59 00 00 00", *ALLOW, *REFUSE],
    ),
    "a prefix": (
        ["if user_ip4 in 127.0.0.0/8 then goto end", "refuse", "end:", "allow"],
        SOCK_ADDR,
        [
            *("61 62 04 00 00 00 00 00", "54 02 00 00 ff 00 00 00", "56 02 01 00 7f 00 00 00"),  # w2 = ip; w2 &= mask; if w2 != 127 goto +1
            "05 00 02 00 00 00 00 00",
            *(*REFUSE, *ALLOW),
        ],
    ),
    "what nothing leads to is left out": (["allow", "unused:", "refuse", "goto end", "end:", "allow"], SOCK, ALLOW),
}


@little_endian
@pytest.mark.parametrize("name", PROGRAMS)
def test_instructions(name: str) -> None:
    lines, fields, wanted = PROGRAMS[name]
    code = assemble(lines, fields)
    assert [code[at : at + 8].hex(" ") for at in range(0, len(code), 8)] == [BEGIN, *wanted]


@pytest.mark.parametrize("line", ["permit", "if type in 2 allow", "user_ip4 =", "goto"])
def test_what_is_no_statement(line: str) -> None:
    with pytest.raises(ValueError, match="is no statement"):
        assemble([line], SOCK_ADDR)


def test_where_nothing_is_changed_nothing_is_told_back() -> None:
    """On the host's loopback names are as they are: three programs of each family fewer."""
    own, hosts = (set(programs(Jail("a", ("192.0.2.1",), loopback=loopback))) for loopback in ("own", "host"))
    assert own == set(HOOKS)
    assert own - hosts == {f"{told}{family}" for told in ("recvmsg", "getpeername", "getsockname") for family in "46"}


def test_ports_are_in_the_programs() -> None:
    lines = texts(Jail("a", ("192.0.2.1",), ("80", "8000-8010")))["bind4"]
    assert lines[-5:] == [
        "port:",
        "if user_port in 0 then allow",
        "if user_port in 80 then allow",
        "if user_port in 8000-8010 then allow",
        "refuse",
    ]


@pytest.mark.parametrize(
    ("name", "unit", "cgroup"),
    [
        ("web1", None, "weft/web1"),
        ("web1", "nginx.service", "weft.slice/weft-web1.slice"),
        ("web-1", "nginx.service", "weft.slice/weft-web\\x2d1.slice"),
        ("web1", "apps-web.slice", "apps.slice/apps-web.slice"),
    ],
)
def test_where_a_jail_is(name: str, unit: str | None, cgroup: str) -> None:
    assert cgroup_of(name, unit) == cgroup
