# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What arrives on a link goes through the queue of another: the ingress, one filter that matches all (tc-u32(8)) and its
action (tc-mirred(8)). The target, an ifb, hands the packet back to where it was taken."""

from __future__ import annotations

import socket
import struct
from collections.abc import Collection, Mapping
from typing import Callable

from ..codec import NLM_F_CREATE, NLM_F_EXCL, Message, Request
from ..model import PROTOCOL, Redirect
from ..narrow import nla, values

KIND, FILTER, ACTION = "ingress", "u32", "mirred"
INGRESS, INSIDE = 0xFFFFFFF1, 0xFFFF0000  # where the discipline hangs, and what filters hang on
INFO = PROTOCOL << 16 | socket.htons(0x0003)  # our preference, and all protocols

SELECTOR_OF, ACTIONS, ACTION_KIND, ACTION_OPTIONS, PARMS = 5, 7, 1, 2, 2  # TCA_U32_SEL, TCA_U32_ACT, TCA_ACT_*, TCA_MIRRED_PARMS
SELECTOR = struct.pack("=BBBx HHhh I IIii", 1, 0, 1, 0, 0, 0, 0, 0, *4 * (0,))  # terminal; one key, which matches everything
MIRRED = struct.Struct("=IIiii iI")  # struct tc_mirred: index, capabilities, verdict, counts; direction, link
STOLEN, EGRESS_REDIRECT = 4, 1


def filters(index: int) -> Request:
    return Request("RTM_GETTFILTER", {"ifindex": index, "parent": INSIDE})


def link_of(message: Message, names: Mapping[int, str]) -> str | None:
    """The link whose ingress this discipline is; None: it is another one."""
    return names.get(message.fields["ifindex"]) if message.fields["parent"] == INGRESS else None


def decode(link: str, listed: Collection[Message], names: Mapping[int, str]) -> Redirect:
    """``listed``: the filters of its ingress."""
    told = [message for message in listed if _details(message)]  # the first message is about the preference alone
    targets = [_target(message) for message in told]
    ours = any(message.fields["info"] == INFO and message.attrs["TCA_KIND"] == FILTER for message in told)
    return Redirect(link, names.get(targets[0], "") if len(targets) == 1 and ours else "", ours)


def change(before: Redirect | None, after: Redirect | None, index: Callable[[str], int]) -> list[Request]:
    """There is no way to change the action of a filter but to make another."""
    fields = {"ifindex": index((after or before).link), "parent": INGRESS}  # type: ignore[union-attr]
    gone = [Request("RTM_DELQDISC", fields)] if before else []
    if after is None:
        return gone
    discipline = Request("RTM_NEWQDISC", {**fields, "handle": INSIDE}, [("TCA_KIND", KIND)], NLM_F_CREATE | NLM_F_EXCL)
    attrs = [("TCA_KIND", FILTER), ("TCA_OPTIONS", _options(index(after.to)))]
    to_all = Request("RTM_NEWTFILTER", {**fields, "parent": INSIDE, "info": INFO}, attrs, NLM_F_CREATE | NLM_F_EXCL)
    return [*gone, discipline, to_all]


def _options(target: int) -> bytes:
    action = nla(PARMS, MIRRED.pack(0, 0, STOLEN, 0, 0, EGRESS_REDIRECT, target))
    first = nla(ACTION_KIND, ACTION.encode() + b"\0") + nla(ACTION_OPTIONS, action)
    return nla(SELECTOR_OF, SELECTOR) + nla(ACTIONS, nla(1, first))


def _details(message: Message) -> dict[int, bytes]:
    """Selector and actions, if the message is about a filter that has them."""
    options = message.attrs.get("TCA_OPTIONS", b"") if message.attrs.get("TCA_KIND") == FILTER else b""
    return {number: value for number, value in values(options, 0).items() if number in (SELECTOR_OF, ACTIONS)}


def _target(message: Message) -> int:
    """Index of the link to which this filter sends everything; 0: it does something else."""
    details = _details(message)
    actions = values(details.get(ACTIONS, b""), 0)
    options = values(actions.get(1, b""), 0).get(ACTION_OPTIONS, b"")
    parms = values(options, 0).get(PARMS, b"")
    if details.get(SELECTOR_OF) != SELECTOR or len(parms) != MIRRED.size or len(actions) != 1:
        return 0
    _index, _capabilities, verdict, _references, _bound, direction, target = MIRRED.unpack(parms)
    return int(target) if (verdict, direction) == (STOLEN, EGRESS_REDIRECT) else 0
