# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is measured at which size, in which order, and how often."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .host import Failed, wait_for_worker
from .peers.base import Peer
from .samples import Sample

CHECKOUT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Bench:
    """What every turn is told: the Python that runs the engine, the folder of what was built. ``failures``: what failed, and why."""

    python: str
    folder: Path
    failures: dict[str, str] = field(default_factory=dict)

    def run(self, turns: Sequence[tuple[Peer, int]], rounds: int) -> Iterator[Sample]:
        """Each round takes all turns, beginning with another one, so that nobody always runs on the warmer or the busier machine.

        What fails is not tried again, and the others go on.
        """
        done: set[tuple[Peer, int]] = set()
        for number in range(1, rounds + 1):
            start = (number - 1) * len(turns) // rounds
            for peer, size in [*turns[start:], *turns[:start]]:
                if (peer, size) in done:
                    continue
                try:
                    samples = self.measure(peer, size, number)
                except Failed as error:
                    sys.stderr.write(f"bench: {error}\n")
                    self.failures[f"{peer.name}, N = {size}, round {number}"] = str(error)
                    done.add((peer, size))
                    continue
                yield from samples
                if sum(each.wall for each in samples) > peer.patience:
                    done.add((peer, size))

    def measure(self, peer: Peer, size: int, number: int) -> list[Sample]:
        """All phases of one peer, in a network and mount namespace of its own.

        :raises Failed: a phase failed.
        """
        command = [str(CHECKOUT / "scripts/private"), sys.executable, "-m", "benchmarks.turn"]
        arguments = [peer.key, str(size), self.python, str(self.folder)]
        turn = subprocess.run([*command, *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False)
        wait_for_worker()
        if turn.returncode != 0:
            raise Failed(turn.stderr.strip())
        samples = [Sample(peer=peer.key, size=size, round=number, **json.loads(line)) for line in turn.stdout.splitlines()]
        spent = ", ".join(f"{each.phase} {each.wall:.3f} s" for each in samples)
        sys.stderr.write(f"bench: round {number}, {peer.name}, N = {size}: {spent}\n")
        return samples


def turns(peers: Iterable[Peer], sizes: Iterable[int]) -> list[tuple[Peer, int]]:
    """Peers with sizes of their own come last."""
    chosen = [*peers]
    shared = [(peer, size) for size in sizes for peer in chosen if peer.sizes is None and size <= (peer.most or size)]
    return [*shared, *((peer, size) for peer in chosen for size in peer.sizes or ())]
