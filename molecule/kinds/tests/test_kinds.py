# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of link on the kernels of both releases; the tests go on from each other: created, changed, deleted, lacking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
DOCUMENTS = {"node1": ["kinds_of_all"], "node2": ["kinds_of_all", "kinds_of_newer_kernels"]}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_converge_made_a_link_of_each_kind(machines: Any, variables: Any, name: str) -> None:
    documents = [variables[name][document] for document in DOCUMENTS[name]]
    namespaces = [each for document in documents for each in (document["host"], *document.get("namespaces", {}).values())]
    declared = {link: values["kind"] for namespace in namespaces for link, values in namespace["links"].items()}
    found = machines[name].ip("link") + machines[name].ip("-n kinds link")
    links = {link["ifname"]: link.get("linkinfo", {}).get("info_kind", "physical") for link in found}
    assert {link: links[link] for link in declared} == declared


@pytest.mark.parametrize("use", ["topology", "link", "lacking"])
def test_each_is_changed_in_place_and_nothing_of_it_is_left_when_deleted(play: Any, machines: Any, use: str) -> None:
    """By module ``topology`` and by module ``link``; a kernel that lacks a kind says so, and stays as it was."""
    play(HERE / f"{use}.yml")
    differences = {name: machines[name].state() ^ machines[name].kept_state("fresh") for name in DOCUMENTS}
    assert not any(differences.values()), differences
