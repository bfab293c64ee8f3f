# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine and the collection are compared with, or do besides: no peers, as they make no network."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..network import Network
from .base import Job, Peer
from .engine import Engine
from .playbook import ENVIRONMENT, Playbook, play

COMPILE = Path(__file__).parents[1] / "compile.py"
CONTAINERS_PER_HOST = 50


class ColdStart(Engine):
    key = "cold"
    name = "weft.netns, one container"
    sizes = (1,)


class Import(Peer):
    """Python's start and the import of the library: what any program over pyroute2 costs before its first line."""

    key = "import"
    name = "Python with pyroute2"
    sizes = (1,)

    def __init__(self, python: str) -> None:
        self.python = python

    def missing(self) -> str | None:
        return None

    def job(self, network: Network) -> Job:
        return Job({}, None, [self.python, "-c", "import pyroute2"], None, None)


class EmptyModule(Playbook):
    key = "empty"
    name = "a play with an empty module"
    sizes = (1000,)

    def job(self, network: Network) -> Job:
        return Job(self.files(empty=[{"ansible.builtin.ping": {}}]), None, play("empty"), None, None, ENVIRONMENT)


class Compile(Peer):
    """The size is that of the whole fleet."""

    key = "compile"
    name = "compile"
    sizes = (5_000, 50_000)

    def missing(self) -> str | None:
        return None if "ANSIBLE_COLLECTIONS_PATH" in os.environ else "run it with scripts/in-collection"

    def job(self, network: Network) -> Job:
        hosts = str(len(network.containers) // CONTAINERS_PER_HOST)
        command = [sys.executable, str(COMPILE), hosts, str(CONTAINERS_PER_HOST)]
        return Job({}, None, command, None, None, {"PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]})
