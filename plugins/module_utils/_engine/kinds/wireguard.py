# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""wireguard: a tunnel to peers known by their keys (wg(8)).

Of the link itself the kernel knows nothing but its name; keys and peers travel in a netlink family of their own, so
parse.py makes an object of them. ``namespace`` is where its socket is: the link may be in another one, and then
whoever is there has no other way out. The kernel does not tell it: a claim remembers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..model import Peer
from ..schema import Listing, Record, endpoint, file_name, integer, key, network, path
from .base import Attribute, Kind


def _peer(values: Mapping[str, Any]) -> Peer:
    return Peer(**{**values, "allowed_ips": tuple(sorted(set(values.get("allowed_ips", ()))))})


def _peers(peers: Iterable[Peer]) -> tuple[Peer, ...]:
    """Each known by its key, and each address at one of them."""
    ordered = tuple(sorted(peers, key=lambda peer: peer.public_key))
    for what, said in (
        ("the key", [peer.public_key for peer in ordered]),
        ("the address", [address for peer in ordered for address in peer.allowed_ips]),
    ):
        twice = [each for each in said if said.count(each) > 1]
        if twice:
            raise ValueError(f"two peers have {what} {twice[0]}")
    return ordered


PEER = Record(
    {
        "public_key": key,
        "preshared_key_file": path,
        "endpoint": endpoint,
        "allowed_ips": Listing(network),
        "persistent_keepalive": integer(0, 65535),
    },
    ("public_key",),
    _peer,
)

WIREGUARD = Kind(
    "wireguard",
    (
        Attribute("namespace", file_name, fixed=True),
        Attribute("private_key_file", path),
        Attribute("listen_port", integer(1, 65535)),
        Attribute("fwmark", integer(0, 0xFFFFFFFF)),
        Attribute("peers", Listing(PEER, _peers)),
    ),
    hidden="namespace",
    no_mac="it has no link layer",
)
