# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables, as aligned Markdown, and the same results as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .goals import GOALS, Verdict, judge
from .peers.base import AGAIN, CHANGE, CREATE, REMOVE
from .samples import Samples

NONE = "-"
HEAD = ("", "rounds", "create", "/ floor", "second run", "/ floor", "teardown", "/ floor", "one changed", "CPU of create", "peak memory")


@dataclass(frozen=True)
class Findings:
    """All that a run found. ``names`` of peers by key, in their order; ``missing`` and ``failures``: why, by name."""

    samples: Samples
    names: Mapping[str, str]
    machine: Mapping[str, str]
    missing: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)


def text(findings: Findings) -> str:
    """Everything for the terminal."""
    samples = findings.samples
    parts = [_size(samples, findings.names, size) for size in samples.sizes() if samples.of("floor", size)]
    parts += [_goals(samples), ", ".join(f"{what} {value}" for what, value in findings.machine.items())]
    parts += [f"Left out: {name} ({why})." for name, why in findings.missing.items()]
    parts += [f"FAILED: {name}: {why}" for name, why in findings.failures.items()]
    return "\n\n".join(parts) + "\n"


def _size(samples: Samples, names: Mapping[str, str], size: int) -> str:
    measured = {key: name for key, name in names.items() if samples.of(key, size, CREATE)}
    rows = [_row(samples, key, name, size) for key, name in measured.items()]
    return f"N = {size}: ms per container; s for one changed and CPU; MB\n\n" + table(HEAD, rows)


def _row(samples: Samples, peer: str, name: str, size: int) -> list[str]:
    row = [name, str(len({each.round for each in samples.of(peer, size)}))]
    for phase in (CREATE, AGAIN, REMOVE):
        wall, floor = samples.wall(peer, size, phase), samples.wall("floor", size, phase)
        row += [_number(wall, 1000 / size), _number(wall, 1 / floor if floor else 0)]
    memory = samples.memory(peer, size)
    return [*row, _number(samples.wall(peer, size, CHANGE)), _number(samples.cpu(peer, size, CREATE)), _number(memory, 1e-6)]


def _goals(samples: Samples) -> str:
    rows = [_verdict(goal.text, judge(goal, samples)) for goal in GOALS]
    return table(("goal", "measured", "at most", "measured / goal", "rounds", ""), rows)


def _verdict(text: str, verdict: Verdict | None) -> list[str]:
    if verdict is None:
        return [text, NONE, NONE, NONE, "0", "not measured"]
    unit = f" {verdict.goal.unit}".rstrip()
    numbers = [_number(verdict.value) + unit, _number(verdict.limit) + unit, _number(verdict.share)]
    return [text, *numbers, str(verdict.rounds), "met" if verdict.met else "NOT MET"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned Markdown; the first column is text, the others are numbers."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_line(row, widths) for row in (head, rule, *rows))


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths)))
    return "| " + " | ".join((first, *others)) + " |"


def _number(value: float | None, factor: float = 1.0) -> str:
    """Three digits that count."""
    if value is None or not factor:
        return NONE
    value *= factor
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def data(findings: Findings) -> dict[str, Any]:
    """Everything for other programs: each sample, and the verdicts."""
    verdicts = [(goal, judge(goal, findings.samples)) for goal in GOALS]
    return {
        "machine": dict(findings.machine),
        "peers": dict(findings.names),
        "left_out": dict(findings.missing),
        "failed": dict(findings.failures),
        "samples": [asdict(each) for each in findings.samples.all],
        "goals": [{"goal": goal.text, "unit": goal.unit, **_numbers(verdict)} for goal, verdict in verdicts],
    }


def _numbers(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {"measured": False}
    return {
        "measured": True,
        "value": verdict.value,
        "limit": verdict.limit,
        "share": verdict.share,
        "rounds": verdict.rounds,
        "met": verdict.met,
    }
