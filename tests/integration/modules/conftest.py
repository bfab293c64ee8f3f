# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks go through ansible-playbook, and their results come back as data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

Task = Mapping[str, Any]
Result = dict[str, Any]
RunTasks = Callable[..., list[Result]]


@pytest.fixture
def run_tasks(ansible_playbook: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RunTasks:
    """Run these tasks, one after the other; arguments as of ``ansible_playbook``. A task that was not reached has an empty result.

    A task with ``fails`` is to fail with that very message: another failure, or none, ends the run. So does any failure of the others,
    and it fails the test, unless ``expected`` is False.
    """
    monkeypatch.setenv("ANSIBLE_PIPELINING", "1")  # a quarter faster

    def run(tasks: Iterable[Task], *arguments: str, expected: bool = True, **options: Any) -> list[Result]:
        told = tmp_path / "results.json"
        registered = [_registered(task, f"task_{number}") for number, task in enumerate(tasks)]
        played = ansible_playbook(_playbook(registered, told), *arguments, **options)
        assert not expected or played.returncode == 0, played.output
        assert told.exists(), played.output
        results: list[Result] = json.loads(told.read_text(encoding="utf-8"))
        return results

    return run


def _registered(task: Task, name: str) -> dict[str, Any]:
    registered = {**task, "register": name}
    message = registered.pop("fails", None)
    if message is not None:
        registered.update(failed_when=f"{name}.msg | default('') != message", vars={"message": message})
    return registered


def _playbook(tasks: list[dict[str, Any]], told: Path) -> str:
    """The tasks, and then, whatever became of them, a file with their results."""
    names = [task["register"] for task in tasks]
    content = "{{ query('vars', *names, default={}) | to_json }}"
    copy = {"ansible.builtin.copy": {"content": content, "dest": str(told)}, "vars": {"names": names}, "check_mode": False}
    return yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [{"block": tasks, "always": [copy]}]}], sort_keys=False)
