# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run on a machine, with addresses as arguments: what a TCP and a UDP socket are bound to that ask for each, or why not."""

import errno
import json
import socket
import sys


def bound(kind, address):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as opened:
        try:
            opened.bind((address, 0))
        except OSError as error:
            return errno.errorcode[error.errno]
        return opened.getsockname()[0]


print(json.dumps({address: [bound(kind, address) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)] for address in sys.argv[1:]}))
