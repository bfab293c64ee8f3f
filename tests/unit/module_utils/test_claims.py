# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who declared an object, and what was there before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from _engine import store
from _engine.claims import Claim, Ledger, key_of, object_id, union, with_formers
from _engine.store import Store

ROUTE = object_id("routes", ("10.0.0.0/8", 254, 0))


def claim(*names: str, former: Any = None) -> Claim:
    return Claim(frozenset(names), former)


@pytest.mark.parametrize("key", [("10.0.0.0/8", 254, 0), "net.ipv4.ip_forward", ("eth0", "mtu"), (100, 4, None, "fd00::/8", True)])
def test_a_key_survives(key: Any) -> None:
    assert key_of(object_id("routes", key)) == key


def test_an_object_goes_with_the_last_claim() -> None:
    one = Ledger("one", {})
    one.take("host", ROUTE, "what was there")
    other = Ledger("other", one.claims)
    other.take("host", ROUTE, "what one has made")
    assert other.claims == {"host": {ROUTE: claim("one", "other", former="what was there")}}
    assert other.leave("host", ROUTE) is None
    one = Ledger("one", other.claims)
    assert one.leave("host", ROUTE) == claim("one", former="what was there")
    assert one.claims == {}


def test_nobody_gives_up_what_others_claim() -> None:
    ledger = Ledger("other", {"host": {ROUTE: claim("one")}})
    assert ledger.leave("host", ROUTE) is None
    assert ledger.leave("n1", ROUTE) is None
    assert ledger.claims == {"host": {ROUTE: claim("one")}}


def test_what_a_ledger_tells() -> None:
    held = {
        "host": {ROUTE: claim("one", "other"), "routesmore": claim("one"), object_id("rules", (1, 4)): claim("other")},
        "n1": {ROUTE: claim("one")},
    }
    ledger = Ledger("one", held)
    assert ledger.names("host", ROUTE) == {"one", "other"}
    assert ledger.names("n2", ROUTE) == frozenset()
    assert ledger.held("routes", "host") == [("10.0.0.0/8", 254, 0)]
    assert ledger.held("rules", "host") == ledger.held("routes", "n2") == []
    ledger.forget("n1")
    ledger.forget("n1")
    assert set(ledger.claims) == {"host"}
    assert set(held) == {"host", "n1"}, "a ledger changes nothing that it was given"


def test_while_a_run_is_under_way_both_states_are_claimed() -> None:
    """And the former values of the new state hold: they were taken before anything was changed."""
    old = {"host": {"a": claim("one"), "b": claim("one", former=1)}, "n1": {"a": claim("one")}}
    new = {"host": {"b": claim("other", former=1), "c": claim("one", former=2)}}
    merged = union(old, new)
    assert merged == {
        "host": {"a": claim("one"), "b": claim("one", "other", former=1), "c": claim("one", former=2)},
        "n1": {"a": claim("one")},
    }
    assert old["host"].keys() == {"a", "b"}


def test_formers_that_were_learnt_late() -> None:
    known = {"host": {"a": claim("one", former=None), "b": claim("one", former=1)}}
    assert with_formers(known, {("host", "a"): 7}) == {"host": {"a": claim("one", former=7), "b": claim("one", former=1)}}
    assert known["host"]["a"].former is None


def test_the_store_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "STATE_DIR", str(tmp_path))
    kept = {
        "host": {
            ROUTE: claim("one", "other"),
            object_id("sysctls", "net.x.y"): claim("", former={"value": "0", "echoes": [["net.x.z", "1"]]}),
        }
    }
    one = Store(77)
    assert one.load() == {}
    with one.lock(0):
        one.save(kept)
    assert Store(77).load() == kept
    assert Store(78).load() == {}, "another host's"
    assert sorted(path.name for path in (tmp_path / "77").iterdir()) == ["claims.json", "lock"]
    assert set(json.loads((tmp_path / "77" / "claims.json").read_text())) == {"host"}
