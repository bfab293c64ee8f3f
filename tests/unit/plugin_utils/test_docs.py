# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of the inventory says what the compiler takes: its examples compile, its tables have every key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.weft.netns.plugins.module_utils._engine import parse as engine
from ansible_collections.weft.netns.plugins.plugin_utils import _containers, _networks, _uplinks
from ansible_collections.weft.netns.plugins.plugin_utils._compile import compile_fleet
from ansible_collections.weft.netns.plugins.plugin_utils._modes import MODES

TEXT = (Path(__file__).parents[3] / "docs" / "networks.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
KEYS = {
    "network": (*_networks.NETWORK_KEYS, *(name for name, mode in MODES.items() if mode.options)),
    "uplink": tuple(_uplinks.CHECKS),
    "interface": _containers.INTERFACE_KEYS,
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_compile(example: str) -> None:
    variables = yaml.safe_load(example.replace("{{ ansible_host }}", "192.0.2.1"))
    engine.parse(compile_fleet({"host1": variables}, {}).documents["host1"])


@pytest.mark.parametrize("key", [key for keys in KEYS.values() for key in keys])
def test_every_key_has_a_row(key: str) -> None:
    assert re.search(rf"^\| [^|]*`{key}`[^|]* \|", TEXT, re.MULTILINE)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_has_a_chapter(mode: str) -> None:
    assert f"\n## Mode {mode}\n" in TEXT
