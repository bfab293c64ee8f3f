# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's own limit: floor.c, with as few messages and system calls as will do. It knows the network by itself."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from pathlib import Path

from ..network import Network
from .base import Job, Peer

SOURCE = Path(__file__).parents[1] / "floor.c"


class Floor(Peer):
    key = "floor"
    name = "floor"
    patience = math.inf  # the goals need every round

    def __init__(self, directory: Path) -> None:
        """``directory`` gets the program."""
        self.program = directory / "floor"

    def missing(self) -> str | None:
        if not shutil.which("gcc"):
            return "gcc"
        if not self.program.exists():
            subprocess.run(["gcc", "-O2", "-pthread", "-w", "-o", os.fspath(self.program), os.fspath(SOURCE)], check=True)
        return None

    def job(self, network: Network) -> Job:
        program, size = os.fspath(self.program), str(len(network.containers))
        return Job(
            files={},
            create=[program, "create", size, "-U"],
            again=[program, "check", size],
            change=None,
            remove=[program, "destroy", size],
        )
