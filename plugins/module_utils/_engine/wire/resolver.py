# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""resolv.conf of a namespace (resolv.conf(5), ip-netns(8))."""

from __future__ import annotations

from ..model import Resolver

MARK = "# made by weft.netns"


def encode(resolver: Resolver) -> str:
    lines = [MARK, *(f"nameserver {address}" for address in resolver.nameservers)]
    if resolver.search:
        lines.append("search " + " ".join(resolver.search))
    return "\n".join(lines) + "\n"


def decode(content: str) -> Resolver:
    words = [line.split() for line in content.splitlines()]
    nameservers = tuple(line[1] for line in words if line[:1] == ["nameserver"] and len(line) > 1)
    search = tuple(name for line in words if line[:1] == ["search"] for name in line[1:])
    return Resolver(nameservers, search, ours=content.startswith(MARK))
