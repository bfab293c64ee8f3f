# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that is measured, in the order in which it is shown."""

from __future__ import annotations

from pathlib import Path

from .peers.base import Peer
from .peers.cni import Cni
from .peers.commands import Commands
from .peers.engine import Engine
from .peers.floor import Floor
from .peers.ifstate import Ifstate
from .peers.ip_batch import IpBatch
from .peers.references import ColdStart, Compile, EmptyModule, Import
from .peers.topology import Topology


def peers(python: str, folder: Path) -> dict[str, Peer]:
    """By key.

    :param python: runs the engine.
    :param folder: gets what has to be built.
    """
    makers: list[Peer] = [
        Floor(folder),
        Engine(python),
        Topology(python),
        IpBatch(),
        IpBatch(bridge_last=True),
        Cni(),
        Ifstate(),
        Commands(python),
    ]
    references: list[Peer] = [ColdStart(python), Import(python), EmptyModule(python), Compile()]
    return {peer.key: peer for peer in [*makers, *references]}
