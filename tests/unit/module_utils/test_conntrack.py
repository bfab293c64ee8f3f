# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which connections a changed filter leaves behind."""

from __future__ import annotations

import pytest

from _engine.conntrack import Connection, Way, stale
from _engine.filters import Filter, Masquerade, Publication

OWN = {"192.0.2.1", "127.0.0.1"}
PUBLICATION = Publication("udp", (53, 53), "10.0.0.1", "br", 5353)
NARROW = Publication("udp", (50, 59), "10.0.0.1", "br", None, "192.0.2.1")
MASQUERADE = Masquerade(("10.0.0.0/24",), ("br",))


def flow(asked: str, answered: str, protocol: str = "udp") -> Connection:
    """From where to where it was sent, and from where to where the answers are, each `address port address port`."""
    ways = []
    for text in (asked, answered):
        source, source_port, destination, port = text.split()
        ways.append(Way(protocol, source, int(source_port), destination, int(port)))
    return Connection(ways[0], ways[1], b"", 2)


CLIENT = "198.51.100.9 4444"
LED = flow(f"{CLIENT} 192.0.2.1 53", f"10.0.0.1 5353 {CLIENT}")
LED_TCP = flow(f"{CLIENT} 192.0.2.1 53", f"10.0.0.1 5353 {CLIENT}", "tcp")
KEPT_NUMBER = flow(f"{CLIENT} 192.0.2.1 53", f"10.0.0.1 53 {CLIENT}")
TO_THE_HOST = flow(f"{CLIENT} 192.0.2.1 53", f"192.0.2.1 53 {CLIENT}")
PAST_THE_HOST = flow(f"{CLIENT} 203.0.113.1 53", f"203.0.113.1 53 {CLIENT}")
ANOTHER_PORT = flow(f"{CLIENT} 192.0.2.1 54", f"10.0.0.1 5353 {CLIENT}")
HIDDEN = flow("10.0.0.7 4444 203.0.113.1 53", "203.0.113.1 53 192.0.2.1 4444", "tcp")
INSIDE = flow("10.0.0.7 4444 10.0.0.1 53", "10.0.0.1 53 10.0.0.7 4444", "tcp")
ALL = {name: each for name, each in globals().items() if isinstance(each, Connection)}

MOVED = Publication("udp", (53, 53), "10.0.0.2", "br", 53)
OF_TCP = Publication("tcp", (53, 53), "10.0.0.1", "br", 5353)
CASES = {
    "gone": (Filter("", publish=(PUBLICATION,)), None, {"LED"}),
    "moved": (
        Filter("", publish=(PUBLICATION,)),
        Filter("", publish=(Publication("udp", (53, 53), "10.0.0.2", "br", 53),)),
        {"LED", "TO_THE_HOST"},
    ),
    "several gone": (Filter("", publish=(NARROW,)), Filter(""), {"KEPT_NUMBER"}),
    "come": (None, Filter("", publish=(PUBLICATION,)), {"TO_THE_HOST"}),
    "of tcp": (None, Filter("", publish=(OF_TCP,)), set()),
    "of tcp gone": (Filter("", publish=(OF_TCP,)), None, {"LED_TCP"}),
    "no longer hidden": (Filter("", masquerade=(MASQUERADE,)), Filter(""), {"HIDDEN"}),
}


@pytest.mark.parametrize("name", CASES)
def test_who_is_left_behind(name: str) -> None:
    before, after, expected = CASES[name]
    left = stale(before, after, OWN)
    assert left is not None
    assert {each for each, connection in ALL.items() if left(connection)} == expected


def test_where_nothing_of_it_changes_nobody_is_asked() -> None:
    same = Filter("", masquerade=(MASQUERADE,), publish=(PUBLICATION,))
    assert stale(same, same, OWN) is None
