# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Permanent forwarding entries of a vxlan link (bridge-fdb(8))."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Callable

from ..codec import NLM_F_APPEND, NLM_F_CREATE, Message, Request
from ..model import Forward

AF_BRIDGE = 7
NTF_SELF, NUD_NOARP, NUD_PERMANENT = 0x02, 0x40, 0x80


def dump(index: int) -> Request:
    return Request("RTM_GETNEIGH", {"family": AF_BRIDGE, "ifindex": index})


def decode(message: Message, names: Mapping[int, str]) -> Forward | None:
    fields, attrs = message.fields, message.attrs
    link = names.get(fields["ifindex"])
    if link is None or not fields["state"] & NUD_PERMANENT or "NDA_DST" not in attrs:
        return None
    return Forward(link, attrs["NDA_LLADDR"], attrs["NDA_DST"])


def make(forward: Forward, index: Callable[[str], int]) -> Request:
    request = remove(forward, index)
    return Request("RTM_NEWNEIGH", {**request.fields, "state": NUD_PERMANENT | NUD_NOARP}, request.attrs, NLM_F_CREATE | NLM_F_APPEND)


def remove(forward: Forward, index: Callable[[str], int]) -> Request:
    fields = {"family": AF_BRIDGE, "ifindex": index(forward.link), "flags": NTF_SELF}
    return Request("RTM_DELNEIGH", fields, [("NDA_LLADDR", forward.mac), ("NDA_DST", forward.remote)])
