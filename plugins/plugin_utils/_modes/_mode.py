# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every mode is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from ...module_utils._engine.schema import Check
from .._draft import HostDraft
from .._types import Interface, Member, Network


class Mode(Protocol):
    options: Mapping[str, Check] = {}  # keys of the network's dictionary that is named after the mode
    devices: Sequence[str] = ()  # kinds of the pair that leads into a container; empty: there is none
    interface_keys: Collection[str] = ()  # keys of an interface that only some modes know
    namespaced: bool = True  # its containers are network namespaces
    unguarded: str = ""  # why the host's filter cannot hold `spoofing: block`; empty: it can

    def refused(self, options: Mapping[str, Any]) -> Mapping[str, str]:
        """Keys of a network that this mode does not know, and why."""
        return {}

    def refuses_mac(self, network: Network) -> str:
        """Why an interface cannot be given a MAC; empty: it can."""
        return ""

    def chooses_mac(self, network: Network) -> bool:
        """Whether an interface is given a MAC where the inventory says none."""
        return not self.refuses_mac(network)

    def asks(self, network: Network) -> bool:
        """Whether the wire is asked for an address before a host takes it."""
        return False

    def check(self, network: Network) -> Iterable[tuple[str, str]]:
        """What is wrong with a network of this mode, all its keys being right by themselves: (key, message)."""
        return ()

    def check_interface(self, interface: Interface) -> Iterable[tuple[str, str]]:
        """What is wrong with an interface, its keys and its network being right by themselves: (key, message)."""
        return ()

    def check_interfaces(self, interfaces: Sequence[Interface]) -> Iterable[tuple[str, str]]:
        """What is wrong with the interfaces of one network taken together, in the whole fleet: (path, message)."""
        return ()

    def default_routes(self, member: Member) -> Collection[int]:
        """The families in which this interface can give its container a default route."""
        return ()

    def join(self, draft: HostDraft, member: Member, defaults: Collection[int]) -> dict[str, Any]:
        """Add to the host what the interface needs there; return what it needs inside: links, routes, neighbours.

        ``defaults``: the families in which this interface gives the default route.
        """
        raise NotImplementedError
