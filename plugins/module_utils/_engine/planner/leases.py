# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices of the host that are moved into namespaces, and given back as they were.

The claim on a lease keeps what the device was like on the host, so that it comes back under its old name and with its old
settings: also when somebody has renamed it inside, or has deleted the namespace, which makes the kernel send it home.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .. import cascade
from ..cascade import End
from ..claims import object_id
from ..model import HOST, Address, Link, Namespace, named, replace
from ..steps import Lease, Step
from .context import Context

LEASE = "leases"
KIND = "physical"
KEPT = ("name", "kind", "state", "mtu", "mac", "master", "txqueuelen", "permanent_mac")  # what a claim tells of the device


def remembered(device: Link, addresses: Mapping[str, str]) -> dict[str, Any]:
    """What a claim tells of a device that is about to be moved."""
    return {**{key: getattr(device, key) for key in KEPT}, "index": device.index, "addresses": addresses}


def leased(ctx: Context) -> set[End]:
    """Links that are there on lease: they are neither made nor deleted."""
    return {(lease.inside, lease.link.name) for _name, lease in _held(ctx)}


def returns(ctx: Context, doomed: set[str]) -> list[Step]:
    """Devices that are not wanted any more where they are."""
    steps = []
    for (where, name), lease in list(_held(ctx)):
        if not _stays(ctx, where, name, lease, doomed):
            ctx.ledger.leave(where, object_id(LEASE, name))
            steps.append(_home(ctx, lease))
    for where, name in _lost(ctx):
        ctx.ledger.leave(where, object_id(LEASE, name))
    return steps


def moves(ctx: Context) -> list[Step]:
    """Devices that are wanted elsewhere, and those that somebody has renamed there."""
    return [step for ns in ctx.desired.values() for link in ns.links.values() if link.kind == KIND for step in _moved(ctx, ns.name, link)]


def _claimed(ctx: Context) -> list[tuple[str, str]]:
    """Leases of this document in namespaces that it looks into: one that does not purge looks into those alone that it declares."""
    return [(where, name) for where in ctx.ledger.claims if ctx.purge or where in ctx.desired for name in ctx.ledger.held(LEASE, where)]


def _held(ctx: Context) -> Iterator[tuple[tuple[str, str], Lease]]:
    """Leases of this document whose devices can be found, by the namespace and name that they were moved to."""
    for where, name in _claimed(ctx):
        lease = _found(ctx, where, _former(ctx, where, name))
        if lease:
            yield (where, name), lease


def _lost(ctx: Context) -> list[tuple[str, str]]:
    """Leases whose devices are nowhere, unplugged perhaps, or on the host as they were: a run was ended before it took them."""
    known = {key for key, _lease in _held(ctx)}
    return [key for key in _claimed(ctx) if key not in known]


def _former(ctx: Context, where: str, name: str) -> dict[str, Any]:
    claim = ctx.ledger.get(where, object_id(LEASE, name))
    return dict(claim.former) if claim else {}


def _found(ctx: Context, where: str, former: dict[str, Any]) -> Lease | None:
    """Where the device is now: in its namespace under whatever name, or on the host, but not as it was."""
    device = Link(**{key: former[key] for key in KEPT})
    for inside in (where, HOST):
        for link in ctx.now[inside].links.values() if inside in ctx.now else ():
            if _same(link, device, former["index"]) and not (inside == HOST and _as_it_was(ctx, link, device, former["addresses"])):
                return Lease(inside, link, device, former["addresses"])
    return None


def _same(link: Link, device: Link, index: int) -> bool:
    """Hardware is known by its permanent MAC; anything else by its index, as long as it is of that kind and not ours."""
    if device.permanent_mac:
        return link.permanent_mac == device.permanent_mac
    return (link.index, link.kind, link.owner) == (index, device.kind, None)


def _as_it_was(ctx: Context, link: Link, device: Link, addresses: Mapping[str, str]) -> bool:
    present = {f"{each.ip}/{each.prefixlen}" for each in ctx.now[HOST].addresses.values() if each.link == link.name}
    return all(getattr(link, key) == getattr(device, key) for key in KEPT) and addresses.keys() <= present


def _stays(ctx: Context, where: str, name: str, lease: Lease, doomed: set[str]) -> bool:
    want = ctx.wanted(where).links.get(name)
    if where in doomed or lease.inside == HOST or (want and want.state == "absent"):
        return False
    if want is None or want.kind != KIND:
        return not ctx.purge
    return not ctx.absent and _means(want, lease.device)


def _means(want: Link, device: Link) -> bool:
    """The declared device is this one."""
    if "interface" in want.attributes:
        return bool(want.attributes["interface"] == device.name)
    return want.attributes.get("permanent_mac") in (device.permanent_mac, None)


def _moved(ctx: Context, where: str, want: Link) -> list[Step]:
    lease = next((lease for key, lease in _held(ctx) if key == (where, want.name)), None)
    if want.state == "absent" or where not in ctx.now:
        return []
    if lease:
        return [_renamed(ctx, lease, want.name)] if lease.link.name != want.name else []
    if want.name in ctx.now[where].links:
        ctx.fault(where, f"the link {where}/{want.name} exists already: name another", "links", want.name)
        return []
    device = next((link for link in ctx.now.get(HOST, Namespace(HOST)).links.values() if link.name != "lo" and _means(want, link)), None)
    [(key, told)] = want.attributes.items()
    above = _above(ctx, device) if device else None
    if device is None:
        ctx.fault(where, f"there is no device with {key} {told} on the host", "links", want.name, KIND, key)
    elif above:
        ctx.fault(where, f"{above} lies on {device.name} and would be lost", "links", want.name, KIND, key)
    return [_away(ctx, where, want.name, device)] if device and not above else []


def _above(ctx: Context, device: Link) -> str | None:
    """A link that would vanish with the device."""
    below = (HOST, device.name)
    links = (link for ns in ctx.now.values() for link in ns.links.values())
    return next((link.name for link in links if (link.attributes.get("namespace"), link.attributes.get("link")) == below), None)


def _away(ctx: Context, where: str, name: str, device: Link) -> Step:
    carried = any(each.link == device.name and not each.ip.startswith("fe80:") for each in ctx.now[HOST].addresses.values())
    ctx.ledger.take(where, object_id(LEASE, name), remembered(device, {}))  # its addresses are told when it is moved
    ctx.now = _without(ctx, HOST, device.name)
    link = replace(device, name=name, state="down", master=None, port={})
    ctx.now[where] = replace(ctx.now[where], links={**ctx.now[where].links, name: link})
    return Step(HOST, None, Lease(where, link, device), "its addresses come back with it" if carried else "")


def _home(ctx: Context, lease: Lease) -> Step:
    ctx.now = _without(ctx, lease.inside, lease.link.name)
    host, device = ctx.now[HOST], replace(lease.device, index=lease.link.index)
    carried = named(Address(device.name, *_split(each)) for each in lease.addresses)
    ctx.now[HOST] = replace(host, links={**host.links, device.name: device}, addresses={**host.addresses, **carried})
    return Step(HOST, lease, None)


def _split(address: str) -> tuple[str, int]:
    ip, _slash, length = address.partition("/")
    return ip, int(length)


def _renamed(ctx: Context, lease: Lease, name: str) -> Step:
    link = replace(lease.link, name=name, state="down")
    ctx.now = _without(ctx, lease.inside, lease.link.name)
    ctx.now[lease.inside] = replace(ctx.now[lease.inside], links={**ctx.now[lease.inside].links, name: link})
    return Step(HOST, lease, replace(lease, link=link))


def _without(ctx: Context, where: str, name: str) -> dict[str, Any]:
    return {**ctx.now, where: cascade.without_links({where: ctx.now[where]}, {(where, name)})[where]}
