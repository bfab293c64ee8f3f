# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of scenario default, from within: ``blue`` on a bridge of each machine, ``green`` routed over the underlay."""

from __future__ import annotations

from typing import Any

import pytest

MACHINES = ("node1", "node2", "node3")
NAMES = ("web1", "db1", "mail1", "web2", "db2", "mail2", "mail3", "web3")


@pytest.mark.parametrize("name", NAMES)
def test_a_container_has_the_addresses_of_the_inventory(containers: Any, name: str) -> None:
    links = containers[name].ip("address show scope global")
    found = [address["local"] for link in links for address in link["addr_info"] if address]
    assert sorted(found) == sorted(containers[name].addresses())


@pytest.mark.parametrize("name", NAMES)
def test_it_reaches_the_gateway_its_neighbours_and_every_routed_container(containers: Any, name: str) -> None:
    container = containers[name]
    near = [other for other in containers.values() if other.machine == container.machine]
    blue = [address for other in near for address in other.addresses("blue")]
    green = [address for other in containers.values() for address in other.addresses("green")]
    assert container.unanswered(["10.20.0.1", "fd00:20::1", *blue, *green]) == []


@pytest.mark.parametrize(("sender", "receiver"), [("mail1", "mail2"), ("mail2", "mail3"), ("mail3", "mail1"), ("db1", "web1")])
@pytest.mark.parametrize("family", [4, 6])
def test_tcp(containers: Any, sender: str, receiver: str, family: int) -> None:
    address = next(each for each in containers[sender].addresses() if (":" in each) == (family == 6))
    containers[sender].sends(f"from {sender}", address)
    assert containers[receiver].receives(address) == f"from {sender}"
