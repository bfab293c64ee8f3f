# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for any two documents, on the real kernel.

The same few examples each time; with WEFT_EXAMPLES=1000 that many, others each time (or by pytest's --hypothesis-seed).
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from documents import Document, documents
from hosts import Host, fresh_host
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from _engine.codec import Request
from _engine.engine import converge
from _engine.errors import NetnsError
from _engine.kernel import Kernel

EXAMPLES = int(os.environ.get("WEFT_EXAMPLES", "0"))
REFUSED = Request("RTM_NEWNSID")  # the kernel itself says EINVAL to this one: it names no namespace

few = settings(
    max_examples=EXAMPLES or 12,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink] if EXAMPLES else [Phase.generate],
)
DOCUMENTS = documents(existing=("mine1",))


def furnish(host: Host) -> None:
    """Somebody else's things."""
    host.sh(
        """
        ip netns add mario2 && ip -n mario2 addr add 192.0.2.99/32 dev lo
        ip link add mine0 type bridge && ip addr add 198.18.7.1/24 dev mine0 && ip link set mine0 up
        ip link add mine1 type veth peer name mine2 && ip link set mine2 up
        ip route add 203.0.113.0/24 via 198.18.7.9 && ip rule add from 198.18.0.0/15 lookup 77 priority 700
        ip neigh add proxy 198.18.7.77 dev mine0
        sysctl -qw net.ipv4.conf.mine0.forwarding=1 net.ipv4.conf.all.accept_redirects=0 net.ipv6.conf.mine0.accept_ra=0
        """
    )


@few
@given(DOCUMENTS, DOCUMENTS)
def test_one_after_the_other_and_nothing_is_left(old: Document, new: Document) -> None:
    with fresh_host() as host:
        furnish(host)
        before = host.digest()
        host.apply(old)
        host.apply(new)
        host.apply(None, state="absent")
        assert host.since(before) == []


@few
@given(DOCUMENTS, DOCUMENTS, st.integers(0, 40))
def test_refused_at_any_point(old: Document, new: Document, number: int) -> None:
    """The host is as it was, and so it is if the kernel refuses one of the requests."""
    with fresh_host() as host:
        furnish(host)
        host.apply(old)
        before = _unordered(host.digest())
        if _refused_at(number, new):
            assert sorted(before ^ _unordered(host.digest())) == []


def _unordered(digest: set[str]) -> set[str]:
    """Without the order of a link's addresses: one that was deleted and made again comes last."""
    return {_sorted_addresses(line) if " addresses " in line else line for line in digest}


def _sorted_addresses(line: str) -> str:
    where, _word, text = line.partition(" addresses ")
    link, addresses = json.loads(text)
    return f"{where} addresses {link} {sorted(map(str, addresses))}"


def _refused_at(number: int, document: Document) -> bool:
    send, count = Kernel.send, 0

    def sabotage(kernel: Kernel, name: str, requests: Any) -> Any:
        nonlocal count
        first, count = count, count + len(requests)
        changed = [REFUSED if first + index == number else request for index, request in enumerate(requests)]
        return send(kernel, name, changed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Kernel, "send", sabotage)
        try:
            converge(document)
        except NetnsError:
            return True
        return False


DRIFTS = (
    "link set {link} down",
    "link set {link} up",
    "link set {link} nomaster",
    "link set {link} mtu 1300",
    "link set {link} txqueuelen 77",
    "link set {link} address 02:00:00:99:99:99",
    "link del {link}",
    "addr flush dev {link}",
    "addr add 10.7.7.7/24 dev {link}",
    "route flush dev {link} proto 119",
    "route flush table 100",
    "-6 route flush table 1000",
    "rule del priority 100",
    "neigh flush dev {link} nud permanent",
)


@few
@given(DOCUMENTS, st.lists(st.tuples(st.sampled_from(DRIFTS), st.integers(0, 20)), max_size=6))
def test_whatever_somebody_does_is_repaired(document: Document, drifts: list[tuple[str, int]]) -> None:
    with fresh_host() as host:
        furnish(host)
        host.apply(document)
        ends = [("host", name) for name, link in document["host"]["links"].items() if "kind" in link]
        ends += [(where, name) for where, space in document["namespaces"].items() for name in space["links"] if name != "lo"]
        for command, number in drifts if ends else ():
            where, name = ends[number % len(ends)]
            host.run("ip", *([] if where == "host" else ["-n", where]), *command.format(link=name).split(), check=False)
        host.apply(document)
