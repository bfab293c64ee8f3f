# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each test has a host of its own: a network namespace, an empty /run/netns and an empty /etc/netns."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hosts import FOLDERS, Host, fresh_host


def pytest_configure() -> None:
    if not all(map(os.path.ismount, FOLDERS)):
        pytest.exit("these tests change the network: run them with scripts/private", returncode=1)


@pytest.fixture
def host() -> Iterator[Host]:
    """A fresh host. What is inside vanishes with the test."""
    with fresh_host() as fresh:
        yield fresh
