# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever somebody changes by hand on a machine, weft.netns.check fails there and tells it, and the next run of topology mends it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

TOPOLOGY = Path(__file__).parents[2] / "machines" / "topology.yml"
ROUNDS = yaml.safe_load(Path(__file__).with_name("mutations.yml").read_text(encoding="utf-8"))


def reported(output: str) -> dict[str, list[str]]:
    """The message of each host that failed: a list of lines."""
    failures = re.findall(r"^fatal: \[(\w+)\]: FAILED! => *\n((?: .*\n)+)", output, re.MULTILINE)
    return {host: yaml.safe_load(result)["msg"] for host, result in failures}


@pytest.mark.parametrize("mutations", ROUNDS, ids=["first", "second"])
def test_check_tells_each_and_the_next_run_mends_it(play: Any, machines: Any, mutations: list[dict[str, str]]) -> None:
    before = {name: machine.state() for name, machine in machines.items()}
    for mutation in mutations:
        machines[mutation["machine"]].sh(mutation["by_hand"])
    told = reported(play("weft.netns.check", succeeds=False))
    untold = [each for each in mutations if not any(line.startswith(each["step"]) for line in told[each["machine"]])]
    assert untold == [], told
    play(TOPOLOGY)
    differences = {name: machine.state() ^ before[name] for name, machine in machines.items()}
    assert not any(differences.values()), differences


def test_nothing_is_left_to_mend(play: Any) -> None:
    play("weft.netns.check")
