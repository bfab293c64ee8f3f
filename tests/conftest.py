# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the collection importable, and findable by Ansible, from a checkout at any path.

``from ansible_collections.weft.netns.plugins...`` works in every test, and ``import _engine`` as well (pyproject.toml, pythonpath).
The interpreter that integration tests give to Ansible as ``ansible_python_interpreter`` comes from WEFT_TARGET_PYTHON.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

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
