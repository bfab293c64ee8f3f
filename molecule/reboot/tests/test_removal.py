# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""At last the machines lose what makes their networks at boot, and keep the networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

OF_OTHER_ROLES = {
    "/etc/systemd/network/05-weft-netns.network",
    "/etc/systemd/networkd.conf.d/90-weft-netns.conf",
    "/etc/NetworkManager/conf.d/90-weft-netns.conf",
}


def test_role_persist_takes_away_all_that_it_brought(play: Any, machines: Any) -> None:
    play(Path(__file__).with_name("removal.yml"))
    for machine in machines.values():
        assert set(machine.sh("find / -xdev -name '*weft*'").split()) == OF_OTHER_ROLES
        assert machine.sh("systemctl show --value --property LoadState weft-netns").strip() == "not-found"
        assert machine.state() ^ machine.kept_state("before-reboot") == set()
