# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a link sends at most: a token bucket as its root queueing discipline (tc-tbf(8), pkt_sched.h: TCA_TBF_*)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Callable

from .. import narrow
from ..codec import NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, Message, Request
from ..model import PROTOCOL, Rate
from ..narrow import nla

KIND = "tbf"
ROOT, OURS = 0xFFFFFFFF, PROTOCOL << 16  # the kernel gives 0 to what it chose itself, and others get 8001: and so on from tc
DUMP = Request("RTM_GETQDISC")

PARMS, RATE64 = 1, 4
QOPT = struct.Struct("=BBHhHI BBHhHI III")  # struct tc_tbf_qopt: rate, peak rate; limit, bucket, MTU
ETHERNET = 1  # TC_LINKLAYER_ETHERNET: the kernel computes by itself how long a packet takes
WIDEST = 0xFFFFFFFF

TICK = 64e-9  # seconds (PSCHED_SHIFT)
FILLS, WAITS = 0.010, 0.050  # seconds: a jiffy of the slowest clock; what may wait on top of the bucket
# The longest packet that TCP hands to a link, counted with a header for each of its segments. With a smaller bucket, one that
# waits while the rate is lowered would never fit into it, and nothing after it would ever leave.
LEAST = 96 << 10


def limited(link: str, value: int) -> Rate:
    """The bucket for a rate in bit/s."""
    burst = max(value / 8 * FILLS, LEAST)
    return Rate(link, value, int(burst * 8 / value / TICK), min(int(burst + value / 8 * WAITS), WIDEST))


def decode(message: Message, names: Mapping[int, str]) -> Rate | None:
    """None: what the kernel chose itself, or no root."""
    fields, link = message.fields, names.get(message.fields["ifindex"])
    if link is None or fields["parent"] != ROOT or not fields["handle"]:
        return None
    kind = message.attrs["TCA_KIND"]
    ours = fields["handle"] == OURS
    if kind != KIND:
        return Rate(link, kind=kind, ours=ours)
    told = narrow.values(message.attrs["TCA_OPTIONS"], 0)
    qopt = QOPT.unpack(told[PARMS])
    octets = struct.unpack("=Q", told[RATE64])[0] if RATE64 in told else qopt[5]
    return Rate(link, octets * 8, bucket=qopt[13], limit=qopt[12], ours=ours)


def change(before: Rate | None, after: Rate | None, index: Callable[[str], int]) -> list[Request]:
    """A bucket is changed in place; another discipline is replaced."""
    fields = {"ifindex": index((after or before).link), "parent": ROOT}  # type: ignore[union-attr]
    if after is None:
        return [Request("RTM_DELQDISC", fields)]
    octets = after.value // 8
    qopt = QOPT.pack(0, ETHERNET, 0, 0, 0, min(octets, WIDEST), *6 * (0,), after.limit, after.bucket, 0)
    options = nla(PARMS, qopt) + (nla(RATE64, struct.pack("=Q", octets)) if octets > WIDEST else b"")
    make = Request(
        "RTM_NEWQDISC",
        {**fields, "handle": OURS},
        [("TCA_KIND", KIND), ("TCA_OPTIONS", options)],
        NLM_F_CREATE | (NLM_F_REPLACE if before else NLM_F_EXCL),
    )
    return [Request("RTM_DELQDISC", fields), make] if before and before.kind != KIND else [make]
