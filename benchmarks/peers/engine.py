# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This collection's engine, as a process: Python's start and the import of pyroute2 included."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path
from typing import Any

from ..network import Bridge, Container, Network, changed
from .base import Job, Peer

MODULE_UTILS = Path(__file__).parents[2] / "plugins" / "module_utils"


class Engine(Peer):
    key = "engine"
    name = "weft.netns"
    patience = math.inf  # the goals need every round

    def __init__(self, python: str) -> None:
        self.python = python

    def missing(self) -> str | None:
        found = subprocess.run([self.python, "-c", "import pyroute2"], capture_output=True, check=False)
        return None if found.returncode == 0 else f"pyroute2 for {self.python}"

    def job(self, network: Network) -> Job:
        engine = [self.python, "-m", "_engine.cli"]
        return Job(
            files={"network.json": json.dumps(document(network)), "changed.json": json.dumps(document(changed(network)[0]))},
            create=[*engine, "apply", "network.json"],
            again=[*engine, "apply", "network.json"],
            change=[*engine, "apply", "changed.json"],
            remove=[*engine, "down"],
            environment={"PYTHONPATH": str(MODULE_UTILS)},
        )


def document(network: Network) -> dict[str, Any]:
    """The host document of the network."""
    bridges = {bridge.name: _bridge(bridge) for bridge in network.bridges}
    ports = {container.host_end: _port(container) for container in network.containers}
    return {"host": {"links": {**bridges, **ports}}, "namespaces": {each.name: _namespace(each) for each in network.containers}}


def _bridge(bridge: Bridge) -> dict[str, Any]:
    return {"kind": "bridge", "mac": bridge.mac, "mtu": 1500, "addresses": list(bridge.addresses)}


def _port(container: Container) -> dict[str, Any]:
    return {"kind": "veth", "veth": {"peer": "eth0", "namespace": container.name}, "master": container.bridge}


def _namespace(container: Container) -> dict[str, Any]:
    eth0 = {"kind": "veth", "veth": {"peer": container.host_end}, "mac": container.mac, "addresses": list(container.addresses)}
    return {"links": {"eth0": eth0}, "routes": [{"destination": "default", "gateway": gateway} for gateway in container.gateways]}
