# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the collection importable, and findable by Ansible, from a checkout at any path.

``from ansible_collections.weft.netns.plugins...`` works in every test, and ``import _engine`` as well (pyproject.toml, pythonpath).
The interpreter that integration tests give to Ansible as ``ansible_python_interpreter`` comes from WEFT_TARGET_PYTHON.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# How long an example takes is the machine's business: benchmarks measure, these tests prove.
hypothesis.settings.register_profile("prove", deadline=None)
hypothesis.settings.load_profile("prove")

CHECKOUT = Path(__file__).resolve().parent.parent


def _collections_path() -> str:
    """A directory that holds ansible_collections/weft/netns, a symbolic link to this checkout."""
    root = tempfile.mkdtemp(prefix="weft-netns-")
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    namespace = Path(root, "ansible_collections", "weft")
    namespace.mkdir(parents=True)
    namespace.joinpath("netns").symlink_to(CHECKOUT)
    return root


COLLECTIONS = _collections_path()
os.environ["ANSIBLE_COLLECTIONS_PATH"] = COLLECTIONS
sys.path.insert(0, COLLECTIONS)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The top directory of the checkout."""
    return CHECKOUT


@pytest.fixture(scope="session")
def collections_path() -> str:
    """What ANSIBLE_COLLECTIONS_PATH must be for this checkout (the environment has it already)."""
    return COLLECTIONS


@pytest.fixture(scope="session")
def target_python() -> str:
    """The interpreter that runs modules: WEFT_TARGET_PYTHON, else the one that runs the tests."""
    return os.environ.get("WEFT_TARGET_PYTHON", sys.executable)


@dataclass(frozen=True)
class Played:
    """How a run of ansible-playbook ended. ``recap``: ok, changed, failed and so on, for each host."""

    returncode: int
    output: str
    recap: dict[str, dict[str, int]]


@pytest.fixture
def ansible_playbook(target_python: str) -> Callable[..., Played]:
    """Run a playbook, a path or text: ``ansible_playbook(text, "--check", inventory=..., variable=value)``.

    Without an inventory there is one host, ``here``: this machine. It needs root and scripts/private for whatever changes the network.
    """

    def play(playbook: Path | str, *arguments: str, inventory: Path | str | None = None, **variables: Any) -> Played:
        with tempfile.TemporaryDirectory(prefix="weft-netns-") as directory:
            if isinstance(playbook, str):
                text, playbook = playbook, Path(directory, "playbook.yml")
                playbook.write_text(text, encoding="utf-8")
            if inventory is None:
                inventory = Path(directory, "inventory")
                inventory.write_text(f"here ansible_connection=local ansible_python_interpreter={target_python}\n", encoding="utf-8")
            command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), *arguments]
            command += ["--extra-vars", json.dumps(variables), str(playbook)]
            environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_PIPELINING": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}
            done = subprocess.run(command, env=environment, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        lines = re.findall(r"^(\S+)\s+: (ok=.*)$", done.stdout, re.MULTILINE)
        recap = {host: {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", counts)} for host, counts in lines}
        return Played(done.returncode, done.stdout + done.stderr, recap)

    return play
