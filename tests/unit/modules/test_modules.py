# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules, up to the engine: options in, document out; outcome in, result out."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.weft.netns.plugins.module_utils import _module
from ansible_collections.weft.netns.plugins.module_utils._engine import keep
from ansible_collections.weft.netns.plugins.module_utils._engine.engine import Outcome
from ansible_collections.weft.netns.plugins.module_utils._engine.errors import DocumentError, Fault

CASES = yaml.safe_load(Path(__file__).with_name("documents.yml").read_text(encoding="utf-8"))
REFUSED = yaml.safe_load(Path(__file__).with_name("refused.yml").read_text(encoding="utf-8"))
SINGLE = {"name": "", "purge": False}
NOTHING = Outcome(False, [], lambda: ({}, {}), {"observe": 1.0, "plan": 0.1, "apply": 0.0})


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a module with these options; ``engine`` stands for both calls of the engine. Returns what the module printed."""

    def run_module(name, options, engine=lambda *_arguments, **_settings: NOTHING):
        monkeypatch.setattr(_module, "converge", engine)
        monkeypatch.setattr(_module, "show", engine)
        module = importlib.import_module(f"ansible_collections.weft.netns.plugins.modules.{name}")
        with patch_module_args(options), pytest.raises(SystemExit):
            module.main()
        return json.loads(capsys.readouterr().out)

    return run_module


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['module']}: {case['case']}")
def test_options_become_a_document(run, case):
    asked = []

    def engine(document, **settings):
        asked.append((document, settings))
        return NOTHING

    run(case["module"], case["options"], engine)
    further = {"kept_in": keep.folder(), **case["engine"]} if "engine" in case else SINGLE
    expected = {**further, "state": case.get("state", "present"), "check": False}
    assert asked == [(case["document"], expected)]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case['module']}: {case['message']}")
def test_options_are_refused(run, case):
    result = run(case["module"], case["options"], lambda *_arguments, **_settings: pytest.fail("the engine was asked"))
    assert result["failed"]
    assert case["message"] in result["msg"]


def test_outcome_becomes_the_result(run, monkeypatch):
    warned = []
    monkeypatch.setattr(_module.AnsibleModule, "warn", lambda _module, text: warned.append(text))
    timing = {"observe": 1.0, "plan": 0.1, "apply": 2.0}
    outcome = Outcome(True, ["create namespace web1"], lambda: ({}, {"namespaces": {"web1": {}}}), timing, ["odd"])
    result = run("namespace", {"name": "web1"}, lambda *_arguments, **_settings: outcome)
    assert result["changed"] is True
    assert result["steps"] == ["create namespace web1"]
    assert result["timing"] == timing
    assert warned == ["odd"]
    assert "diff" not in result


def test_diff_is_yaml_and_only_in_diff_mode(run):
    outcome = Outcome(True, ["create namespace web1"], lambda: ({}, {"namespaces": {"web1": {}}}), {})
    result = run("namespace", {"name": "web1", "_ansible_diff": True}, lambda *_arguments, **_settings: outcome)
    assert result["diff"] == {"before": "", "after": "namespaces:\n  web1: {}\n"}


def test_check_mode_is_the_engines(run):
    def engine(_document, **settings):
        assert settings["check"] is True
        return NOTHING

    assert run("namespace", {"name": "web1", "_ansible_check_mode": True}, engine)["changed"] is False


@pytest.mark.parametrize(("module", "options"), [("namespace", {"name": "web1"}), ("topology_info", {})])
def test_every_fault_is_returned(run, module, options):
    def engine(*_arguments, **_settings):
        raise DocumentError([Fault("namespaces.web1", "is odd"), Fault("", "and late")])

    result = run(module, options, engine)
    assert result["failed"]
    assert result["msg"] == "namespaces.web1: is odd\nand late"
    assert result["faults"] == [{"path": "namespaces.web1", "message": "is odd"}, {"path": "", "message": "and late"}]


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({}, (None, None)),
        ({"namespaces": ["host"], "gather": ["links", "pairs"]}, (["host"], {"links", "pairs"})),
    ],
)
def test_reading_asks_for_what_is_wanted(run, options, asked):
    def engine(*arguments):
        assert arguments == asked
        return {"host": {"links": {}}, "namespaces": {}, "pairs": []}

    assert run("topology_info", options, engine)["host"] == {"links": {}}
