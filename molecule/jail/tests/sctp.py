# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run on a machine: make an SCTP socket, and print what the kernel says, an errno, or null where it makes it."""

import errno
import json
import socket

said = None
try:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
except OSError as error:
    said = errno.errorcode[error.errno]
print(json.dumps(said))
