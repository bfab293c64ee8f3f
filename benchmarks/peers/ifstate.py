# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ifstate: a declaration of the host and its namespaces, like ours; Python over pyroute2, like ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..network import Container, Network, changed
from .base import Job, Peer

PROGRAM = Path(__file__).parents[2] / ".venv" / "ifstate" / "bin" / "ifstatecli"
NO_DUPLICATE_DETECTION = {"ipv6": {"accept_dad": 0}}


class Ifstate(Peer):
    key = "ifstate"
    name = "ifstate"
    most = 100
    writes = ("/run/libifstate",)

    def missing(self) -> str | None:
        return None if PROGRAM.exists() else "scripts/setup.py bench installs it"

    def job(self, network: Network) -> Job:
        files = {
            "network.json": json.dumps(_configuration(network)),
            "changed.json": json.dumps(_configuration(changed(network)[0])),
            "nothing.json": json.dumps({"interfaces": {}, "namespaces": {}}),
        }
        return Job(files, _apply("network.json"), _apply("network.json"), _apply("changed.json"), _apply("nothing.json"))


def _apply(file: str) -> list[str]:
    return [str(PROGRAM), "-q", "-c", file, "apply"]


def _configuration(network: Network) -> dict[str, Any]:
    """JSON is YAML. Loopbacks come up without being asked for."""
    interfaces: dict[str, Any] = {}
    for bridge in network.bridges:
        link = {"kind": "bridge", "state": "up", "address": bridge.mac, "mtu": 1500}
        interfaces[bridge.name] = {"link": link, "addresses": list(bridge.addresses), "sysctl": NO_DUPLICATE_DETECTION}
    for each in network.containers:
        interfaces[each.host_end] = {"link": _end("eth0", each.name, master=each.bridge)}
    return {"interfaces": interfaces, "namespaces": {each.name: _namespace(each) for each in network.containers}}


def _namespace(container: Container) -> dict[str, Any]:
    eth0 = {
        "link": _end(container.host_end, None, address=container.mac),
        "addresses": list(container.addresses),
        "sysctl": NO_DUPLICATE_DETECTION,
    }
    routes = [{"to": to, "via": via} for to, via in zip(("0.0.0.0/0", "::/0"), container.gateways)]
    return {"interfaces": {"eth0": eth0}, "routing": {"routes": routes}}


def _end(peer: str, namespace: str | None, **more: str) -> dict[str, Any]:
    return {"kind": "veth", "state": "up", "peer": peer, "peer_netns": namespace, **more}
