# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine has to reach. Each goal is held against what was measured, round by round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from .peers.base import AGAIN, CHANGE, CREATE, REMOVE
from .samples import Round, Samples

ENGINE, FLOOR, TASK, IP, CNI, IFSTATE = "engine", "floor", "task", "ip", "cni", "ifstate"
COLD, IMPORT, EMPTY, COMPILE = "cold", "import", "empty", "compile"

Value = Callable[[Round], float]


@dataclass(frozen=True)
class Goal:
    """``value`` shall not be more than ``limit``."""

    text: str
    value: Value
    limit: Value
    unit: str = ""


@dataclass(frozen=True)
class Verdict:
    """Medians of ``value``, ``limit`` and their quotient, ``share``: met where that is at most 1. ``rounds`` have measured both."""

    goal: Goal
    value: float
    limit: float
    share: float
    rounds: int

    @property
    def met(self) -> bool:
        return self.share <= 1


def judge(goal: Goal, samples: Samples) -> Verdict | None:
    """None: no round has measured all that the goal needs."""
    found = []
    for each in samples.rounds():
        try:
            found.append((goal.value(each), goal.limit(each)))
        except KeyError:
            continue
    if not found:
        return None
    values, limits = zip(*found)
    return Verdict(goal, median(values), median(limits), median(value / limit for value, limit in found), len(found))


def _wall(peer: str, size: int, phase: str) -> Value:
    return lambda each: each.wall(peer, size, phase)


def _ratio(value: Value, to: Value) -> Value:
    return lambda each: value(each) / to(each)


def _growth(peer: str, phase: str, small: int, large: int) -> Value:
    """Cost of a container among many to that among few."""
    return _ratio(lambda each: each.wall(peer, large, phase) / large, lambda each: each.wall(peer, small, phase) / small)


def _at_most(limit: float) -> Value:
    return lambda _each: limit


def _memory(each: Round) -> float:
    return max(each.sample(ENGINE, 1000, phase).memory for phase in (CREATE, AGAIN, CHANGE, REMOVE)) / 1e6


def _near_the_floor(each: Round) -> float:
    return 1.5 * (each.wall(FLOOR, 1000, CREATE) + 2 * each.wall(FLOOR, 1000, AGAIN)) + 0.35


def _times(text: str, phase: str, size: int, peer: str, limit: float) -> Goal:
    return Goal(text, _ratio(_wall(ENGINE, size, phase), _wall(peer, size, phase)), _at_most(limit))


GOALS = (
    Goal("create, N = 1000: 1.5 (floor's create + 2 of its checks) + 0.35 s", _wall(ENGINE, 1000, CREATE), _near_the_floor, "s"),
    _times("second run / floor's check, N = 1000", AGAIN, 1000, FLOOR, 6),
    _times("teardown / floor's, N = 1000", REMOVE, 1000, FLOOR, 1.6),
    _times("create / ip -batch, N = 100", CREATE, 100, IP, 0.7),
    _times("create / ip -batch, N = 1000", CREATE, 1000, IP, 0.22),
    _times("create / CNI bridge plugin, N = 100", CREATE, 100, CNI, 0.1),
    _times("create / ifstate, N = 100", CREATE, 100, IFSTATE, 0.02),
    Goal(
        "cold start, one container, nothing to do: Python with pyroute2 + 0.1 s",
        _wall(COLD, 1, AGAIN),
        lambda each: each.wall(IMPORT, 1, AGAIN) + 0.1,
        "s",
    ),
    Goal(
        "create, a container among 5000 / among 100: 1.2 of floor's",
        _growth(ENGINE, CREATE, 100, 5000),
        lambda each: 1.2 * _growth(FLOOR, CREATE, 100, 5000)(each),
    ),
    Goal(
        "one container changed among 1000: second run + 0.05 s",
        _wall(ENGINE, 1000, CHANGE),
        lambda each: each.wall(ENGINE, 1000, AGAIN) + 0.05,
        "s",
    ),
    Goal("peak memory, N = 1000", _memory, _at_most(120), "MB"),
    Goal(
        "topology as a task, nothing to do, minus an empty module, N = 1000: second run + 0.6 s",
        lambda each: each.wall(TASK, 1000, AGAIN) - each.wall(EMPTY, 1000, AGAIN),
        lambda each: each.wall(ENGINE, 1000, AGAIN) + 0.6,
        "s",
    ),
    Goal("compile of 1000 hosts of 50 containers each", _wall(COMPILE, 50_000, AGAIN), _at_most(15), "s"),
    Goal("compile, a container among 50 000 / among 5000: linear", _growth(COMPILE, AGAIN, 5_000, 50_000), _at_most(1.2)),
)
