# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``compile``: the compiler's own golden cases, seen through it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.weft.netns.plugins.filter.compile import FilterModule

CASES = Path(__file__).parent.parent / "plugin_utils" / "cases"
compile_ = FilterModule().filters()["compile"]


def load(case: str, name: str) -> dict[str, object]:
    return yaml.safe_load((CASES / case / name).read_text(encoding="utf-8"))


def test_documents() -> None:
    assert compile_(load("routed", "intent.yml")) == load("routed", "documents.yml")


def test_leases() -> None:
    assert compile_(load("leases", "intent.yml"), load("leases", "leases.yml")) == load("leases", "documents.yml")


def test_faults() -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        compile_(load("fault-fleet", "intent.yml"))
    assert all(str(fault) in str(caught.value) for fault in load("fault-fleet", "faults.yml"))


@pytest.mark.parametrize("intents", [None, [], {"node1": []}])
def test_no_mapping(intents: object) -> None:
    with pytest.raises(AnsibleFilterError, match="needs a dictionary"):
        compile_(intents)
