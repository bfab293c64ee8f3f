# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module against the real kernel, case by case as cases/<module>.yml tells, all cases of a file in one run of Ansible.

A case has, in this order of time:

given    what somebody does by hand on the host first, in the shell
options  of the module. It is run in check mode, for real, and again: the first two must tell the same, the first must change nothing,
         the last must have nothing to do. Where nothing is to be done, or it fails before anything is done, one run is enough.
brief    likewise: a variation of another case, for which one run is enough
steps    the steps it takes; none, if the key is missing
before   the diff, both as YAML
after
fails    the message, and nothing may have been changed. If there are steps, too, check mode tells them, and only the kernel refuses them
seen     by command: words that its output has afterwards
unseen   likewise, words that it has not
"""

from __future__ import annotations

import difflib
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml
from hosts import Host

from _engine.engine import converge

Case = Mapping[str, Any]
Result = Mapping[str, Any]

HERE = Path(__file__).parent
TABLES = sorted(HERE.joinpath("cases").glob("*.yml"))
SEPARATOR = "-" * 8
NEEDED = {  # by table: what the kernel must be able to do
    "link.dummy": "ip link add try0 type dummy",
    "link.no_dummy": "! ip link add try0 type dummy",
    "link.vlan_filtering": "ip link add try0 type bridge vlan_filtering 1",
}


@pytest.fixture
def capable(host: Host, table: Path) -> None:
    command = NEEDED.get(table.stem, "true")
    if subprocess.run(command, shell=True, capture_output=True, check=False).returncode:
        pytest.skip(f"this kernel does not: {command}")
    host.run("ip", "link", "delete", "try0", check=False)


@pytest.fixture
def processes(host: Host, table: Path) -> Iterator[dict[str, int]]:
    """Numbers of processes: one inside of a namespace that is ours, mario, two with a namespace of their own."""
    if table.stem != "namespace.process":
        yield {}
        return
    converge({"namespaces": {"mario": {}}}, name="", purge=False)
    commands = {"inside": "ip netns exec mario", "first": "unshare --net", "second": "unshare --net"}
    started = {name: subprocess.Popen([*command.split(), "sleep", "600"]) for name, command in commands.items()}
    while not all(Path(f"/proc/{each.pid}/comm").read_text(encoding="utf-8") == "sleep\n" for each in started.values()):
        time.sleep(0.01)
    yield {name: each.pid for name, each in started.items()}
    for each in started.values():
        each.kill()
        each.wait()


@pytest.mark.usefixtures("capable")
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_cases(run_tasks: Callable[..., list[Result]], table: Path, processes: dict[str, int]) -> None:
    module = table.stem.partition(".")[0]
    cases = yaml.safe_load(Template(table.read_text(encoding="utf-8")).safe_substitute(processes))
    parts = [dict(tasks_of(case, module)) for case in cases]
    results = iter(run_tasks((task for tasks in parts for task in tasks.values()), expected=False))
    told = [{part: next(results) for part in tasks} for tasks in parts]
    wrong = [f"{case['case']}: {fault}" for case, results in zip(cases, told, strict=True) for fault in faults(case, results)]
    assert wrong == [], "\n".join(wrong)


def tasks_of(case: Case, module: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tasks of a case, each with the part that it has in it."""
    name = case["case"]
    call = {f"weft.netns.{module}": case["options"], "diff": True}
    look = shlex.quote(str(HERE / "look"))

    def by_hand(script: str) -> dict[str, Any]:
        return {"name": f"{name} (by hand)", "ansible.builtin.raw": f"set -eu\n{{% raw %}}{script}{{% endraw %}}"}

    refused = {"fails": case["fails"].strip()} if "fails" in case else {}
    thorough = "steps" in case and not case.get("brief", False)
    yield "given", by_hand(f"{case.get('given', '')}\n{look}")
    if thorough:
        yield "check", {"name": f"{name} (check)", **call, "check_mode": True}
        yield "checked", by_hand(look)
    yield "run", {"name": name, **call, **refused}
    if refused or "steps" not in case:
        yield "looked", by_hand(look)
    elif thorough:
        yield "again", {"name": f"{name} (again)", **call}
    if commands(case):
        yield "seen", by_hand(f"\necho {SEPARATOR}\n".join(f"{{ {command}; }} 2>&1 || true" for command in commands(case)))


def commands(case: Case) -> list[str]:
    return list({**case.get("seen", {}), **case.get("unseen", {})})


def faults(case: Case, results: Mapping[str, Result]) -> Iterator[str]:
    """What is not as the case has it."""
    failed = [f"{part}: {result.get('msg')} {result.get('stderr', '')}" for part, result in results.items() if result.get("failed")]
    if failed or not all(results.values()):
        yield from failed or ["not reached"]
        return
    for part in {"checked", "looked"} & set(results):
        yield from changes(results["given"]["stdout_lines"], results[part]["stdout_lines"])
    if "check" in results:
        yield from outcome(case, "check", results["check"])
    yield from refusal(case, results["run"]) if "fails" in case else outcome(case, "run", results["run"])
    if "again" in results and (results["again"]["steps"] or results["again"]["changed"]):
        yield f"again: {results['again']['steps']}"
    if commands(case):
        yield from sights(case, results["seen"]["stdout"])


def changes(before: list[str], after: list[str]) -> Iterator[str]:
    yield from (f"it should not change: - {line}" for line in before if line not in after)
    yield from (f"it should not change: + {line}" for line in after if line not in before)


def refusal(case: Case, result: Result) -> Iterator[str]:
    listed = "\n".join(f"{fault['path']}: {fault['message']}".removeprefix(": ") for fault in result["faults"])
    if listed != case["fails"].strip():
        yield f"the faults are {listed}"


def outcome(case: Case, part: str, result: Result) -> Iterator[str]:
    expected = {"steps": case.get("steps", []), "before": case.get("before", {}), "after": case.get("after", {})}
    diff = {key: yaml.safe_load(result["diff"][key]) or {} for key in ("before", "after")}
    for key, value in {"steps": result["steps"], **diff}.items():
        if value != expected[key]:
            texts = (yaml.safe_dump(each).splitlines() for each in (expected[key], value))
            yield "\n".join([f"{part}: {key} differ:", *difflib.unified_diff(*texts, "as the case has it", "as told", lineterm="", n=1)])
    if result["changed"] != bool(expected["steps"]):
        yield f"{part}: changed is {result['changed']}"


def sights(case: Case, output: str) -> Iterator[str]:
    for command, text in zip(commands(case), output.split(SEPARATOR), strict=True):
        line = " ".join(text.split())
        for words in case.get("seen", {}).get(command, []):
            if words not in line:
                yield f"{command} does not say {words!r} but {line!r}"
        for words in case.get("unseen", {}).get(command, []):
            if words in line:
                yield f"{command} says {words!r}: {line!r}"
