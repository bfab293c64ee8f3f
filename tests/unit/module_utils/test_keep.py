# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept for the next boot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from _engine import keep
from _engine.errors import DocumentError, NetnsError
from _engine.keep import Change, Keeper, Kept

WEB1: dict[str, Any] = {"namespaces": {"web1": {"links": {"lo": {"addresses": ["10.0.0.1/32"]}}}}}
LEFT_OUT = ["host: what needs the link uplink6 is left out: no route leads to ::"]


def decide(folder: Path, document: dict[str, Any] | None, left_out: list[str] | None = None) -> Change | None:
    change, warnings = Keeper(str(folder), "blue", document, purge=True).decide(left_out or [])
    assert warnings == []
    return change


def carried_out(folder: Path, document: dict[str, Any] | None, left_out: list[str] | None = None) -> str:
    """What is told of the change; the next decision finds nothing more to do."""
    change = decide(folder, document, left_out)
    assert change is not None
    change.carry_out()
    assert decide(folder, document, left_out) is None
    return change.text


def test_kept_changed_and_forgotten(tmp_path: Path) -> None:
    assert decide(tmp_path, None) is None
    assert carried_out(tmp_path, WEB1) == "keep document blue for the next boot"
    assert keep.names(str(tmp_path)) == ["blue"]
    assert keep.load(str(tmp_path), "blue") == Kept(WEB1, [])
    assert carried_out(tmp_path, {}, LEFT_OUT) == "keep document blue for the next boot"
    assert keep.load(str(tmp_path), "blue") == Kept({}, LEFT_OUT)
    assert carried_out(tmp_path, None) == "stop keeping document blue for the next boot"
    assert list(tmp_path.iterdir()) == []


def test_the_order_of_keys_is_no_change(tmp_path: Path) -> None:
    carried_out(tmp_path, {"host": {"links": {"a": {}, "b": {}}}})
    assert decide(tmp_path, {"host": {"links": {"b": {}, "a": {}}}}) is None


def test_nobody_else_reads_it(tmp_path: Path) -> None:
    carried_out(tmp_path, WEB1)
    assert [file.stat().st_mode & 0o777 for file in tmp_path.iterdir()] == [0o600]


def test_the_diff_has_what_changes(tmp_path: Path) -> None:
    change = decide(tmp_path, WEB1)
    assert change is not None
    assert change.shown == ({}, {"documents": {"blue": {"document": WEB1, "left_out": []}}})
    change.carry_out()
    gone = decide(tmp_path, None)
    assert gone is not None
    assert gone.shown == (change.shown[1], {})


@pytest.mark.parametrize(
    ("document", "purge", "reason"),
    [
        (WEB1, False, "without purge it is not all that this name has"),
        (None, False, "without purge it is not all that this name has"),
        ({"namespaces": {"app": {"pid": 4711}, "web1": {}}}, True, "processes get other numbers then (app)"),
        ({"namespaces": {"app": {"path": "/proc/4711/ns/net"}}}, True, "processes get other numbers then (app)"),
    ],
)
def test_what_no_boot_could_repeat_is_not_kept(tmp_path: Path, document: dict[str, Any] | None, purge: bool, reason: str) -> None:
    carried_out(tmp_path, WEB1)
    told = Keeper(str(tmp_path), "blue", document, purge).decide([])
    assert told == (None, [f"document blue is not kept for the next boot: {reason}"])
    assert keep.load(str(tmp_path), "blue").document == WEB1


def test_a_namespace_at_a_lasting_path_is_kept(tmp_path: Path) -> None:
    carried_out(tmp_path, {"namespaces": {"router": {"path": "/run/netns/router"}, "web1": None}})


def test_where_nothing_is_kept_there_is_nothing_to_say() -> None:
    assert Keeper(None, "blue", WEB1, purge=False).decide([]) == (None, [])


def test_a_damaged_file_is_told_and_replaced(tmp_path: Path) -> None:
    for number, text in enumerate(["", "{", "[]", "{}", '{"document": {}}']):
        tmp_path.joinpath("blue.json").write_text(text, encoding="utf-8")
        with pytest.raises(NetnsError, match=r"blue\.json is damaged .*: apply the document again, or remove the file"):
            keep.load(str(tmp_path), "blue")
        carried_out(tmp_path, {"namespaces": {f"n{number}": {}}})


def test_an_interrupted_run_leaves_a_draft_that_counts_for_nothing(tmp_path: Path) -> None:
    tmp_path.joinpath("blue.json.new").write_text("half a docu", encoding="utf-8")
    assert keep.names(str(tmp_path)) == []
    carried_out(tmp_path, WEB1)
    assert [file.name for file in tmp_path.iterdir()] == ["blue.json"]


def test_what_cannot_be_saved_leaves_what_was_there(tmp_path: Path) -> None:
    carried_out(tmp_path, WEB1)
    tmp_path.joinpath("blue.json.new").mkdir()
    change = decide(tmp_path, {})
    assert change is not None
    with pytest.raises(NetnsError) as caught:
        change.carry_out()
    assert str(caught.value) == f"keep document blue for the next boot: {tmp_path}/blue.json: Is a directory"
    assert keep.load(str(tmp_path), "blue").document == WEB1


def test_no_document_of_that_name(tmp_path: Path) -> None:
    with pytest.raises(NetnsError, match=r"there is no .*/green\.json"):
        keep.load(str(tmp_path), "green")


@pytest.mark.parametrize("name", ["", "default", "blue-2", ".hidden", "ä" * 123])
def test_names(name: str) -> None:
    keep.check_name(name)


@pytest.mark.parametrize("name", ["../default", "a/b", ".", "..", "a b", "a\n", "x" * 247])
def test_names_that_are_no_files(name: str) -> None:
    with pytest.raises(DocumentError, match=r"^name: "):
        keep.check_name(name)
