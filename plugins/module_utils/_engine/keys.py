# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of wireguard links: a document names files, the kernel takes what is in them. Pure; nothing here prints a key."""

from __future__ import annotations

from collections.abc import Mapping

from . import schema
from .errors import ConflictError, Fault
from .model import HOST, Desired, Namespace, Peer, WireGuard, replace
from .schema import Check


def files(desired: Desired) -> set[str]:
    """All files that have to be read."""
    objects = [each for ns in desired.namespaces.values() for each in ns.wireguards.values()]
    named = [each.private_key_file for each in objects] + [peer.preshared_key_file for each in objects for peer in each.peers or ()]
    return {name for name in named if name}


def filled(desired: Desired, contents: Mapping[str, str | None]) -> Desired:
    """With the keys in it.

    :param contents: of each file; None: it cannot be read.
    :raises ConflictError: with all files that have no key.
    """
    faults: list[Fault] = []

    def key(file: str | None, path: str, check: Check = schema.key) -> str | None:
        if file is None:
            return None
        try:
            return str(check((contents[file] or "").strip()))
        except ValueError as error:
            faults.append(Fault(path, f"{file}: " + ("cannot be read" if contents[file] is None else str(error))))
            return None

    def fill(ns: Namespace, each: WireGuard) -> WireGuard:
        path = f"{ns.name if ns.name == HOST else f'namespaces.{ns.name}'}.links.{each.link}.wireguard"
        peers = tuple(fill_peer(peer, f"{path}.peers") for peer in each.peers or ())
        private = key(each.private_key_file, f"{path}.private_key_file", schema.private_key)
        return replace(each, private_key=private, peers=None if each.peers is None else peers)

    def fill_peer(peer: Peer, path: str) -> Peer:
        return replace(peer, preshared_key=key(peer.preshared_key_file, f"{path}: {peer.public_key}: preshared_key_file"))

    namespaces = {
        name: replace(ns, wireguards={link: fill(ns, each) for link, each in ns.wireguards.items()}) if ns.wireguards else ns
        for name, ns in desired.namespaces.items()
    }
    if faults:
        raise ConflictError(faults)
    return Desired(namespaces)
