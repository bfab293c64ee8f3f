# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and MAC addresses that follow from other names: the same on any controller, at any time."""

from __future__ import annotations

import base64
import hashlib
import re

LONGEST = 15  # bytes of a link's name
PLAIN = re.compile(r"[A-Za-z0-9_.-]+")

# The first byte tells whose MAC it is, so that those of one sort never meet those of another. All are locally administered.
CONTAINER_MAC = 0x02
BRIDGE_MAC = 0x06
HOST_END_MAC = 0x0A


def link_name(name: str) -> str:
    """The name itself if the kernel takes it, else its readable beginning and a hash of all of it."""
    if len(name) <= LONGEST and PLAIN.fullmatch(name):
        return name
    digest = base64.b32encode(hashlib.sha256(name.encode()).digest()[:5]).decode().lower()
    readable = "".join(PLAIN.findall(name))
    return f"{readable[: LONGEST - len(digest) - 1]}-{digest}"


def host_end(container: str, interface: str) -> str:
    """The host's end of a pair: ``v<container>`` for eth0, ``v<container>-<interface>`` for any other interface.

    It depends on nothing else, so that a second interface does not rename the first one's.
    """
    return _of_interface("v", container, interface)


def _of_interface(sort: str, container: str, interface: str) -> str:
    return link_name(f"{sort}{container}" if interface == "eth0" else f"{sort}{container}-{interface}")


def ifb(container: str, interface: str) -> str:
    """Through which goes what a container sends by an interface, where the host holds it to a rate."""
    return _of_interface("r", container, interface)


def inner_ifb(interface: str) -> str:
    """The same inside the container, for what it gets."""
    return link_name(f"ifb-{interface}")


def bridge(network: str) -> str:
    return link_name(f"br-{network}")


def host_sublink(kind: str, network: str) -> str:
    """The host's own sub-interface in a network of mode macvlan or ipvlan."""
    return link_name(f"{kind[0]}v-{network}")


def vlan(link: str, number: int) -> str:
    return link_name(f"{link}.{number}")


def vxlan(number: int) -> str:
    return f"vxlan{number}"


def mac(sort: int, *words: object) -> str:
    """A MAC address made from words. ``sort`` is its first byte."""
    digest = hashlib.sha256("\0".join(str(word) for word in words).encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (sort, *digest[:5]))
