# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One process compiles for all."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from ansible_collections.weft.netns.plugins.module_utils._engine.errors import Fault
from ansible_collections.weft.netns.plugins.plugin_utils._faults import CompileError
from ansible_collections.weft.netns.plugins.plugin_utils._once import Once

HOSTS = [f"host{number}/.." for number in range(8)]


def _take(directory: Path, host: str) -> None:
    def make() -> dict[str, str]:
        with (directory / "made").open("a") as file:
            file.write(f"{host}\n")
        return {name: f"text of {name}" for name in HOSTS}

    assert Once(directory / "once").take(host, make) == f"text of {host}"


def test_many_processes_make_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_take, args=(tmp_path, host)) for host in HOSTS]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(HOSTS)
    assert len((tmp_path / "made").read_text().splitlines()) == 1


def test_who_asks_again_gets_something_new(tmp_path: Path) -> None:
    once = Once(tmp_path / "once")
    texts = iter(["first", "second"])

    def make() -> dict[str, str]:
        return dict.fromkeys(HOSTS, next(texts))

    assert [once.take(HOSTS[0], make), once.take(HOSTS[1], make), once.take(HOSTS[0], make)] == ["first", "first", "second"]
    assert once.take(HOSTS[1], make) == "second"


def test_faults_are_everyones(tmp_path: Path) -> None:
    once = Once(tmp_path / "once")
    calls: list[int] = []

    def make() -> dict[str, str]:
        calls.append(1)
        raise CompileError([Fault("host1: a", "wrong"), Fault("host2: b", "wrong too")])

    for host in HOSTS:
        with pytest.raises(CompileError) as caught:
            once.take(host, make)
        assert [str(fault) for fault in caught.value.faults] == ["host1: a: wrong", "host2: b: wrong too"]
    assert calls == [1]
