# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options, their documentation and what the engine takes are the same things by the same names."""

from __future__ import annotations

import pytest
import yaml

from _engine import parse, queues
from _engine.kinds import KINDS
from _engine.kinds.port import PORT
from ansible_collections.weft.netns.plugins.doc_fragments import _kinds
from ansible_collections.weft.netns.plugins.doc_fragments._options import ModuleDocFragment
from ansible_collections.weft.netns.plugins.module_utils import _options

FRAGMENTS = sorted(name for name in vars(ModuleDocFragment) if name.isupper())


def spec_of(documented: dict) -> dict:
    """The argument spec that documented options describe."""
    spec = {}
    for name, option in documented.items():
        own = {key: value for key, value in option.items() if key not in ("description", "suboptions")}
        spec[name] = {**own, **({"options": spec_of(option["suboptions"])} if "suboptions" in option else {})}
    return spec


@pytest.mark.parametrize("name", FRAGMENTS)
def test_documentation_is_that_of_the_spec(name):
    documented = yaml.safe_load(getattr(ModuleDocFragment, name))["options"]
    if name == "LINK":
        documented |= yaml.safe_load(_kinds.ModuleDocFragment.DOCUMENTATION)["options"]
    assert spec_of(documented) == getattr(_options, name)


def test_every_kind_is_an_option_of_link():
    assert set(_options.LINK["kind"]["choices"]) == set(KINDS)
    assert {kind for kind, item in KINDS.items() if item.attributes} == set(_options.KINDS)


@pytest.mark.parametrize("kind", sorted(_options.KINDS))
def test_a_kind_has_the_options_that_the_engine_knows(kind):
    options = _options.KINDS[kind]
    assert set(options) == set(KINDS[kind].keys)
    assert {key for key, option in options.items() if option.get("required")} == {
        key for key, attribute in KINDS[kind].keys.items() if attribute.required
    }


def test_options_are_the_keys_of_the_document():
    assert set(_options.LINK) - {"name", "admin_state", *KINDS} == {*parse.LINK_CHECKS, *queues.CHECKS, "addresses", "port"} - {
        "state",
        "route_to",
    }
    assert set(_options.LINK["port"]["options"]) == set(PORT.keys)
    assert set(_options.ROUTE) == {*parse.ROUTE_CHECKS, "nexthops"}
    assert set(_options.ROUTE["nexthops"]["options"]) == set(parse.HOP_CHECKS)
    assert set(_options.RULE) == set(parse.RULE_CHECKS)
    assert set(_options.NEIGHBOUR) == set(parse.NEIGHBOUR_CHECKS)


@pytest.mark.parametrize(
    ("option", "check"),
    [
        (_options.ROUTE["type"], parse.ROUTE_CHECKS["type"]),
        (_options.ROUTE["family"], parse.ROUTE_CHECKS["family"]),
        (_options.RULE["type"], parse.RULE_CHECKS["type"]),
        (_options.LINK["admin_state"], parse.LINK_CHECKS["state"]),
        (_options.KINDS["macvlan"]["mode"], KINDS["macvlan"].keys["mode"].check),
        (_options.KINDS["tun"]["mode"], KINDS["tun"].keys["mode"].check),
    ],
)
def test_every_choice_is_one_of_the_engine(option, check):
    assert [check(choice) for choice in option["choices"]] == option["choices"]
