# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A diagram for the terminal, in box-drawing characters.

Segments are vertical lines on the left, namespaces are boxes on the right. ``├`` and ``┤`` join, ``┼`` only crosses.
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.weft.netns.plugins.plugin_utils._diagram import Box, Host, Segment, Wire, lanes, shortened

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
STEP = 3  # columns from lane to lane
JOINTS = {
    LEFT | RIGHT: "─",
    UP | DOWN: "│",
    DOWN | RIGHT: "┌",
    DOWN | LEFT: "┐",
    UP | RIGHT: "└",
    UP | LEFT: "┘",
    UP | DOWN | RIGHT: "├",
    UP | DOWN | LEFT: "┤",
    DOWN | LEFT | RIGHT: "┬",
    UP | LEFT | RIGHT: "┴",
    UP | DOWN | LEFT | RIGHT: "┼",
    RIGHT: "╶",
    LEFT: "╴",
    UP: "╵",
    DOWN: "╷",
}


class Canvas:
    """Characters by row and column. Lines that meet are joined; text is written over them."""

    def __init__(self) -> None:
        self.lines: dict[tuple[int, int], int] = {}
        self.texts: dict[tuple[int, int], str] = {}

    def text(self, row: int, column: int, text: str) -> None:
        self.texts.update({(row, column + number): character for number, character in enumerate(text)})

    def across(self, row: int, start: int, end: int) -> None:
        for column in range(start, end + 1):
            self._line((row, column), (LEFT if column > start else 0) | (RIGHT if column < end else 0))

    def down(self, column: int, start: int, end: int) -> None:
        for row in range(start, end + 1):
            self._line((row, column), (UP if row > start else 0) | (DOWN if row < end else 0))

    def frame(self, top: int, left: int, bottom: int, right: int) -> None:
        for row in (top, bottom):
            self.across(row, left, right)
        for column in (left, right):
            self.down(column, top, bottom)

    def _line(self, cell: tuple[int, int], directions: int) -> None:
        self.lines[cell] = self.lines.get(cell, 0) | directions

    @property
    def size(self) -> tuple[int, int]:
        cells = [*self.lines, *self.texts]
        return max((row for row, _column in cells), default=-1) + 1, max((column for _row, column in cells), default=-1) + 1

    def __str__(self) -> str:
        rows, columns = self.size
        return "".join("".join(self._cell(row, column) for column in range(columns)).rstrip() + "\n" for row in range(rows))

    def _cell(self, row: int, column: int) -> str:
        return self.texts.get((row, column)) or JOINTS.get(self.lines.get((row, column), 0), " ")


def draw(hosts: Iterable[Host]) -> str:
    return "\n".join(_Picture(host).drawn() for host in hosts)


class _Picture:
    """One host. Columns: frame, lanes, labels of wires, boxes, frame."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.named = [segment for segment in host.segments if segment.name]
        self.pairs = [segment for segment in host.segments if not segment.name]
        self.ports = [wire for segment in self.named for wire in segment.wires if wire.box is None]
        self.contents = [_content(box) for box in host.boxes]
        self.tops = self._tops()
        spans = [self._span(segment) for segment in self.pairs]
        self.lane = dict(zip(map(id, self.pairs), (number + len(self.named) for number in lanes(spans)), strict=True))
        self.lane.update({id(segment): number for number, segment in enumerate(self.named)})
        self.first = 3  # column of the first lane
        label = max((len(wire.label) for segment in host.segments for wire in segment.wires), default=0)
        self.edge = self.first + STEP * (max(self.lane.values(), default=0) + 1) + label + 3  # left side of the boxes

    def _tops(self) -> list[int]:
        self.port = 3 + len(self.named)  # row of the first port
        row = self.port + len(self.ports) + (1 if self.ports else 0) - (0 if self.named else 1)
        tops = []
        for content in self.contents:
            tops.append(row)
            row += len(content) + 2
        self.bottom = row
        return tops

    def _row(self, box: int, interface: int) -> int:
        """Row of an interface: its first line in its box."""
        lines = [number for number, (kind, _line) in enumerate(self.contents[box]) if kind == interface]
        return self.tops[box] + 1 + lines[0]

    def _span(self, segment: Segment) -> tuple[int, int]:
        rows = [self._row(wire.box, wire.interface) for wire in segment.wires if wire.box is not None]
        return min(rows), max(rows)

    def drawn(self) -> str:
        self.canvas = Canvas()
        self._headers()
        self._boxes()
        self._wires()
        row = self.bottom + (1 if self.host.boxes else 0)
        for line in [*map(str, self.host.links), *shortened(self.host.routes)]:
            self.canvas.text(row, self.first, line)
            row += 1
        last = row if self.host.links or self.host.routes else self.bottom
        width = max(self.canvas.size[1] + 1, len(self.host.name) + 5)
        self.canvas.frame(0, 0, last, width)
        self.canvas.text(0, 2, f" {self.host.name} ")
        return str(self.canvas)

    def _headers(self) -> None:
        for number, segment in enumerate(self.named):
            self.canvas.text(2 + number, self.first + STEP * number, str(segment))

    def _boxes(self) -> None:
        width = max((len(line) for content in self.contents for _kind, line in content), default=0)
        width = max([width, *(len(box.name) + 1 for box in self.host.boxes)]) + 3
        for box, top, content in zip(self.host.boxes, self.tops, self.contents, strict=True):
            self.canvas.frame(top, self.edge, top + len(content) + 1, self.edge + width)
            self.canvas.text(top, self.edge + 1, f" {box.name} ")
            for number, (_kind, line) in enumerate(content):
                self.canvas.text(top + 1 + number, self.edge + 2, line)

    def _wires(self) -> None:
        ports = iter(range(self.port, self.port + len(self.ports)))
        for segment in self.host.segments:
            lane = self.lane[id(segment)]
            column = self.first + STEP * lane
            rows = [next(ports) if wire.box is None else self._row(wire.box, wire.interface) for wire in segment.wires]
            if rows:
                self.canvas.down(column, 2 + lane if segment.name else min(rows), max(rows))
            for row, wire in zip(rows, segment.wires, strict=True):
                self._wire(row, column, wire)

    def _wire(self, row: int, column: int, wire: Wire) -> None:
        """A port ends in its label, a wire to a box goes through it."""
        start = self.edge - len(wire.label) - 3
        self.canvas.across(row, column, start if wire.box is None else self.edge)
        if wire.label:
            self.canvas.text(row, start, f" {wire.label} ")


def _content(box: Box) -> list[tuple[int | None, str]]:
    """Lines of a box, each with the number of its interface or None."""
    lines: list[tuple[int | None, str]] = []
    indent = max((len(interface.name) for interface in box.interfaces), default=0) + 2
    for number, interface in enumerate(box.interfaces):
        notes = interface.notes or ("",)
        lines.append((number, (interface.name.ljust(indent) + notes[0]).rstrip()))
        lines += [(number, " " * indent + note) for note in notes[1:]]
    return lines + [(None, route) for route in shortened(box.routes)]
