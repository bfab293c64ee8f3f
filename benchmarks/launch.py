# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one command and print what it cost: when it began and ended, its processor time, its peak memory, how it ended.

What it says goes to the file ``output``.

A program of its own that imports next to nothing: the peak memory of a process begins with that of the one that started it
(exec carries it over), so that nothing below this one's 10 MB can be told.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    begin = time.monotonic()
    output = [(os.POSIX_SPAWN_OPEN, 1, "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)]
    pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=output)
    _pid, status, usage = os.wait4(pid, 0)
    end = time.monotonic()
    print(begin, end, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1)


if __name__ == "__main__":
    main()
