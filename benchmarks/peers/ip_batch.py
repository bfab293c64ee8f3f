# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""iproute2: one ``ip -batch`` for the host, and one for each namespace.

As people write it, the bridge is up before it has ports. ``bridge_last`` is the better order, for who knows (README.md).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator

from ..network import Container, Network, changed
from .base import Job, Peer

# A batch stays in the namespace where it began: hence one process for each.
INSIDE = "for name in $(cat names); do ip -n $name -batch {folder}/$name; done"
CREATE = f"""set -e
ip -batch host
{INSIDE.format(folder="create")}
ip -batch last
"""
# What is there already is an error on the host, and no reason to stop.
AGAIN = f"""ip -force -batch host 2>/dev/null
set -e
{INSIDE.format(folder="again")}
"""


class IpBatch(Peer):
    def __init__(self, bridge_last: bool = False) -> None:
        self.bridge_last = bridge_last
        self.key = "ip-last" if bridge_last else "ip"
        self.name = "ip -batch, bridge up last" if bridge_last else "ip -batch"

    def missing(self) -> str | None:
        return None if shutil.which("ip") else "iproute2"

    def job(self, network: Network) -> Job:
        _network, old, new = changed(network)
        files = {
            "create.sh": CREATE,
            "again.sh": AGAIN,
            "names": _lines(container.name for container in network.containers),
            "host": _lines([*_bridges(network), *([] if self.bridge_last else _up(network)), *_ports(network)]),
            "last": _lines(_up(network) if self.bridge_last else []),
            "change": _lines(_change(old, new)),
            "remove": _lines(_remove(network)),
        }
        for container in network.containers:
            files[f"create/{container.name}"] = _lines(_inside(container, "add"))
            files[f"again/{container.name}"] = _lines(_inside(container, "replace"))
        return Job(
            files=files,
            create=["sh", "create.sh"],
            again=["sh", "again.sh"],
            change=["ip", "-n", new.name, "-batch", "change"],
            remove=["ip", "-batch", "remove"],
        )


def _bridges(network: Network) -> Iterator[str]:
    for bridge in network.bridges:
        yield f"link add {bridge.name} address {bridge.mac} mtu 1500 type bridge"
        yield from (f"address add {address} dev {bridge.name} nodad" for address in bridge.addresses)


def _up(network: Network) -> Iterator[str]:
    return (f"link set {bridge.name} up" for bridge in network.bridges)


def _ports(network: Network) -> Iterator[str]:
    for each in network.containers:
        yield f"netns add {each.name}"
        yield f"link add {each.host_end} up master {each.bridge} type veth peer name eth0 netns {each.name} address {each.mac}"


def _inside(container: Container, verb: str) -> Iterator[str]:
    yield "link set lo up"
    yield "link set eth0 up"
    for address, gateway in zip(container.addresses, container.gateways):
        yield f"address {verb} {address} dev eth0 nodad"
        yield f"route {verb} default via {gateway}"


def _change(old: Container, new: Container) -> Iterator[str]:
    """The route goes with the address that it leads over."""
    yield f"address delete {old.addresses[0]} dev eth0"
    yield f"address add {new.addresses[0]} dev eth0"
    yield f"route add default via {new.gateways[0]}"


def _remove(network: Network) -> Iterator[str]:
    yield from (f"netns delete {container.name}" for container in network.containers)
    yield from (f"link delete {bridge.name}" for bridge in network.bridges)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
