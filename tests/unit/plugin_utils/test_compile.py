# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compiler's golden cases: cases/<case>/intent.yml (and leases.yml) to documents.yml and leases_after.yml, or to faults.yml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.weft.netns.plugins.module_utils._engine import parse as engine
from ansible_collections.weft.netns.plugins.plugin_utils import _lock_file
from ansible_collections.weft.netns.plugins.plugin_utils._compile import Compiled, compile_fleet
from ansible_collections.weft.netns.plugins.plugin_utils._faults import CompileError

CASES = sorted(path for path in Path(__file__).with_name("cases").iterdir())
GOOD = [case for case in CASES if (case / "documents.yml").exists()]
BAD = [case for case in CASES if (case / "faults.yml").exists()]


def load(path: Path, default: Any = None) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else default


def compiled(case: Path) -> Compiled:
    return compile_fleet(load(case / "intent.yml"), _lock_file.parse("leases.yml", load(case / "leases.yml", {})))


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_documents(case: Path) -> None:
    assert compiled(case).documents == load(case / "documents.yml")


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_leases(case: Path) -> None:
    assert yaml.safe_load(_lock_file.text(compiled(case).leases))["all"]["vars"]["netns_leases"] == load(case / "leases_after.yml")


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_the_engine_takes_every_document(case: Path) -> None:
    for document in compiled(case).documents.values():
        engine.parse(document)


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_faults(case: Path) -> None:
    with pytest.raises(CompileError) as caught:
        compiled(case)
    assert [str(fault) for fault in caught.value.faults] == load(case / "faults.yml")


def test_every_case_is_one_or_the_other() -> None:
    assert sorted(GOOD + BAD) == CASES
