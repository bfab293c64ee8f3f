# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every mode is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from .._draft import HostDraft
from .._types import Member, Network


class Mode(Protocol):
    @property
    def refused(self) -> Mapping[str, str]:
        """Keys of a network that this mode does not know, and why."""

    def check(self, network: Network) -> Iterable[tuple[str, str]]:
        """What is wrong with a network of this mode, all its keys being right by themselves: (key, message)."""

    def default_routes(self, member: Member) -> Collection[int]:
        """The families in which this interface can give its container a default route."""

    def join(self, draft: HostDraft, member: Member, defaults: Collection[int]) -> dict[str, Any]:
        """Add to the host what the interface needs there; return what it needs inside: links, routes, neighbours.

        ``defaults``: the families in which this interface gives the default route.
        """
