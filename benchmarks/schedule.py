# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is measured at which size, in which order, how often; and the measuring."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import host
from .network import network
from .peers.base import CREATE, PHASES, REMOVE, Job, Peer
from .samples import Sample

SLOW = 120.0  # seconds: a peer that needs more for its phases at one size is measured once there


def run(turns: Sequence[tuple[Peer, int]], rounds: int) -> Iterator[Sample]:
    """Each round takes all turns, beginning with another one, so that nobody always runs on the warmer or the busier machine."""
    slow: set[tuple[Peer, int]] = set()
    for number in range(1, rounds + 1):
        start = (number - 1) * len(turns) // rounds
        for peer, size in [*turns[start:], *turns[:start]]:
            if (peer, size) in slow:
                continue
            samples = list(measure(peer, size, number))
            yield from samples
            if sum(each.wall for each in samples) > SLOW:
                slow.add((peer, size))


def measure(peer: Peer, size: int, number: int) -> Iterator[Sample]:
    """All phases of one peer, on an empty host, which is empty again afterwards."""
    if host.links() or host.names():
        raise host.Failed(f"before {peer.name}: not an empty host: {[*host.links(), *host.names()][:5]}")
    job = peer.job(network(size))
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as name:
        directory = Path(name)
        write(job, directory)
        try:
            yield from _phases(peer, job, size, number, directory)
        finally:
            host.sweep()


def _phases(peer: Peer, job: Job, size: int, number: int, directory: Path) -> Iterator[Sample]:
    sys.stderr.write(f"bench: round {number}, {peer.name}, N = {size}:")
    for phase in PHASES:
        command = getattr(job, phase)
        if command is None:
            continue
        cost = host.cost(command, directory, job.environment, lasting=phase == REMOVE)
        if phase == CREATE and len(host.names()) != size:
            raise host.Failed(f"{peer.name}: {len(host.names())} namespaces instead of {size}")
        sys.stderr.write(f" {phase} {cost.wall:.3f}")
        yield Sample(peer.key, size, phase, number, cost.wall, cost.cpu, cost.memory)
    sys.stderr.write("\n")


def write(job: Job, directory: Path) -> None:
    for name, text in job.files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
