# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it means that a bridge takes the addresses of a link: that is a port of it, and has none of its own."""

from __future__ import annotations

from collections.abc import Iterable

from .model import HOST, Link, Namespace, replace
from .reader import Reader


def with_ports(reader: Reader, host: Namespace) -> Namespace:
    """Each such link is a port of the bridge, whether that is said or not."""
    ports = {}
    for taker in host.links.values():
        giver = taker.addresses_of
        if giver:
            port = host.links.get(giver, Link(giver))
            _check(reader, host, taker, port)
            ports[giver] = replace(port, master=taker.name)
    return replace(host, links={**host.links, **ports}) if ports else host


def _check(reader: Reader, host: Namespace, taker: Link, port: Link) -> None:
    at = f"{HOST}.links.{taker.name}.bridge.addresses_of"
    if port.name in ("lo", taker.name) or port.state == "absent":
        reader.fault(at, f"{port.name} cannot be a port of {taker.name}")
    elif port.master not in (None, taker.name):
        reader.fault(at, f"{port.name} is a port of {port.master}")
    if any(each.link == port.name for each in host.addresses.values()):
        reader.fault(at, f"{port.name} has addresses in this document: give them to {taker.name}")


def check_elsewhere(reader: Reader, containers: Iterable[Namespace]) -> None:
    for namespace in containers:
        for link in namespace.links.values():
            if link.addresses_of:
                reader.fault(f"namespaces.{namespace.name}.links.{link.name}.bridge.addresses_of", "only a bridge of the host has it")
