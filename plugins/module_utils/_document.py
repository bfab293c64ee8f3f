# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents of one object, as the single modules need them. Private to the collection."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.weft.netns.plugins.module_utils._engine.errors import NetnsError

Document = dict[str, Any]
Params = Mapping[str, Any]  # the options of a module, as AnsibleModule gives them

HOST = "host"


def given(params: Params, names: Iterable[str]) -> dict[str, Any]:
    """Those of the named options that the user set, and inside of them likewise."""
    return {name: _set(params[name]) for name in names if params[name] is not None}


def _set(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _set(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_set(item) for item in value]
    return value


def decoded(value: Any) -> Any:
    """A document as the engine takes it: what came as JSON text is read."""
    if not isinstance(value, (str, bytes)):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise NetnsError.of(f"document is not JSON: {error}") from error


def within(name: str, links: Mapping[str, Any], **content: Any) -> Document:
    """A document of what is in one namespace, which exists already."""
    document: Document = {}
    existing(document, name).update(links=links, **content)
    return document


def listed(*names: str | None) -> dict[str, Any]:
    """Links that exist already, of which nothing is managed; None is no link."""
    return {name: {} for name in names if name is not None}


def existing(document: Document, name: str) -> dict[str, Any]:
    """The namespace of that name in the document, put there as one that exists already."""
    if name == HOST:
        space: Document = document.setdefault(HOST, {})
    else:
        space = document.setdefault("namespaces", {}).setdefault(name, {"path": f"/run/netns/{name}"})
    space.setdefault("links", {})
    return space
