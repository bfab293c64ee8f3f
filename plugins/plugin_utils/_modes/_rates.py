# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an interface is held to its rates. A link can hold back what it sends; what it receives goes through the queue of an ifb."""

from __future__ import annotations

from typing import Any

from ...module_utils._engine.model import rate_words
from .. import _names as names
from .._draft import HostDraft, filled
from .._types import Interface, Member


def on_host(draft: HostDraft, interface: Interface) -> dict[str, Any]:
    """Keys of the host's end of a pair: it sends what the container gets, and receives what the container sends. All of it is
    on the host, out of the container's reach."""
    rate, end = interface.rate, {}
    if rate.egress:
        end["redirect"] = names.ifb(interface.container, interface.name)
        draft.link(f"{interface.path}.rate", end["redirect"], _ifb(interface, rate.egress))
    return {**end, **sending(rate.ingress)}


def inside(member: Member, link: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A link of the container that has no end on the host, with what it needs beside it: the container can take it away."""
    interface = member.interface
    held = {**link, **sending(interface.rate.egress)}
    if not interface.rate.ingress:
        return {interface.name: held}
    ifb = names.inner_ifb(interface.name)
    return {interface.name: {**held, "redirect": ifb}, ifb: _ifb(interface, interface.rate.ingress)}


def sending(*rates: int | None) -> dict[str, str]:
    """The lowest of the rates that are given."""
    given = [rate for rate in rates if rate]
    return {"rate": rate_words(min(given))} if given else {}


def _ifb(interface: Interface, rate: int) -> dict[str, Any]:
    return filled({"kind": "ifb", "mtu": interface.network.mtu, **sending(rate)})
