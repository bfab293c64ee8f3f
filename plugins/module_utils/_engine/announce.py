# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has an address now is told to the wire at once: gratuitous ARP (RFC 5227) and unsolicited neighbour advertisements
(RFC 4861, 7.2.6). Others would go on sending to whom they knew before, for as long as they remember.

Everything is sent from the host's own namespace, where the wire is: a socket for each container would take ten milliseconds
to close, and a new port of a bridge lets nothing pass for a moment. So what somebody sends who has the wire in a namespace
(a device that was moved in, a pair between containers) is not announced, nor VLANs of a bridge that are not the host's.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator, Mapping

from .frames import ADVERTISEMENT, arp_request, discovery
from .kinds import paired
from .model import HOST, Address, Link, Namespace, Neighbour
from .steps import Step, Transfer

OVERRIDE = 1 << 29
ALL_NODES = "ff02::1"

Frame = tuple[str, bytes]  # by which link of the host, and what


def frames(steps: Iterable[Step], before: Mapping[str, Namespace], now: Mapping[str, Namespace]) -> list[Frame]:
    """What has to be said of the addresses that these steps have added. ``before`` and ``now``: what was there, and what is."""
    added = [(step.namespace, step.after) for step in steps if step.before is None and isinstance(step.after, (Address, Neighbour))]
    wires = _Wires(before.get(HOST, Namespace(HOST)), now[HOST])
    told = [frame for where, item in added if where in now for frame in _frames(now[where], item, wires)]
    return told + [frame for step in steps if isinstance(step.after, Transfer) for frame in _transferred(now[HOST], step.after)]


def _transferred(host: Namespace, transfer: Transfer) -> Iterator[Frame]:
    """By the port, which has the wire and is not new to it, whichever of the two has the addresses now."""
    taker = host.links[transfer.taker]
    port = transfer.giver if taker.kind == "bridge" else transfer.taker
    for each in transfer.addresses:
        if taker.mac and _leaves_the_link(each.ip):
            yield port, _frame(each.ip, _bytes(taker.mac))


def _frames(ns: Namespace, item: Address | Neighbour, wires: _Wires) -> Iterator[Frame]:
    link = ns.links.get(item.link)
    ip = item.ip if isinstance(item, Address) else item.address if item.proxy else ""
    if link and link.mac and link.state == "up" and _leaves_the_link(ip):
        for wire in wires.of(ns.name, link):
            if wire.mac and wire.state == "up" and not wires.apart(wire, link):
                yield wire.name, _frame(ip, _bytes(link.mac))


def _bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def _leaves_the_link(ip: str) -> bool:
    """A link-local address belongs to one link, and stays there."""
    return bool(ip) and not ip.startswith(("fe80:", "169.254.", "127.")) and ip != "::1"


class _Wires:
    """The host's links on whose wire others may remember the addresses of a link."""

    def __init__(self, before: Namespace, now: Namespace) -> None:
        self._links = now.links
        self._known = before.links
        self._outward: dict[str, list[Link]] = {}  # ports by which bridges lead out of the host
        for link in now.links.values():
            if link.master and not (paired(link.kind) and link.owner is not None):
                self._outward.setdefault(link.master, []).append(link)
        self._apart = {(entry.link, entry.mac) for item in now.filters.values() for entry in item.anycast}

    def apart(self, wire: Link, link: Link) -> bool:
        """Whether the link is a gateway that others behind this wire have as well. What leaves by a port itself passes no filter."""
        return (wire.name, link.mac) in self._apart

    def of(self, where: str, link: Link) -> list[Link]:
        if where == HOST:
            plain = link.kind == "bridge" and not link.attributes.get("vlan_filtering")
            return self._beyond(link) if plain else [link] if link.name != "lo" else []
        if link.attributes.get("namespace") != HOST:
            return []
        if not paired(link.kind):
            lower = self._links.get(link.attributes.get("link", ""))
            return [lower] if lower else []
        end = self._links.get(link.attributes.get("peer", ""))
        bridge = self._links.get(end.master or "") if end else None
        return self._beyond(bridge) if bridge else []

    def _beyond(self, bridge: Link) -> list[Link]:
        """On a bridge that has just been made nobody has known anything; to tell all of its ports of each other would take long."""
        if bridge.kind != "bridge" or bridge.attributes.get("vlan_filtering"):
            return []
        return [bridge] if bridge.name in self._known else self._outward.get(bridge.name, [])


def _frame(ip: str, mac: bytes) -> bytes:
    """About itself: everybody takes it who has an entry."""
    if ":" not in ip:
        return arp_request(mac, ip, ip)
    body = struct.pack("!I", OVERRIDE) + socket.inet_pton(socket.AF_INET6, ip) + struct.pack("!BB", 2, 1) + mac
    return discovery(mac, ip, ALL_NODES, ADVERTISEMENT, body)
