# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device on lease, made known by runs that look at nothing else (as those of module ``link`` do)."""

from __future__ import annotations

from typing import Any

from hosts import Host

SINGLE: dict[str, Any] = {"name": "", "purge": False}


def lease(**more: Any) -> dict[str, Any]:
    link = {"kind": "physical", "physical": {"interface": "nic0"}, **more}
    return {"namespaces": {"mine": {"path": "/run/netns/mine", "links": {"lan0": link}}}}


def test_runs_for_other_things_leave_it(host: Host) -> None:
    host.sh("ip netns add mine; ip link add nic0 mtu 1400 type veth peer name wire; ip address add 192.0.2.1/24 dev nic0")
    before = host.digest()
    host.apply(lease(state="down"), **SINGLE)
    host.apply({"host": {"links": {"br0": {"kind": "bridge"}}}}, **SINGLE)
    assert host.apply(lease(state="down", mtu=1300), **SINGLE).steps == ["change link mine/lan0 mtu 1400 to 1300"]
    host.apply({"host": {"links": {"br0": {"state": "absent"}}}}, **SINGLE)
    given_back = {"namespaces": {"mine": {"path": "/run/netns/mine", "links": {"lan0": {"state": "absent"}}}}}
    assert host.apply(given_back, **SINGLE).steps == ["give back link mine/lan0 as host/nic0"]
    assert host.since(before) == []
