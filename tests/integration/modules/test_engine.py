# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine module: all files of the engine, and a command that works without Ansible."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hosts import Host, disposable

RunTasks = Callable[..., list[dict[str, Any]]]

MODULE = "weft.netns.engine"
LIBRARY = Path("/usr/local/lib/weft-netns")
COMMAND = Path("/usr/local/sbin/weft-netns")


@pytest.fixture(autouse=True)
def files() -> Iterator[None]:
    with disposable("/usr/local"):
        yield


def made(run_tasks: RunTasks, **options: Any) -> dict[str, Any]:
    """The result of a run. Check mode tells the same, so it has changed nothing; run again, it has nothing to do."""
    task = {MODULE: options, "diff": True}
    checked, run, again = run_tasks([{**task, "check_mode": True}, task, task])
    assert [checked[key] for key in ("steps", "diff", "changed")] == [run[key] for key in ("steps", "diff", "changed")]
    assert run["changed"]
    assert (again["steps"], again["changed"]) == ([], False)
    return run


def present() -> dict[str, str]:
    """What there is of the engine, without what Python compiles."""
    files = [path for path in [COMMAND, *LIBRARY.rglob("*")] if path.is_file() and path.parent.name != "__pycache__"]
    return {str(path): path.read_text(encoding="utf-8") for path in files}


def expected(checkout: Path) -> dict[str, str]:
    source = checkout / "plugins/module_utils"
    return {str(LIBRARY / path.relative_to(source)): path.read_text(encoding="utf-8") for path in source.glob("_engine/**/*.py")}


def test_all_of_it_comes_and_goes(run_tasks: RunTasks, checkout: Path, target_python: str) -> None:
    run = made(run_tasks)
    engine = expected(checkout)
    assert len(engine) > 40
    there = present()
    assert there.pop(str(COMMAND)).startswith(f"#!{target_python}\n")
    assert there == engine
    assert run["steps"] == [f"create file {path}" for path in sorted([*engine, str(COMMAND)])]
    assert (run["diff"]["before"], set(yaml.safe_load(run["diff"]["after"]))) == ("", {*engine, str(COMMAND)})

    gone = made(run_tasks, state="absent")
    assert gone["steps"] == [f"delete file {path}" for path in sorted([*engine, str(COMMAND)])]
    assert not COMMAND.exists()
    assert not LIBRARY.exists()


def test_an_older_engine_is_replaced(run_tasks: RunTasks, checkout: Path) -> None:
    run_tasks([{MODULE: {}}])
    LIBRARY.joinpath("_engine/kinds/token_ring.py").write_text("KIND = None\n", encoding="utf-8")
    LIBRARY.joinpath("_engine/cli.py").write_text("", encoding="utf-8")
    LIBRARY.joinpath("_engine/plan.py").unlink()
    COMMAND.chmod(0o644)
    run = made(run_tasks)
    assert run["steps"] == [
        f"change file {LIBRARY}/_engine/cli.py",
        f"delete file {LIBRARY}/_engine/kinds/token_ring.py",
        f"create file {LIBRARY}/_engine/plan.py",
        f"change file {COMMAND}",
    ]
    assert yaml.safe_load(run["diff"]["before"])[str(COMMAND)]["mode"] == "0644"
    there = present()
    assert there.pop(str(COMMAND))
    assert there == expected(checkout)


def test_the_command_works(host: Host, run_tasks: RunTasks, tmp_path: Path) -> None:
    before = host.digest()
    run_tasks([{MODULE: {}}])
    document = {"namespaces": {"web1": {"links": {"eth0": {"kind": "veth", "veth": {"peer": "vweb1"}}}}}}
    file = tmp_path / "document.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    steps = host.run(str(COMMAND), "plan", str(file))
    assert "create link web1/eth0 veth to host/vweb1\n" in steps
    assert host.since(before) == []
    assert host.run(str(COMMAND), "apply", str(file)) == steps
    assert json.loads(host.run(str(COMMAND), "show", "web1"))["namespaces"]["web1"]["links"]["eth0"]["kind"] == "veth"
    assert host.run(str(COMMAND), "apply", str(file)) == ""
    host.run(str(COMMAND), "down")
    assert host.since(before) == []
