# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a document means (parse/good.yml), and every fault of it with its path (parse/bad.yml)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from documents import Document, documents
from hypothesis import given
from hypothesis import strategies as st

from _engine import render
from _engine.errors import DocumentError
from _engine.parse import parse

TABLES = Path(__file__).parent / "parse"
GOOD: dict[str, Any] = yaml.safe_load((TABLES / "good.yml").read_text(encoding="utf-8"))
BAD: dict[str, Any] = yaml.safe_load((TABLES / "bad.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str) -> None:
    assert render.document(parse(GOOD[name]["document"]).namespaces) == GOOD[name]["spelt_out"]


@pytest.mark.parametrize("name", GOOD)
def test_what_is_spelt_out_means_the_same(name: str) -> None:
    """But for how a namespace comes to be there, which is not shown."""
    wanted = parse(GOOD[name]["document"]).namespaces
    paths = {each: {"path": ns.path} for each, ns in wanted.items() if ns.path}
    spelt_out = GOOD[name]["spelt_out"]
    namespaces = {each: {**space, **paths.get(each, {})} for each, space in spelt_out["namespaces"].items()}
    again = parse({**spelt_out, "namespaces": namespaces}).namespaces
    assert {each: vars(ns) | {"in_use": ""} for each, ns in again.items()} == {
        each: vars(ns) | {"in_use": ""} for each, ns in wanted.items()
    }


@pytest.mark.parametrize("name", BAD)
def test_bad(name: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse(BAD[name]["document"])
    assert [str(fault) for fault in caught.value.faults] == BAD[name]["faults"]
    assert str(caught.value).splitlines() == BAD[name]["faults"]


@pytest.mark.parametrize(("name", "good"), [("a" * 255, True), ("ü" * 127, True), ("a" * 256, False), ("ü" * 128, False)])
def test_length_of_a_namespaces_name(name: str, good: bool) -> None:
    document = {"namespaces": {name: {}}}
    if good:
        assert set(parse(document).namespaces) == {"host", name}
        return
    with pytest.raises(DocumentError, match="longer than 255 bytes"):
        parse(document)


@pytest.mark.parametrize(
    ("raw", "path", "in_use"),
    [
        ({}, None, "refuse"),
        ({"in_use": "force"}, None, "force"),
        ({"pid": 4711}, "/proc/4711/ns/net", "refuse"),
        ({"pid": "4711"}, "/proc/4711/ns/net", "refuse"),
        ({"path": "/run/netns/web1"}, "/run/netns/web1", "refuse"),
    ],
)
def test_how_a_namespace_comes_to_be_there(raw: dict[str, Any], path: str | None, in_use: str) -> None:
    ns = parse({"namespaces": {"web1": raw}}).namespaces["web1"]
    assert (ns.path, ns.in_use, ns.made) == (path, in_use, path is None)


def test_a_document_is_not_changed() -> None:
    before = yaml.safe_dump(GOOD)
    for case in GOOD.values():
        parse(case["document"])
    assert yaml.safe_dump(GOOD) == before


@given(documents())
def test_a_document_that_is_shown_reads_back(document: Document) -> None:
    wanted = parse(document)
    assert parse(render.document(wanted.namespaces)) == wanted


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["10.0.0.1/24", "default", "veth", "eth0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(["links", "eth0", "kind", "veth"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(documents(), st.data())
def test_whatever_is_wrong_is_a_fault_and_no_crash(document: Document, data: st.DataObject) -> None:
    """One value anywhere in a good document is replaced by anything."""
    place: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(place, key=str) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(ODD)
    try:
        parse(document)
    except DocumentError as error:
        assert all(fault.message for fault in error.faults)
