# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What peers that are playbooks have in common."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .base import Peer

PROGRAM = Path(sys.executable).with_name("ansible-playbook")
ENVIRONMENT = {"ANSIBLE_PIPELINING": "1", "ANSIBLE_NOCOLOR": "1"}

Task = Mapping[str, Any]


class Playbook(Peer):
    """Plays on this host, over a local connection."""

    def __init__(self, python: str) -> None:
        """:param python: runs the modules."""
        self.python = python

    def missing(self) -> str | None:
        return None if PROGRAM.exists() else f"no {PROGRAM}"

    def files(self, **plays: Sequence[Task]) -> dict[str, str]:
        """An inventory, and a playbook for each list of tasks. JSON is YAML."""
        inventory = f"here ansible_connection=local ansible_python_interpreter={self.python}\n"
        books = {name: [{"hosts": "all", "gather_facts": False, "tasks": tasks}] for name, tasks in plays.items()}
        return {"inventory": inventory, **{f"{name}.yml": json.dumps(book) for name, book in books.items()}}


def play(name: str) -> list[str]:
    return [str(PROGRAM), "-i", "inventory", f"{name}.yml"]
