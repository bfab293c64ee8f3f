# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short words for long things. Only filters and jails need them, so that only those pay for the import."""

from __future__ import annotations


def sha256(data: bytes) -> str:
    """In hexadecimal."""
    import hashlib

    return hashlib.sha256(data).hexdigest()
