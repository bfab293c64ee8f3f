# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines after a reboot. The other tests here are those of scenario default, which has the same networks."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("name", ["node1", "node2", "node3"])
def test_a_reboot_changes_nothing(machines: Any, name: str) -> None:
    machine = machines[name]
    machine.sh("timeout 120 systemctl is-system-running --wait")
    assert machine.state() ^ machine.kept_state("before-reboot") == set()
