# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a document says of the queues of links: at which rate they send, and through which ifb goes what arrives."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .model import Link, Namespace, Rate, Redirect
from .reader import Reader, given
from .schema import Check, link_name, rate
from .wire.rate import limited

CHECKS: Mapping[str, Check] = {"rate": rate, "redirect": link_name}


def read(reader: Reader, link: Link, raw: Any, path: str) -> Iterable[tuple[str, Rate | Redirect]]:
    told = {key: raw[key] for key in CHECKS if given(raw, key)}
    values = reader.values(told, path, CHECKS)
    if "rate" in values:
        yield f"{path}.rate", limited(link.name, values["rate"])
    if "redirect" in values:
        yield f"{path}.redirect", Redirect(link.name, values["redirect"])


def sorted_out(reader: Reader, found: Collection[tuple[str, Rate | Redirect]]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Rates and redirects, by their keys."""
    rates, redirects = ([each for each in found if isinstance(each[1], kind)] for kind in (Rate, Redirect))
    return reader.collect(rates), reader.collect(redirects)


def targets(namespace: Namespace) -> Iterable[tuple[Redirect, Link | None, str]]:
    """Each redirect with its target, and what is wrong with that; empty: nothing, or there is none."""
    for redirect in namespace.redirects.values():
        target = namespace.links.get(redirect.to)
        unfit = target and (target.kind not in (None, "ifb") or redirect.to == redirect.link)
        yield redirect, target, f"{redirect.to} is no ifb: it would not hand back what it is given" if unfit else ""
