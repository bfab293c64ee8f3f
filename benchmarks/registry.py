# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All peers, in the order in which they are shown."""

from __future__ import annotations

from pathlib import Path

from .peers.base import Peer
from .peers.engine import Engine
from .peers.floor import Floor
from .peers.ip_batch import IpBatch


def peers(python: str, directory: Path) -> list[Peer]:
    """:param python: runs the engine. :param directory: for what has to be built first."""
    return [Floor(directory), Engine(python), IpBatch(), IpBatch(bridge_last=True)]
