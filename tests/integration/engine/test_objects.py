# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each object and each attribute against the real kernel, case by case as objects/<sort of object>.yml tells.

needs    what the kernel must be able to do
given    what somebody does by hand on the host first, in the shell
old      a host document
new      another one, and
steps    those from the one to the other
drifts   what somebody does by hand then, and the steps that repair it
purge    steps that take it all away; then the host is as it was
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hosts import Host

TABLES = sorted(Path(__file__).parent.joinpath("objects").glob("*.yml"))
CASES = {f"{table.stem}: {name}": case for table in TABLES for name, case in yaml.safe_load(table.read_text(encoding="utf-8")).items()}


def _check_needs(command: str) -> None:
    """In a namespace of its own, so that nothing of the attempt is left."""
    if subprocess.run(["unshare", "--net", "sh", "-c", command], capture_output=True, check=False).returncode:
        pytest.skip(f"this kernel does not: {command}")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_object(host: Host, case: dict[str, Any]) -> None:
    _check_needs(case.get("needs", "true"))
    host.sh(case.get("given", ":"))
    before = host.digest()
    host.apply(case["old"])
    assert host.apply(case["new"]).steps == case["steps"]
    for command, repair in case.get("drifts", {}).items():
        host.sh(command)
        assert host.apply(case["new"]).steps == repair, command
    assert host.apply(None, state="absent").steps == case["purge"]
    assert host.since(before) == []
