# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections of TCP and exchanges of UDP between namespaces: sockets stay in the one in which they were made."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from frames import inside

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
SECONDS = 1.0

End = tuple[str, int]


def opened(namespace: str | None, protocol: str, family: int) -> socket.socket:
    with inside(namespace):
        made = socket.socket(FAMILIES[family], KINDS[protocol])
    made.settimeout(SECONDS)
    return made


@dataclass
class Listener:
    socket: socket.socket
    protocol: str
    family: int


@contextlib.contextmanager
def listening(namespace: str | None, protocol: str, family: int, port: int, address: str = "") -> Iterator[Listener]:
    with opened(namespace, protocol, family) as made:
        if family == 6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        if protocol == "tcp":
            made.listen()
        yield Listener(made, protocol, family)


def peer(listener: Listener, client: socket.socket, to: End) -> End | None:
    """Whom the listener sees when the client asks there, and is answered; None: they do not meet."""
    try:
        client.connect(to)
        client.send(b"question")
        if listener.protocol == "udp":
            question, seen = listener.socket.recvfrom(99)
            listener.socket.sendto(b"answer", seen)
        else:
            accepted, seen = listener.socket.accept()
            with accepted:
                question = accepted.recv(99)
                accepted.send(b"answer")
        answer = client.recv(99)
    except OSError:
        return None
    assert (question, answer) == (b"question", b"answer")
    return str(seen[0]), int(seen[1])


def sees(listener: Listener, namespace: str | None, to: End, port: int = 0) -> str | None:
    """The address with which somebody in that namespace arrives. ``port``: from which it asks."""
    with opened(namespace, listener.protocol, listener.family) as client:
        if port:
            client.bind(("", port))
        seen = peer(listener, client, to)
    return seen[0] if seen else None
