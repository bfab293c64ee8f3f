# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel may take along when a link or an address goes, kept so that an undo can bring it back.

Whoever made it: foreign addresses and routes too. The messages of the dump are sent back as they
came, as `ip route restore` does, so no attribute is lost that the model has no word for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from . import narrow
from .codec import RTM, Message
from .kernel import Kernel
from .model import RTPROT_KERNEL, Link
from .steps import Transfer
from .wire import address, neighbour, route, transfer

ALL_TABLES = 0
# What changes by itself: attributes by number (cacheinfo, flags, probes), and bytes of the header (flags, state).
VOLATILE = {"RTM_NEWADDR": (6, 8), "RTM_NEWNEIGH": (3, 4), "RTM_NEWROUTE": (12,)}
MASKED = {"RTM_NEWADDR": (2,), "RTM_NEWNEIGH": (8, 9), "RTM_NEWROUTE": (8, 9, 10, 11)}
PARTS = {
    "RTM_NEWADDR": [address.DUMP],
    "RTM_NEWNEIGH": neighbour.DUMPS,
    "RTM_NEWROUTE": route.dumps([ALL_TABLES]),
}


FOLDERS = ("net/ipv4/conf", "net/ipv6/conf", "net/ipv4/neigh", "net/ipv6/neigh")


def addresses_of(kernel: Kernel, name: str, link: Link) -> dict[str, str]:
    """The kernel's own message, in hexadecimal, of each address of a link."""
    found = ((address.decode(message, {link.index: link.name}), message) for message in kernel.dump(name, address.DUMP))
    return {f"{each.ip}/{each.prefixlen}": message.raw.hex() for each, message in found if each}


def luggage(kernel: Kernel, name: str, item: Transfer, indexes: Mapping[str, int]) -> transfer.Luggage:
    """The kernel's own messages of what is moved."""
    names = {index: link for link, index in indexes.items()}
    routed = [message for request in route.dumps([ALL_TABLES]) for message in kernel.dump(name, request)]
    return transfer.pack(
        [message.raw for message in kernel.dump(name, address.DUMP) if address.decode(message, names) in item.addresses],
        [message.raw for message in routed if route.decode(message, names) in item.routes],
    )


@dataclass(frozen=True)
class Snapshot:
    """Messages by type, in the order in which they have to be sent back; sysctls of links by their paths."""

    messages: dict[str, dict[str, bytes]]
    sysctls: dict[str, str]

    @classmethod
    def take(cls, kernel: Kernel, name: str, deleted: Iterable[str] = ()) -> Snapshot:
        """``deleted``: links whose sysctls will go with them."""
        return cls({kind: _messages(kernel, name, kind) for kind in PARTS}, dict(_sysctls(kernel, name, deleted)))

    def restore(self, kernel: Kernel, name: str) -> None:
        """Bring back what is missing."""
        if not kernel.identity(name):
            return
        for path, value in self.sysctls.items():
            if kernel.read_sysctl(name, path) not in (None, value):
                kernel.write_sysctl(name, path, value)
        for kind in PARTS:
            now = _messages(kernel, name, kind)
            kernel.replay(name, RTM[kind], [raw for identity, raw in self.messages[kind].items() if identity not in now])


def _messages(kernel: Kernel, name: str, kind: str) -> dict[str, bytes]:
    dumped = [message for request in PARTS[kind] for message in kernel.dump(name, request) if _lasting(kind, message)]
    replayable = route.replayable if kind == "RTM_NEWROUTE" else bytes
    return {_identity(kind, message): replayable(message.raw) for message in sorted(dumped, key=_leads_over_others)}


def _sysctls(kernel: Kernel, name: str, links: Iterable[str]) -> Iterator[tuple[str, str]]:
    for folder in (f"{each}/{link}" for each in FOLDERS for link in links):
        for file in kernel.list_sysctls(name, folder):
            value = kernel.read_sysctl(name, f"{folder}/{file}")
            if value is not None:
                yield f"{folder}/{file}", value


def _lasting(kind: str, message: Message) -> bool:
    if kind == "RTM_NEWROUTE":
        return message.fields["proto"] != RTPROT_KERNEL and not message.fields["flags"] & route.RTM_F_CLONED
    if kind == "RTM_NEWNEIGH":
        return bool(message.fields["flags"] & neighbour.NTF_PROXY or message.fields["state"] & neighbour.NUD_PERMANENT)
    return True


def _identity(kind: str, message: Message) -> str:
    start = narrow.LAYOUTS[RTM[kind]].start
    header = bytearray(message.raw[narrow.HEADER.size : start])
    for position in MASKED[kind]:
        header[position] = 0
    values = sorted((number, value) for number, value in narrow.values(message.raw, start).items() if number not in VOLATILE[kind])
    return repr((bytes(header), values))


def _leads_over_others(message: Message) -> bool:
    return "RTA_GATEWAY" in message.attrs or "RTA_VIA" in message.attrs or "RTA_MULTIPATH" in message.attrs
