# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modes share whose containers can have ports of the host."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from .._types import Interface


def check(interface: Interface, led: Collection[int]) -> Iterator[tuple[str, str]]:
    """``led``: families in which the containers' way out is by the host: their answers have to come by it."""
    for each in interface.publish:
        asked = {each.host_address.family} if each.host_address else interface.families
        for family in sorted(asked):
            key = f"publish[{each.index}]" + (".host_address" if each.host_address else "")
            if family not in interface.families:
                yield key, f"the interface has no IPv{family} address"
            elif family not in led:
                yield key, f"the host is not the IPv{family} gateway of network {interface.network.name}: answers would not come by it"
