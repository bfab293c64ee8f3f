# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run on a machine: make an SCTP socket, and print what the kernel says, an errno, or null where it makes it."""

from __future__ import annotations

import errno
import json
import socket


def said() -> str | None:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return None


print(json.dumps(said()))
