# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, and medians of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Sample:
    """One phase of one peer at one size in one round. Seconds and bytes, see host.Cost."""

    peer: str
    size: int
    phase: str
    round: int
    wall: float
    cpu: float
    memory: int


class Round:
    """What one round measured."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = {(each.peer, each.size, each.phase): each for each in samples}

    def sample(self, peer: str, size: int, phase: str) -> Sample:
        """:raises KeyError: it was not measured in this round."""
        return self._samples[peer, size, phase]

    def wall(self, peer: str, size: int, phase: str) -> float:
        return self.sample(peer, size, phase).wall


class Samples:
    def __init__(self, samples: Iterable[Sample]) -> None:
        self.all = tuple(samples)

    def rounds(self) -> list[Round]:
        numbers = sorted({each.round for each in self.all})
        return [Round(each for each in self.all if each.round == number) for number in numbers]

    def sizes(self) -> list[int]:
        return sorted({each.size for each in self.all})

    def of(self, peer: str, size: int, phase: str | None = None) -> list[Sample]:
        """All rounds; of all phases if none is given."""
        return [each for each in self.all if (each.peer, each.size) == (peer, size) and phase in (None, each.phase)]

    def wall(self, peer: str, size: int, phase: str) -> float | None:
        """The median of all rounds; None if it was not measured."""
        found = self.of(peer, size, phase)
        return median(each.wall for each in found) if found else None

    def cpu(self, peer: str, size: int, phase: str) -> float | None:
        found = self.of(peer, size, phase)
        return median(each.cpu for each in found) if found else None

    def memory(self, peer: str, size: int) -> int | None:
        """The peak of all phases and rounds."""
        return max((each.memory for each in self.of(peer, size)), default=None)
