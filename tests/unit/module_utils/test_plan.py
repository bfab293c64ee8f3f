# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan decides, case by case as plans/<case>/ tells; then what holds for any document.

desired.yml    the host document
observed.yml   the host document of what is there, and beside it: owner (of all that is there, if it is not ``default``), owners (of single
               things, by the texts of their steps; null: nobody's), leftovers, paths, unbound and processes as in the model
claims.yml     namespace, object, names and former value
options.yml    name, purge and absent
steps.yml      what has to be done, or
faults.yml     why it cannot be
warnings.yml   what is left out
left.yml       claims afterwards
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from documents import Document, documents
from hypothesis import assume, example, given
from simulator import PORT, World, promoted

from _engine.claims import Claim, Claims, object_id
from _engine.errors import ConflictError
from _engine.model import OBJECTS, Address, Link, Namespace, Observed
from _engine.parse import parse
from _engine.plan import Plan, plan
from _engine.resolve import resolve
from _engine.steps import Step

CASES = sorted(Path(__file__).parents[1].joinpath("plans").iterdir())


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_case(folder: Path) -> None:
    files = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in folder.glob("*.yml")}
    options = {"name": "default", **files.get("options", {})}
    there = observed(files["observed"] or {}, options["name"])
    wanted, warnings = resolve(parse(files["desired"] or {}, options["name"]), there.namespaces)
    assert warnings == files.get("warnings", [])
    if "faults" in files:
        with pytest.raises(ConflictError) as caught:
            plan(wanted, there, claims(files.get("claims")), **options)
        assert [str(fault) for fault in caught.value.faults] == files["faults"]
        return
    todo = plan(wanted, there, claims(files.get("claims")), **options)
    assert [step.text for step in todo.steps] == files["steps"]
    if "left" in files:
        assert told(todo.claims) == files["left"]


def claims(raw: Mapping[str, Any] | None) -> Claims:
    return {
        where: {each: Claim(frozenset(claim["names"]), claim.get("former")) for each, claim in held.items()}
        for where, held in (raw or {}).items()
    }


def told(held: Claims) -> dict[str, Any]:
    return {where: {each: {"names": sorted(claim.names), "former": claim.former} for each, claim in those.items()}
            for where, those in held.items()}  # fmt: skip


def observed(raw: dict[str, Any], document: str) -> Observed:
    facts = {key: raw.pop(key) for key in ("leftovers", "paths", "unbound", "processes") if key in raw}
    owner, owners = raw.pop("owner", "default"), raw.pop("owners", {})
    there = parse(raw, document).namespaces
    known = {text for name, ns in there.items() for text in _texts(name, ns)}
    assert set(owners) <= known, f"owners of what is not there: {set(owners) - known}"
    seen = {name: _seen(ns, number, owner, owners) for number, (name, ns) in enumerate(there.items(), 100)}
    return Observed(seen, frozenset(facts.pop("leftovers", ())), **facts)


def _text(where: str, item: Any) -> str:
    return Step(where, item, None).text.partition(" ")[2]


def _texts(name: str, ns: Namespace) -> list[str]:
    items = [*ns.links.values(), *(item for collection in OBJECTS for item in getattr(ns, collection).values())]
    return [f"namespace {name}", *(_text(name, item) for item in items)]


def _seen(ns: Namespace, number: int, owner: str | None, owners: Mapping[str, str | None]) -> Namespace:
    """As if it had been read from a kernel."""
    mine = owners.get(f"namespace {ns.name}", owner) if ns.made else None
    found: dict[str, Any] = {"links": {"lo": Link("lo", state="up", index=1, permanent=True, owner=mine)}}
    for index, link in enumerate(ns.links.values(), 1):
        whose = owners.get(_text(ns.name, link), owner) if link.kind else mine if link.name == "lo" else None
        port = {**PORT, **link.port} if link.master else {}
        found["links"][link.name] = replace(link, index=index, owner=whose, permanent=not link.kind, port=port)
    for collection in OBJECTS:
        items = getattr(ns, collection).values()
        found[collection] = {item.key: replace(item, ours=owners.get(_text(ns.name, item), owner) is not None) for item in items}
    found["addresses"] = promoted(found["addresses"])
    return replace(ns, **found, owner=mine, identity=number)


# -- any document


class Host(World):
    """A host that documents are applied to."""

    def __init__(self) -> None:
        super().__init__("mine1")
        self.claims: Claims = {}

    def plan(self, document: Document | None, name: str = "default") -> Plan:
        seen = self.observed()

        def stays(where: str, address: Address) -> bool:
            claim = self.claims.get(where, {}).get(object_id("addresses", address.key))
            return not address.ours or bool(claim and claim.names - {name})

        wanted, _warnings = resolve(parse(document or {}), seen.namespaces, stays)
        return plan(wanted, seen, self.claims, name)

    def apply(self, document: Document | None, name: str = "default") -> list[str]:
        todo = self.plan(document, name)
        self.run(todo.steps)
        self.claims = todo.claims
        return [step.text for step in todo.steps]

    def state(self) -> Any:
        return self.observed().namespaces


DOCUMENTS = documents(existing=("mine1",))


PAIR = {"kind": "veth", "veth": {"peer": "e3", "namespace": "host"}}
NOT_FOLLOWING = {"host": {"links": {"br0": {"kind": "bridge", "mtu": 1500}, "e2": PAIR}}}  # it was given its MTU
SMALLER = {"host": {"links": {"br0": {"kind": "bridge", "mtu": 1400}, "e2": {**PAIR, "mtu": 1400, "master": "br0"}}}}


@given(DOCUMENTS, DOCUMENTS)
@example(NOT_FOLLOWING, SMALLER)
def test_nothing_is_left_to_do(old: Document, new: Document) -> None:
    host = Host()
    host.apply(old)
    assert host.apply(old) == []
    host.apply(new)
    assert host.apply(new) == []


@given(DOCUMENTS, DOCUMENTS)
def test_in_the_end_all_is_as_it_was(old: Document, new: Document) -> None:
    host = Host()
    before = host.state()
    host.apply(old)
    host.apply(new)
    host.apply(None)
    assert (host.state(), host.claims) == (before, {})


@given(documents(), documents())
def test_documents_of_two_names_leave_each_other_alone(one: Document, other: Document) -> None:
    """Whatever the one makes, changes and takes away on a host that the other uses too."""
    host = Host()
    host.apply(one, "one")
    before, claimed = host.state(), host.claims
    try:
        host.apply(other, "other")
    except ConflictError:
        assume(False)
    assert host.apply(one, "one") == []
    host.apply(None, "other")
    assert (host.state(), host.claims) == (before, claimed)


@given(DOCUMENTS)
def test_a_purge_takes_nothing_that_has_another_owner(document: Document) -> None:
    host = Host()
    host.apply(document, "one")
    assert host.plan(None, "other").steps == ()
