# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compile the inventory of a large fleet, as the controller does for each task: ``python compile.py HOSTS CONTAINERS_PER_HOST``.

Half of the networks' containers are routed, half are on bridges; all addresses and MACs are left to the compiler, and nothing is
remembered from before. Reading the variables is Ansible's part, and not in it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ansible_collections.weft.netns.plugins.plugin_utils._compile import compile_fleet

NETWORKS = {
    "blue": {"mode": "bridge", "subnets": ["10.0.0.0/10", "fd00:20::/64"]},
    "green": {"mode": "routed", "subnets": ["10.64.0.0/10", "fd00:30::/64"]},
}


def main() -> None:
    hosts, containers = map(int, sys.argv[1:])
    fleet = {f"host{number}": _intent(number, containers) for number in range(hosts)}
    for document in compile_fleet(fleet, {}).documents.values():
        json.dumps(document)


def _intent(host: int, containers: int) -> dict[str, Any]:
    """Each host has a copy of the networks, as Ansible has it."""
    interfaces = [{"eth0": {"network": name}} for name in NETWORKS]
    named = {f"c{host}-{number}": {"interfaces": interfaces[number % 2]} for number in range(containers)}
    return {"netns_networks": json.loads(json.dumps(NETWORKS)), "netns_containers": named}


if __name__ == "__main__":
    main()
