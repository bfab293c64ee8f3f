# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and peers of wireguard links: generic netlink, family "wireguard" (wireguard.h)."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

from ..codec import Message, attributes
from ..model import Peer, WireGuard

FAMILY = "wireguard"
GET_DEVICE, SET_DEVICE = 0, 1
REMOVE_ME, REPLACE_ALLOWEDIPS = 1, 2
NO_KEY = "A" * 43 + "="  # 32 zero bytes: a preshared key that is none
PEERS_AT_ONCE = 100  # a message has at most 64 KiB

Attrs = list[tuple[str, Any]]


def ask(index: int) -> Attrs:
    return [("WGDEVICE_A_IFINDEX", index)]


def decode(link: str, messages: Iterable[Message]) -> WireGuard:
    """Many peers, and a peer of many addresses, come in several messages."""
    values: dict[str, Any] = {}
    peers: dict[str, Peer] = {}
    for message in messages:
        for name, field in (("PRIVATE_KEY", "private_key"), ("LISTEN_PORT", "listen_port"), ("FWMARK", "fwmark")):
            if f"WGDEVICE_A_{name}" in message.attrs:
                value = message.attrs[f"WGDEVICE_A_{name}"]
                values[field] = value.decode() if isinstance(value, bytes) else value
        for nested in message.attrs.get("WGDEVICE_A_PEERS") or ():
            peer = _peer(nested)
            known = peers.get(peer.public_key)
            more = known.allowed_ips if known else ()
            first = known or peer
            peers[peer.public_key] = Peer(
                first.public_key,
                first.endpoint,
                tuple(sorted({*more, *peer.allowed_ips})),
                first.persistent_keepalive,
                first.preshared_key,
            )
    if values.get("private_key") == NO_KEY:
        del values["private_key"]
    return WireGuard(link, peers=tuple(sorted(peers.values(), key=lambda peer: peer.public_key)), **values)


def _peer(nested: Any) -> Peer:
    attrs = attributes(nested)
    preshared = attrs["WGPEER_A_PRESHARED_KEY"].decode() if "WGPEER_A_PRESHARED_KEY" in attrs else NO_KEY
    endpoint = attrs.get("WGPEER_A_ENDPOINT")
    return Peer(
        attrs["WGPEER_A_PUBLIC_KEY"].decode(),
        _endpoint(endpoint["addr"], endpoint["port"]) if endpoint else None,
        tuple(each["addr"] for each in attrs.get("WGPEER_A_ALLOWEDIPS") or ()),
        attrs.get("WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL") or 0,
        None if preshared == NO_KEY else preshared,
    )


def _endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def change(index: int, before: WireGuard | None, after: WireGuard) -> list[Attrs]:
    """Attributes of each message: what differs. A peer that stays as it is keeps its session."""
    attrs: Attrs = []
    for name, field in (("PRIVATE_KEY", "private_key"), ("LISTEN_PORT", "listen_port"), ("FWMARK", "fwmark")):
        value = getattr(after, field)
        if value is not None and value != (getattr(before, field) if before else None):
            attrs.append((f"WGDEVICE_A_{name}", value))
    peers = _peers((before.peers if before else None) or (), after.peers or ())
    groups = [peers[start : start + PEERS_AT_ONCE] for start in range(0, len(peers), PEERS_AT_ONCE)]
    parts = ([attrs] if attrs else []) + [[("WGDEVICE_A_PEERS", group)] for group in groups]
    return [[*ask(index), *part] for part in parts]


def _peers(before: tuple[Peer, ...], after: tuple[Peer, ...]) -> list[dict[str, Attrs]]:
    had, have = ({peer.public_key: peer for peer in peers} for peers in (before, after))
    gone: list[Attrs] = [[("WGPEER_A_PUBLIC_KEY", key), ("WGPEER_A_FLAGS", REMOVE_ME)] for key in had.keys() - have]
    made = [_peer_attrs(peer, had.get(key)) for key, peer in have.items() if had.get(key) != peer]
    return [{"attrs": attrs} for attrs in [*gone, *made]]


def _peer_attrs(peer: Peer, before: Peer | None) -> Attrs:
    attrs: Attrs = [
        ("WGPEER_A_PUBLIC_KEY", peer.public_key),
        ("WGPEER_A_PRESHARED_KEY", peer.preshared_key or NO_KEY),
        ("WGPEER_A_FLAGS", REPLACE_ALLOWEDIPS),
        ("WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL", peer.persistent_keepalive),
        ("WGPEER_A_ALLOWEDIPS", [{"attrs": _allowed(address)} for address in peer.allowed_ips]),
    ]
    if peer.endpoint and peer.endpoint != (before.endpoint if before else None):
        host, _colon, port = peer.endpoint.rpartition(":")
        attrs.append(("WGPEER_A_ENDPOINT", {"addr": host.strip("[]"), "port": int(port)}))
    return attrs


def _allowed(address: str) -> Attrs:
    host, _slash, length = address.partition("/")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return [
        ("WGALLOWEDIP_A_FAMILY", int(family)),
        ("WGALLOWEDIP_A_IPADDR", socket.inet_pton(family, host)),
        ("WGALLOWEDIP_A_CIDR_MASK", int(length)),
    ]
