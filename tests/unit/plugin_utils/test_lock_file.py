# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock file: what is written is read again, and what is broken is refused by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.netns.plugins.plugin_utils import _lock_file
from ansible_collections.weft.netns.plugins.plugin_utils._allocation import Lease
from ansible_collections.weft.netns.plugins.plugin_utils._faults import CompileError
from ansible_collections.weft.netns.plugins.plugin_utils._types import Address

NAMES = st.one_of(
    st.sampled_from(["on", "null", "101", "1e3", "~", "0x10", "- a", "a: b", "#", "über", "'", '"', "=", "true", "2024-01-01"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=12),
)
ADDRESSES = st.one_of(
    st.integers(1, 2**32 - 1).map(lambda value: Address.of(4, value)), st.integers(1, 2**128 - 1).map(lambda value: Address.of(6, value))
)
MACS = st.sampled_from([None, "02:00:00:00:00:01", "02:10:20:30:40:50"])
LEASES = st.builds(Lease, st.lists(ADDRESSES, max_size=3).map(tuple), MACS, st.one_of(st.none(), NAMES))


@given(st.dictionaries(st.tuples(NAMES, NAMES), LEASES))
def test_text_is_read_again(leases: dict[tuple[str, str], Lease]) -> None:
    text = _lock_file.text(leases)
    for loader in (yaml.SafeLoader, yaml.BaseLoader):
        assert _lock_file.parse("file", yaml.load(text, Loader=loader)["all"]["vars"]["netns_leases"]) == leases


def test_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "netns.lock.yml"
    leases = {
        ("web1", "eth0"): Lease((Address.parse("10.20.0.2"), Address.parse("fd00::2")), "02:00:00:00:00:01"),
        ("101", "eth0"): Lease(),
    }
    _lock_file.write(path, leases)
    assert _lock_file.read(path) == leases
    assert os.listdir(tmp_path) == [path.name]


def test_permissions_stay(tmp_path: Path) -> None:
    path = tmp_path / "netns.lock.yml"
    path.touch()
    path.chmod(0o640)
    _lock_file.write(path, {})
    assert path.stat().st_mode & 0o777 == 0o640


def test_no_file_is_no_leases(tmp_path: Path) -> None:
    assert _lock_file.read(tmp_path / "netns.lock.yml") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("all: [", "is not YAML"),
        ("", "has no all.vars.netns_leases"),
        ("<<<<<<< HEAD\nall: {}\n", "is not YAML"),
        ("all: {vars: {}}", "has no all.vars.netns_leases"),
        ("all: {vars: {netns_leases: []}}", "[] is not a mapping"),
        ("all: {vars: {netns_leases: {web1: {eth0: {addresses: [x], mac: y, adresses: []}}}}}", "'x' is not an IP address"),
        ("all: {vars: {netns_leases: {web1: {eth0: {host: []}}}}}", "[] is not a text"),
    ],
)
def test_broken(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "netns.lock.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CompileError) as caught:
        _lock_file.read(path)
    assert message in str(caught.value)
    assert all(str(fault).startswith(str(path)) for fault in caught.value.faults)
