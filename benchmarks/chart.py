# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The medians as one SVG file that needs nothing else: a panel for each phase, a row for each peer, a dot for each size.

The scales are logarithmic. A line joins the dots of a peer: where it is short, a container costs the same among few and many.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from .peers.base import AGAIN, CHANGE, CREATE, REMOVE
from .samples import Samples

PANELS = {CREATE: "create", AGAIN: "second run", REMOVE: "teardown", CHANGE: "one changed"}
COLOURS = ("#7dd3fc", "#2563eb", "#1e3a8a", "#c026d3", "#d97706", "#059669")  # by size, small to large
ADVANCE = 0.602  # of a character, by font size: all text is monospaced
ROW, PANEL, GAP, PAD, TOP, BOTTOM = 26, 230, 44, 16, 68, 34

STYLE = """
text { font-family: ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; font-size: 12px; fill: #0f172a; }
.title { font-weight: bold; }
.axis { font-size: 10.5px; fill: #64748b; text-anchor: middle; }
.grid { stroke: #e2e8f0; }
.span { stroke: #cbd5e1; stroke-width: 3; stroke-linecap: round; }
"""


@dataclass(frozen=True)
class _Scale:
    """Powers of ten, from ``low`` to ``high``, on ``PANEL`` pixels."""

    low: int
    high: int

    @classmethod
    def over(cls, values: Sequence[float]) -> _Scale:
        low = math.floor(math.log10(min(values)))
        return cls(low, max(math.ceil(math.log10(max(values))), low + 1))

    def at(self, value: float) -> float:
        return (math.log10(value) - self.low) / (self.high - self.low) * PANEL

    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]


def draw(samples: Samples, names: Mapping[str, str]) -> str:
    """Peers are shown that were measured at the smallest size that the floor was measured at."""
    sizes = [size for size in samples.sizes() if samples.of("floor", size)]
    peers = {key: name for key, name in names.items() if sizes and samples.of(key, sizes[0])}
    left = PAD + int(max((len(name) for name in peers.values()), default=0) * 12 * ADVANCE) + GAP
    width = left + len(PANELS) * (PANEL + GAP)
    height = TOP + len(peers) * ROW + BOTTOM
    parts = [_legend(left, sizes)]
    parts += [_text(PAD, _row(number) + 4, name) for number, name in enumerate(peers.values())]
    for number, (phase, title) in enumerate(PANELS.items()):
        parts.append(_panel(left + number * (PANEL + GAP), phase, title, samples, list(peers), sizes))
    label = 'role="img" aria-label="Time for each phase, by peer and number of containers"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" {label}>\n'
    page = f'<style>{STYLE}</style>\n<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
    return head + page + "".join(parts) + "</svg>\n"


def _row(number: int) -> int:
    """The middle of a row."""
    return TOP + number * ROW + ROW // 2


def _legend(left: int, sizes: Sequence[int]) -> str:
    parts = [_text(PAD, 24, "containers")]
    for number, size in enumerate(sizes):
        x = left + number * 90
        parts += [_dot(x, 20, COLOURS[number % len(COLOURS)], ""), _text(x + 12, 24, str(size))]
    return "".join(parts)


def _panel(left: int, phase: str, title: str, samples: Samples, peers: Sequence[str], sizes: Sequence[int]) -> str:
    found = {(peer, size): samples.wall(peer, size, phase) for peer in peers for size in sizes}
    # One container is changed, however many there are.
    shown = {place: wall * 1000 / (1 if phase == CHANGE else place[1]) for place, wall in found.items() if wall is not None}
    unit = "ms in all" if phase == CHANGE else "ms per container"
    parts = [_text(left, TOP - 18, f"{title}, {unit}", "title")]
    if not shown:
        return parts[0]
    scale = _Scale.over([*shown.values()])
    bottom = TOP + len(peers) * ROW
    for tick in scale.ticks():
        x = left + scale.at(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}"/>\n')
        parts.append(_text(x, bottom + 16, f"{tick:g}", "axis"))
    for number, peer in enumerate(peers):
        dots = [(left + scale.at(shown[peer, size]), size) for size in sizes if (peer, size) in shown]
        parts.append(_dots(dots, _row(number), sizes, {size: shown[peer, size] for _x, size in dots}))
    return "".join(parts)


def _dots(dots: Sequence[tuple[float, int]], y: int, sizes: Sequence[int], values: Mapping[int, float]) -> str:
    if not dots:
        return ""
    ends = [x for x, _size in dots]
    parts = [f'<line class="span" x1="{min(ends):.1f}" y1="{y}" x2="{max(ends):.1f}" y2="{y}"/>\n']
    parts += [_dot(x, y, COLOURS[sizes.index(size) % len(COLOURS)], f"N = {size}: {values[size]:.3g} ms") for x, size in dots]
    return "".join(parts)


def _dot(x: float, y: int, colour: str, title: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y}" r="5" fill="{colour}"><title>{escape(title)}</title></circle>\n'


def _text(x: float, y: int, text: str, style: str = "") -> str:
    return f'<text class="{style}" x="{x:.0f}" y="{y}">{escape(text)}</text>\n'
