# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel may take along when a link or an address goes, kept so that an undo can bring it back.

Whoever made it: foreign addresses and routes too. The messages of the dump are sent back as they
came, as `ip route restore` does, so no attribute is lost that the model has no word for.
"""

from __future__ import annotations

from dataclasses import dataclass

from .kernel import RTM, Kernel, Message
from .wire import address, neighbour, route

ALL_TABLES = 0
RTPROT_KERNEL = 2
VOLATILE = ("IFA_CACHEINFO", "IFA_FLAGS", "RTA_CACHEINFO", "NDA_CACHEINFO", "NDA_PROBES")
PARTS = {
    "RTM_NEWADDR": [address.DUMP],
    "RTM_NEWNEIGH": neighbour.DUMPS,
    "RTM_NEWROUTE": route.dumps([ALL_TABLES]),
}


@dataclass(frozen=True)
class Snapshot:
    """Messages by type, in the order in which they have to be sent back."""

    messages: dict[str, dict[str, bytes]]

    @classmethod
    def take(cls, kernel: Kernel, name: str) -> Snapshot:
        found: dict[str, dict[str, bytes]] = {}
        for kind, requests in PARTS.items():
            dumped = [message for request in requests for message in kernel.dump(name, request) if _lasting(kind, message)]
            found[kind] = {_identity(message): message.raw for message in sorted(dumped, key=_leads_over_others)}
        return cls(found)

    def restore(self, kernel: Kernel, name: str) -> None:
        """Bring back what is missing."""
        if not kernel.identity(name):
            return
        for kind in PARTS:
            now = Snapshot.take(kernel, name).messages[kind]
            kernel.replay(name, RTM[kind], [raw for identity, raw in self.messages[kind].items() if identity not in now])


def _lasting(kind: str, message: Message) -> bool:
    if kind == "RTM_NEWROUTE":
        return message.fields["proto"] != RTPROT_KERNEL and not message.fields["flags"] & route.RTM_F_CLONED
    if kind == "RTM_NEWNEIGH":
        return bool(message.fields["flags"] & neighbour.NTF_PROXY or message.fields["state"] & neighbour.NUD_PERMANENT)
    return True


def _identity(message: Message) -> str:
    fields = {key: message.fields[key] for key, _format in message.fields.fields if key not in ("flags", "state")}  # type: ignore[attr-defined]
    return repr((fields, sorted((name, repr(value)) for name, value in message.attrs.items() if name not in VOLATILE)))


def _leads_over_others(message: Message) -> bool:
    return "RTA_GATEWAY" in message.attrs or "RTA_VIA" in message.attrs or "RTA_MULTIPATH" in message.attrs
