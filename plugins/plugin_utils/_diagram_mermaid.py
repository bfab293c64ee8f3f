# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A diagram as Mermaid: what documents on the web draw by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ansible_collections.weft.netns.plugins.plugin_utils._diagram import Box, Host, Segment, Wire

ESCAPES = {"#": "#35;", "&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;"}


def draw(hosts: Iterable[Host]) -> str:
    lines = ["flowchart LR"]
    for number, host in enumerate(hosts):
        lines += ["  " + line for line in _host(f"h{number}", host)]
    return "\n".join(lines) + "\n"


def _host(key: str, host: Host) -> Iterator[str]:
    """``key`` begins every identifier: names are free text, identifiers are not."""
    yield f"subgraph {key}[{_text([host.name])}]"
    for number, box in enumerate(host.boxes):
        yield from ("  " + line for line in _box(f"{key}b{number}", box))
    for number, segment in enumerate(host.segments):
        yield from ("  " + line for line in _segment(key, f"{key}s{number}", segment))
    for number, link in enumerate(host.links):
        yield f"  {key}l{number}[{_text([link.name, *link.notes])}]"
    if host.routes:
        yield f"  {key}r[/{_text(host.routes)}/]"
    yield "end"


def _box(key: str, box: Box) -> Iterator[str]:
    yield f"subgraph {key}[{_text([box.name])}]"
    for number, interface in enumerate(box.interfaces):
        yield f"  {key}i{number}[{_text([interface.name, *interface.notes])}]"
    if box.routes:
        yield f"  {key}r[/{_text(box.routes)}/]"
    if not box.interfaces and not box.routes:
        yield f"  {key}e[{_text(['no links'])}]"
    yield "end"


def _segment(host: str, key: str, segment: Segment) -> Iterator[str]:
    if segment.name:
        yield f"{key}([{_text([segment.name, *segment.notes])}])"
        for number, wire in enumerate(segment.wires):
            yield from _wire(host, key, f"{key}w{number}", wire)
    elif len(segment.wires) == 1:
        wire = segment.wires[0]
        yield f"{key}[{_text([wire.label])}] --- {_end(host, wire)}"
    else:
        yield " --- ".join(_end(host, wire) for wire in segment.wires)


def _wire(host: str, segment: str, key: str, wire: Wire) -> Iterator[str]:
    if wire.box is None:
        yield f"{segment} --- {key}[{_text([wire.label])}]"
    else:
        yield f"{segment} -- {_text([wire.label])} --- {_end(host, wire)}"


def _end(host: str, wire: Wire) -> str:
    return f"{host}b{wire.box}i{wire.interface}"


def _text(lines: Iterable[str]) -> str:
    """A quoted label. Mermaid reads HTML inside, and has its own escapes (#quot;)."""
    return '"' + "<br>".join(_escaped(line) for line in lines) + '"'


def _escaped(line: str) -> str:
    return "".join(ESCAPES.get(character, character) for character in line)
