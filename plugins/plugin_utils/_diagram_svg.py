# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A diagram as one SVG file that needs nothing else.

Segments are vertical lines in the middle, each under a plate with its name; namespaces are cards on both sides of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from ansible_collections.weft.netns.plugins.plugin_utils._diagram import Box, Host, Segment, Wire, lanes, shortened

COLOURS = ("#2563eb", "#059669", "#d97706", "#7c3aed", "#e11d48", "#0891b2", "#65a30d", "#c026d3")
ROUTED = "#475569"
PAPER = "#f8fafc"  # behind everything inside a host

# All text is monospaced, so that its width is known: advance of a character by font size.
ADVANCE = 0.602
TEXT, SMALL, TITLE = 12, 10.5, 16
LINE = 18  # height of a line of text
PAD = 12
LANE = 18  # from lane to lane
PLATE = 26  # from plate to plate
GAP = 14  # between cards
PAGE = 1700  # a row of hosts is no wider, if it can be helped

STYLE = """
text { font-family: ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; font-size: 12px; fill: #0f172a; }
.title { font-size: 16px; font-weight: bold; }
.name { font-weight: bold; }
.note { fill: #334155; }
.small { font-size: 10.5px; fill: #64748b; }
.label { font-size: 10.5px; fill: #475569; }
.plate { fill: #ffffff; font-weight: bold; }
.host { fill: #f8fafc; stroke: #cbd5e1; }
.card { fill: #ffffff; stroke: #cbd5e1; }
.port { fill: #ffffff; stroke: #94a3b8; stroke-dasharray: 4 3; }
.rule { stroke: #e2e8f0; }
.lane { fill: none; stroke-width: 3; stroke-linecap: round; }
.wire { fill: none; stroke-width: 2; stroke-linejoin: round; }
.halo { fill: none; stroke: #f8fafc; stroke-width: 6; }
"""


def draw(hosts: Iterable[Host]) -> str:
    pictures = [_Picture(host) for host in hosts]
    parts: list[str] = []
    x = y = GAP
    row = width = 0
    for picture in pictures:
        if x > GAP and x + picture.width > PAGE:
            x, y, row = GAP, y + row + GAP, 0
        parts.append(f'<g transform="translate({x} {y})">\n{picture.drawn()}</g>\n')
        x += picture.width + GAP
        width, row = max(width, x), max(row, picture.height)
    return _document(width, y + row + GAP, "".join(parts))


def _document(width: int, height: int, content: str) -> str:
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    page = f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="Network diagram">\n<style>{STYLE}</style>\n'
    return head + page + content + "</svg>\n"


@dataclass(frozen=True)
class _Line:
    """A line of a card: text in the style of a class, the interface it begins, whether a rule is above it."""

    text: str
    style: str
    interface: int | None = None
    indent: float = 0.0
    rule: bool = False
    same: bool = False  # stands beside the line before, not below


class _Card:
    """A namespace, or a port alone. ``left`` and ``top`` are set when it is placed."""

    def __init__(self, style: str, lines: Sequence[_Line]) -> None:
        self.style, self.lines = style, lines
        self.left = self.top = 0
        self.on_left = False
        rows = sum(not line.same for line in lines)
        self.height = rows * LINE + PAD
        self.width = int(max(line.indent + _wide(line.text, TEXT) for line in lines)) + 2 * PAD

    @property
    def edge(self) -> int:
        """Where wires arrive."""
        return self.left + self.width if self.on_left else self.left

    def middle(self, interface: int) -> int:
        """Height at which the wire of an interface arrives."""
        row = -1
        for line in self.lines:
            row += not line.same
            if line.interface == interface:
                break
        return self.top + PAD // 2 + row * LINE + LINE // 2

    def drawn(self) -> str:
        parts = [_rect(self.style, self.left, self.top, self.width, self.height, 7)]
        row = -1
        for line in self.lines:
            row += not line.same
            y = self.top + PAD // 2 + row * LINE
            if line.rule:
                parts.append(f'<line class="rule" x1="{self.left}" y1="{y}" x2="{self.left + self.width}" y2="{y}"/>\n')
            parts.append(_text(line.style, self.left + PAD + line.indent, y + 13, line.text))
        return "".join(parts)


def _port(wire: Wire) -> _Card:
    return _Card("port", [_Line(wire.label, "note", interface=0)])


def _card(box: Box) -> _Card:
    lines = [_Line(box.name, "name")]
    indent = _wide("m" * (max((len(interface.name) for interface in box.interfaces), default=0) + 2), TEXT)
    for number, interface in enumerate(box.interfaces):
        lines.append(_Line(interface.name, "note", interface=number, rule=number == 0))
        lines += [_Line(note, "note", indent=indent, same=first) for first, note in zip(_once(), interface.notes)]
    lines += [_Line(route, "small", rule=number == 0) for number, route in enumerate(shortened(box.routes))]
    return _Card("card", lines)


def _once() -> Iterable[bool]:
    """True, then false for ever."""
    yield True
    while True:
        yield False


class _Picture:
    """One host, laid out when it is made."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.named = [segment for segment in host.segments if segment.name]
        self.pairs = [segment for segment in host.segments if len(segment.wires) == 2 and not segment.name]
        self.boxes = [_card(box) for box in host.boxes]
        self.ports = {id(wire): _port(wire) for segment in self.named for wire in segment.wires if wire.box is None}
        self._place()
        spans = [self._span(segment) for segment in self.pairs]
        self.lane = {id(segment): number for number, segment in enumerate(self.named)}
        self.lane |= {id(pair): len(self.named) + lane for pair, lane in zip(self.pairs, lanes(spans), strict=True)}
        self._spread()

    def _place(self) -> None:
        """Heights, and the side of each card: few of them stand on the right, many on both sides."""
        cards = [*self.ports.values(), *self.boxes]
        start = 2 * PAD + LINE + PLATE * len(self.named) + (GAP if self.named else 0)
        filled = {True: start, False: start}
        for card in cards:
            card.on_left = len(cards) > 3 and filled[True] < filled[False]
            card.top = filled[card.on_left]
            filled[card.on_left] += card.height + GAP
        self.bottom = max(filled.values())

    def _card(self, wire: Wire) -> _Card:
        return self.ports[id(wire)] if wire.box is None else self.boxes[wire.box]

    def _height(self, wire: Wire) -> int:
        return self._card(wire).middle(wire.interface)

    def _span(self, segment: Segment) -> tuple[int, int]:
        heights = [self._height(wire) for wire in segment.wires]
        return min(heights), max(heights)

    def _spread(self) -> None:
        """Columns: cards on the left, labels, lanes, labels, cards on the right."""
        cards = [*self.ports.values(), *self.boxes]
        lefts = [card for card in cards if card.on_left]
        rights = [card for card in cards if not card.on_left]
        for side in (lefts, rights):
            for card in side:
                card.width = max(other.width for other in side)
        for card in lefts:
            card.left = PAD
        inner = PAD + (lefts[0].width if lefts else 0)
        self.first = inner + self._labels(lefts) + LANE
        last = self.first + LANE * max(self.lane.values(), default=-1)
        right = last + LANE + self._labels(rights)
        for card in rights:
            card.left = right
        self.width = max(right + (rights[0].width if rights else 0), *self._plates(), self._footer()) + PAD
        self.height = self.bottom + len(self._lines()) * LINE + (PAD if self._lines() else 0)

    def _labels(self, cards: list[_Card]) -> int:
        """Room for the labels of wires to these cards."""
        wires = [wire for segment in self.host.segments for wire in segment.wires if wire.box is not None]
        return int(max((_wide(wire.label, SMALL) for wire in wires if self._card(wire) in cards), default=0)) + 24

    def _plates(self) -> list[int]:
        widths = [int(_wide(str(segment), TEXT)) + 2 * PAD for segment in self.named]
        return [self._column(segment) - PAD + width for segment, width in zip(self.named, widths, strict=True)] or [0]

    def _footer(self) -> int:
        return int(max((_wide(line, TEXT) for _style, line in self._lines()), default=_wide(self.host.name, TITLE))) + 2 * PAD

    def _lines(self) -> list[tuple[str, str]]:
        return [*(("note", str(link)) for link in self.host.links), *(("small", route) for route in shortened(self.host.routes))]

    def _column(self, segment: Segment) -> int:
        return self.first + LANE * self.lane[id(segment)]

    def drawn(self) -> str:
        parts = [_rect("host", 0, 0, self.width, self.height, 12), _text("title", PAD + 2, PAD + 16, self.host.name)]
        colours = {id(segment): COLOURS[number % len(COLOURS)] for number, segment in enumerate([*self.named, *self.pairs])}
        parts += [self._lane(number, segment, colours[id(segment)]) for number, segment in enumerate(self.named)]
        for segment in self.host.segments:
            parts += self._wires(segment, colours.get(id(segment), ROUTED))
        parts += [card.drawn() for card in [*self.ports.values(), *self.boxes]]
        parts += [self._plug(wire, colours.get(id(segment), ROUTED)) for segment in self.host.segments for wire in segment.wires]
        for number, (style, line) in enumerate(self._lines()):
            parts.append(_text(style, PAD + 2, self.bottom + number * LINE + 13, line))
        return "".join(parts)

    def _lane(self, number: int, segment: Segment, colour: str) -> str:
        """The line of a named segment, under its plate."""
        x, y = self._column(segment), 2 * PAD + LINE + PLATE * number
        plate = _rect("", x - PAD, y, int(_wide(str(segment), TEXT)) + 2 * PAD, PLATE - 5, 5, colour)
        text = _text("plate", x, y + 15, str(segment))
        end = max((self._height(wire) for wire in segment.wires), default=y)
        return f'<path class="lane" stroke="{colour}" d="M{x} {y + PLATE - 5}V{max(end, y + PLATE - 5)}"/>\n' + plate + text

    def _wires(self, segment: Segment, colour: str) -> list[str]:
        if id(segment) not in self.lane:
            return [self._routed(wire) for wire in segment.wires]
        x = self._column(segment)
        if segment.name:
            return [self._wire(wire, x, colour) for wire in segment.wires]
        one, other = ((self._card(wire).edge, self._height(wire)) for wire in segment.wires)
        path = f"M{one[0]} {one[1]}H{x}V{other[1]}H{other[0]}"
        return [f'<path class="halo" d="{path}"/>\n<path class="wire" stroke="{colour}" d="{path}"/>\n']

    def _wire(self, wire: Wire, x: int, colour: str) -> str:
        card, y = self._card(wire), self._height(wire)
        away = -4 if card.on_left else 4  # the halo leaves the lane itself whole
        line = f'<path class="halo" d="M{x + away} {y}H{card.edge}"/>\n<path class="wire" stroke="{colour}" d="M{x} {y}H{card.edge}"/>\n'
        dot = f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>\n'
        return line + dot + (self._label(wire) if wire.box is not None else "")

    def _routed(self, wire: Wire) -> str:
        """A pair that ends on the host itself."""
        card, y = self._card(wire), self._height(wire)
        length = int(_wide(wire.label, SMALL)) + 16
        x = card.edge + (length if card.on_left else -length)
        line = f'<path class="halo" d="M{x} {y}H{card.edge}"/>\n<path class="wire" stroke="{ROUTED}" d="M{x} {y}H{card.edge}"/>\n'
        return line + f'<circle cx="{x}" cy="{y}" r="4" fill="{PAPER}" stroke="{ROUTED}" stroke-width="2"/>\n' + self._label(wire)

    def _label(self, wire: Wire) -> str:
        card, y = self._card(wire), self._height(wire)
        if card.on_left:
            return _text("label", card.edge + 8, y - 4, wire.label)
        return _text("label", card.edge - 8 - _wide(wire.label, SMALL), y - 4, wire.label)

    def _plug(self, wire: Wire, colour: str) -> str:
        return f'<circle cx="{self._card(wire).edge}" cy="{self._height(wire)}" r="3.5" fill="{colour}"/>\n'


def _wide(text: str, size: float) -> float:
    return len(text) * size * ADVANCE


def _rect(style: str, x: int, y: int, width: int, height: int, radius: int, fill: str = "") -> str:
    look = f"fill={quoteattr(fill)}" if fill else f"class={quoteattr(style)}"
    return f'<rect {look} x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}"/>\n'


def _text(style: str, x: float, y: int, text: str) -> str:
    return f'<text class="{style}" x="{x:.0f}" y="{y}" xml:space="preserve">{escape(text)}</text>\n'
