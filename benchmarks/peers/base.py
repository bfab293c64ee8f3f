# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a peer is: a tool that is told to make a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Optional

from ..network import Network

CREATE, AGAIN, CHANGE, REMOVE = PHASES = ("create", "again", "change", "remove")

Command = Optional[Sequence[str]]


@dataclass(frozen=True)
class Job:
    """Files (path to text) and the command of each phase, run where the files are. None: the peer cannot do it.

    ``again`` has nothing to do; ``change`` is run next and changes one container; ``remove`` leaves nothing.
    """

    files: Mapping[str, str]
    create: Command
    again: Command
    change: Command
    remove: Command
    environment: Mapping[str, str] = field(default_factory=dict)


class Peer(ABC):
    """``key`` names it in results, ``name`` in what is shown."""

    key: str
    name: str
    most: int | None = None  # the largest network it is given; beyond it would take hours
    patience = 120.0  # seconds: if its phases at one size take longer, it is measured once there
    sizes: Sequence[int] | None = None  # the only sizes at which it is measured, whatever is asked for
    writes: Sequence[str] = ()  # folders that have to be private besides those of scripts/private

    @abstractmethod
    def missing(self) -> str | None:
        """What it needs and is not installed here."""

    @abstractmethod
    def job(self, network: Network) -> Job:
        """What it is told, to make this network. Pure."""
