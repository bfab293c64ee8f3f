# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and MACs that follow from other names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.netns.plugins.module_utils._engine import schema
from ansible_collections.weft.netns.plugins.plugin_utils import _names as names


def test_host_ends() -> None:
    assert names.host_end("web1", "eth0") == "vweb1"
    assert names.host_end("web1", "eth1") == "vweb1-eth1"
    assert names.host_end("fourteen-bytes", "eth0") == "vfourteen-bytes"


def test_bridges() -> None:
    assert names.bridge("blue") == "br-blue"


@given(st.text(min_size=1))
def test_any_name_gives_a_link_name(name: str) -> None:
    assert schema.link_name(names.host_end(name, "eth0"))
    assert schema.link_name(names.bridge(name))


@given(st.text(), st.text())
def test_long_names_differ(one: str, other: str) -> None:
    prefix = "container-with-a-long-name-"
    assert (names.host_end(prefix + one, "eth0") == names.host_end(prefix + other, "eth0")) == (one == other)


@given(st.text())
def test_macs_are_unicast_and_local(word: str) -> None:
    for sort in (names.CONTAINER_MAC, names.BRIDGE_MAC, names.HOST_END_MAC):
        mac = names.mac(sort, word)
        assert schema.mac(mac) == mac
        assert int(mac[:2], 16) & 2
