# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge takes the addresses of one of its ports, a NIC, and the routes that lead by it; the NIC gets them back.

They stay the host's own, whichever link has them: only the claim tells that they are not where the host had them. So what is
moved is decided by what is there, in either direction, and what the host got or lost meanwhile goes with the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..claims import object_id
from ..model import HOST, LOCAL_TABLE, Address, Namespace, Route, named, replace
from ..steps import Step, Transfer
from .context import Context

MOVED = "moved"  # claim on a bridge, and a port whose addresses it has
LEARNT = {9: "router advertisements", 16: "DHCP"}  # rtnetlink.h: RTPROT_RA, RTPROT_DHCP
LINK_LOCAL = "fe80:"


def foreseen(ctx: Context) -> dict[str, Namespace]:
    """What is there, with the addresses where they are going to be: what a document leaves to the host is the same in the next run."""
    if HOST in ctx.now:
        returns(ctx)
        takes(ctx)
    return ctx.now


def returns(ctx: Context) -> list[Step]:
    """Addresses that are not wanted any more where they are."""
    steps = []
    for taker, giver in ctx.ledger.held(MOVED, HOST) if HOST in ctx.now else ():
        if not _stays(ctx, taker, giver):
            steps += _transfer(ctx, taker, giver) if _has(ctx, taker, giver) else []
            ctx.ledger.leave(HOST, object_id(MOVED, (taker, giver)))
    return steps


def _has(ctx: Context, taker: str, giver: str) -> bool:
    """A run that was ended may leave claims on two ports: the bridge has the addresses of the one that is there."""
    claimed = [port for bridge, port in ctx.ledger.held(MOVED, HOST) if bridge == taker and port != giver]
    port = ctx.now[HOST].links.get(giver)
    return port is not None and (port.master == taker or not claimed)


def takes(ctx: Context) -> list[Step]:
    """Addresses that bridges take, also such as their ports have got since the last run."""
    steps = []
    for link in ctx.wanted(HOST).links.values():
        giver = link.addresses_of
        if giver:
            ctx.ledger.take(HOST, object_id(MOVED, (link.name, giver)))
            _check(ctx, link.name, giver)
            steps += _transfer(ctx, giver, link.name)
    return steps


def _stays(ctx: Context, taker: str, giver: str) -> bool:
    want = ctx.wanted(HOST).links.get(taker)
    if want is None:
        return not ctx.purge
    if want.state == "absent" or ctx.absent:
        return False
    return want.addresses_of == giver or (want.addresses_of is None and not ctx.purge)


def _transfer(ctx: Context, source: str, target: str) -> list[Step]:
    host = ctx.now[HOST]
    addresses = tuple(each for each in _carried(host, source) if each.lasting and not each.ours)
    routes = tuple(each for each in _routes(ctx, source) if each.protocol not in LEARNT)
    if not addresses and all(each.automatic for each in routes):
        return []
    transfer = Transfer(source, target, addresses, routes)
    ctx.now[HOST] = moved(host, transfer)
    return [Step(HOST, None, transfer)]


def moved(host: Namespace, transfer: Transfer) -> Namespace:
    """The namespace when this is done."""
    keys, routes = {each.key for each in transfer.addresses}, {each.key for each in transfer.routes}
    return replace(
        host,
        addresses=named(transfer.arrived(each) if each.key in keys else each for each in host.addresses.values()),
        routes=named(transfer.arrived(each) if each.key in routes else each for each in host.routes.values()),
    )


def _carried(host: Namespace, link: str) -> list[Address]:
    """A link-local address belongs to its link, and stays there."""
    return [each for each in host.addresses.values() if each.link == link and not each.ip.startswith(LINK_LOCAL)]


def _routes(ctx: Context, giver: str) -> Iterator[Route]:
    """Routes that lead by the link, but for those of link-local addresses, and those that are declared to lead by it."""
    for each in ctx.now[HOST].routes.values():
        want = ctx.wanted(HOST).routes.get(each.key)
        automatic = each.table == LOCAL_TABLE or (each.automatic and each.destination.startswith(LINK_LOCAL))
        if not automatic and _leads_by(each, giver) and not (want and _leads_by(want, giver)):
            yield each


def _leads_by(route: Route, link: str) -> bool:
    return any(hop.link == link for hop in route.nexthops)


def _check(ctx: Context, taker: str, giver: str) -> None:
    path = ("links", taker, "bridge", "addresses_of")
    instead = f"have what configures {giver} configure {taker} instead, and leave this out"
    for each in _carried(ctx.now[HOST], giver):
        if not each.lasting:
            ctx.fault(HOST, f"{giver} has {each.ip} for a limited time, by DHCP or router advertisements: {instead}", *path)
        elif each.ours:
            ctx.fault(HOST, f"{giver} has {each.ip}, which a document gives to {giver} itself: give it to {taker} there", *path)
    for route in _routes(ctx, giver):
        if route.protocol in LEARNT:
            ctx.fault(HOST, f"the {route.text} was learnt by {LEARNT[route.protocol]}: {instead}", *path)
