# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A play with a task for each sort of object, in a loop over the containers: what people write without a collection for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict

from ..network import Network, changed
from .base import Job
from .playbook import ENVIRONMENT, Playbook, Task, play


class Commands(Playbook):
    key = "play"
    name = "a play with a task per object"
    most = 10

    def job(self, network: Network) -> Job:
        after, old, _new = changed(network)
        gone = _ip([asdict(old)], f"-n {{{{ item.name }}}} address delete {old.addresses[0]} dev eth0")
        files = self.files(create=_create(network), change=[gone, *_create(after)], remove=_remove(network))
        return Job(files, play("create"), play("create"), play("change"), play("remove"), ENVIRONMENT)


def _create(network: Network) -> list[Task]:
    bridges = [asdict(bridge) for bridge in network.bridges]
    ways = [{"bridge": bridge.name, "address": address} for bridge in network.bridges for address in bridge.addresses]
    containers = [asdict(container) for container in network.containers]
    inside = "-n {{ item.name }} "
    add = "link add {{ item.name }} address {{ item.mac }} mtu 1500 type bridge"
    pair = "link add {{ item.host_end }} up master {{ item.bridge }} type veth peer name eth0 netns {{ item.name }} address {{ item.mac }}"
    return [
        _ip(bridges, add, creates="/sys/class/net/{{ item.name }}"),
        _ip(ways, "address replace {{ item.address }} dev {{ item.bridge }} nodad"),
        _ip(bridges, "link set {{ item.name }} up"),
        _ip(containers, "netns add {{ item.name }}", creates="/run/netns/{{ item.name }}"),
        _ip(containers, pair, creates="/sys/class/net/{{ item.host_end }}"),
        _ip(containers, inside + "link set lo up"),
        _ip(containers, inside + "link set eth0 up"),
        *(_ip(containers, f"{inside}address replace {{{{ item.addresses[{family}] }}}} dev eth0 nodad") for family in (0, 1)),
        *(_ip(containers, f"{inside}route replace default via {{{{ item.gateways[{family}] }}}}") for family in (0, 1)),
    ]


def _remove(network: Network) -> list[Task]:
    containers = [asdict(container) for container in network.containers]
    bridges = [asdict(bridge) for bridge in network.bridges]
    return [
        _ip(containers, "netns delete {{ item.name }}", removes="/run/netns/{{ item.name }}"),
        _ip(bridges, "link delete {{ item.name }}", removes="/sys/class/net/{{ item.name }}"),
    ]


def _ip(items: Iterable[Mapping[str, object]], command: str, **only: str) -> Task:
    return {"ansible.builtin.command": {"cmd": f"ip {command}", **only}, "loop": list(items)}
