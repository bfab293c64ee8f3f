# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neighbours: permanent entries and proxy entries (arp(7), ip-neighbour(8), neighbour.h)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ..codec import NLM_F_CREATE, NLM_F_REPLACE, Message, Request
from ..model import PROTOCOL, Neighbour

FAMILIES = {4: 2, 6: 10}
NUD_PERMANENT, NTF_PROXY = 0x80, 0x08
DUMPS = [Request("RTM_GETNEIGH", {"family": family, "flags": flags}) for family in FAMILIES.values() for flags in (0, NTF_PROXY)]


def decode(message: Message, names: Mapping[int, str]) -> Neighbour | None:
    fields, attrs = message.fields, message.attrs
    proxy = bool(fields["flags"] & NTF_PROXY)
    link = names.get(fields["ifindex"])
    if link is None or not (proxy or fields["state"] & NUD_PERMANENT):
        return None
    ours = attrs.get("NDA_PROTOCOL") == PROTOCOL
    return Neighbour(link, attrs["NDA_DST"], None if proxy else attrs.get("NDA_LLADDR"), proxy, ours)


def make(neighbour: Neighbour, index: Callable[[str], int]) -> Request:
    request = remove(neighbour, index)
    attrs: list[tuple[str, Any]] = [*request.attrs, ("NDA_PROTOCOL", PROTOCOL)]
    if neighbour.mac:
        attrs.append(("NDA_LLADDR", neighbour.mac))
    return Request("RTM_NEWNEIGH", {**request.fields, "state": NUD_PERMANENT}, attrs, NLM_F_CREATE | NLM_F_REPLACE)


def remove(neighbour: Neighbour, index: Callable[[str], int]) -> Request:
    fields = {
        "family": FAMILIES[neighbour.family],
        "ifindex": index(neighbour.link),
        "flags": NTF_PROXY if neighbour.proxy else 0,
    }
    return Request("RTM_DELNEIGH", fields, [("NDA_DST", neighbour.address)])
