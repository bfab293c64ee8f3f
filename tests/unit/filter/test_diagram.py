# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of documents: diagrams/<case>/{document.yml,text,mermaid}, and what holds for every SVG."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.netns.plugins.filter.diagram import FORMATS, diagram
from ansible_collections.weft.netns.plugins.plugin_utils import _diagram

CASES = sorted(Path(__file__).with_name("diagrams").iterdir())
SVG = "{http://www.w3.org/2000/svg}"


def document(case: Path):
    return yaml.safe_load((case / "document.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("form", ["text", "mermaid"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_drawn_as_before(case, form):
    assert diagram(document(case), form) == (case / form).read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_svg_shows_every_box_and_interface_inside_the_picture(case):
    image = ElementTree.fromstring(diagram(document(case), "svg"))
    shown = [element.text for element in image.iter(f"{SVG}text")]
    for host in _diagram.read(document(case)):
        assert host.name in shown
        for box in host.boxes:
            assert {box.name, *(interface.name for interface in box.interfaces)} <= set(shown)
    width, height = int(image.get("width")), int(image.get("height"))
    for group in image.iter(f"{SVG}g"):
        left, top = map(int, group.get("transform").removeprefix("translate(").removesuffix(")").split())
        for element in group.iter(f"{SVG}rect"):
            assert 0 <= left + int(element.get("x")) <= left + int(element.get("x")) + int(element.get("width")) <= width
            assert 0 <= top + int(element.get("y")) <= top + int(element.get("y")) + int(element.get("height")) <= height


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_an_empty_document_is_an_empty_host(form):
    assert "host" in diagram({"host": {}}, form)


def test_what_topology_info_returns_is_a_document():
    found = {"changed": False, "msg": "odd", "host": {}, "namespaces": {"web1": {}}, "pairs": [], "warnings": ["odd"]}
    assert diagram(found) == diagram({"namespaces": {"web1": {}}})


def test_hosts_without_containers_are_drawn():
    assert [host.name for host in _diagram.read({"node1": {}, "node2": {"host": {}}})] == ["node1", "node2"]


@pytest.mark.parametrize(
    ("given_document", "form", "message"),
    [
        ([], "text", "a host document is a mapping"),
        ({"web1": {"links": {}}}, "text", "a host document has 'host' or 'namespaces'"),
        ({}, "text", "a host document has"),
        ("{", "text", "Expecting property name"),
        ("host", "text", "a host document is a mapping, not str"),
        ({"host": {"links": ["eth0"]}}, "text", "weft.netns.diagram"),
        ({"host": {}}, "png", "format is one of text, mermaid, svg"),
    ],
)
def test_what_is_no_document_is_refused(given_document, form, message):
    with pytest.raises(AnsibleFilterError, match=message):
        diagram(given_document, form)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)).map(sorted).map(tuple)))
def test_lanes_never_touch(spans):
    taken = set()
    for lane, (start, end) in zip(_diagram.lanes(spans), spans, strict=True):
        cells = {(lane, row) for row in range(start, end + 1)}
        assert not taken & cells
        taken |= cells
