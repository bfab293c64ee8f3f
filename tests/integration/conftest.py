# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each test has a host of its own: a network namespace, an empty /run/netns and an empty /etc/netns."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator

import pytest
from hosts import Host

CLONE_NEWNET = 0x40000000
FOLDERS = ("/run/netns", "/run/weft-netns", "/etc/netns")


def pytest_configure() -> None:
    if not all(map(os.path.ismount, FOLDERS)):
        pytest.exit("these tests change the network: run them with scripts/private", returncode=1)


@pytest.fixture
def host() -> Iterator[Host]:
    """A fresh host. What is inside vanishes with the test."""
    libc = ctypes.CDLL(None, use_errno=True)
    former = os.open("/proc/self/ns/net", os.O_RDONLY)
    assert libc.unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    for folder in FOLDERS:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    yield Host()
    for folder in FOLDERS:
        subprocess.run(["umount", "-l", folder], check=True)
    assert libc.setns(former, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    os.close(former)
