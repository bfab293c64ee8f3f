# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses (rtnetlink(7), if_addr.h)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Callable

from ..codec import NLM_F_CREATE, NLM_F_REPLACE, Message, Request
from ..model import PROTOCOL, Address
from ..narrow import HEADER

IFA_F_SECONDARY, IFA_F_NODAD, IFA_F_PERMANENT = 0x01, 0x02, 0x80
FAMILIES = {4: 2, 6: 10}
DUMP = Request("RTM_GETADDR")


def decode(message: Message, names: Mapping[int, str]) -> Address | None:
    attrs = message.attrs
    link = names.get(message.fields["index"])
    ip = attrs.get("IFA_LOCAL") or attrs.get("IFA_ADDRESS")
    if link is None or ip is None:
        return None
    flags = message.fields["flags"]
    secondary = bool(message.fields["family"] == FAMILIES[4] and flags & IFA_F_SECONDARY)
    lasting = bool(flags & IFA_F_PERMANENT)
    return Address(link, ip, message.fields["prefixlen"], secondary, attrs.get("IFA_PROTO") == PROTOCOL, lasting)


def make(address: Address, index: Callable[[str], int]) -> Request:
    """Usable at once: no duplicate address detection (the compiler has seen to duplicates)."""
    request = remove(address, index)
    attrs = [*request.attrs, ("IFA_FLAGS", IFA_F_NODAD), ("IFA_PROTO", PROTOCOL)]
    return Request("RTM_NEWADDR", request.fields, attrs, NLM_F_CREATE | NLM_F_REPLACE)


def remove(address: Address, index: Callable[[str], int]) -> Request:
    fields = {"family": FAMILIES[address.family], "prefixlen": address.prefixlen, "index": index(address.link)}
    return Request("RTM_DELADDR", fields, [("IFA_LOCAL", address.ip), ("IFA_ADDRESS", address.ip)])


def on(raw: bytes, index: int) -> bytes:
    """A dumped message, about the link with this index (struct ifaddrmsg)."""
    position = HEADER.size + 4
    return raw[:position] + struct.pack("=I", index) + raw[position + 4 :]
