# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run on a machine, with addresses as arguments: who says its name on port 7777 of each, or why nobody does."""

import errno
import json
import socket
import sys

found = {}
for address in sys.argv[1:]:
    try:
        with socket.create_connection((address, 7777), 10) as connection:
            found[address] = connection.makefile().readline().split()[-1]
    except OSError as error:
        found[address] = errno.errorcode.get(error.errno, str(error))
print(json.dumps(found))
