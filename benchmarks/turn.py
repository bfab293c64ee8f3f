# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One peer at one size, on an empty host: all phases, one after the other. Run it with scripts/private.

``python -m benchmarks.turn KEY SIZE PYTHON FOLDER`` prints a line of JSON for each phase.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from . import host, registry
from .network import network
from .peers.base import CREATE, PHASES, REMOVE, Job

CROWD = 300  # containers, from which on it matters what they say to each other


def main() -> int:
    key, size, python, folder = sys.argv[1:]
    peer = registry.peers(python, Path(folder))[key]
    host.make_private(peer.writes)
    job = peer.job(network(int(size)))
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as directory:
        write(job, Path(directory))
        try:
            for phase, cost in phases(job, int(size), Path(directory)):
                print(json.dumps({"phase": phase, **asdict(cost)}), flush=True)
        except host.Failed as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0


def write(job: Job, directory: Path) -> None:
    for name, text in job.files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def phases(job: Job, size: int, directory: Path) -> Iterator[tuple[str, host.Cost]]:
    """What each phase costs that the job has."""
    for phase in PHASES:
        command = getattr(job, phase)
        if command is not None:
            cost = host.cost(command, directory, job.environment, lasting=phase == REMOVE)
            if phase == CREATE and len(host.names()) != size:
                raise host.Failed(f"{' '.join(command)}: {len(host.names())} namespaces instead of {size}")
            yield phase, cost
            if phase == CREATE and size >= CROWD:
                host.wait_until_quiet()


if __name__ == "__main__":
    raise SystemExit(main())
