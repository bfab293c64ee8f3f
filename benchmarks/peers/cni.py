# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CNI bridge plugin, called as a container runtime calls it: a process for each container, and the loopback plugin for lo.

The runtime is a shell script. The addresses are told by CNI's static plugin, which the bridge plugin calls.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from ..network import Container, Network, changed
from .base import PHASES, Job, Peer

PLUGINS = "/usr/lib/cni"
RUNTIME = """set -e
plugin() { # command, container, interface, plugin
    CNI_COMMAND=$1 CNI_CONTAINERID=$2 CNI_NETNS=/run/netns/$2 CNI_IFNAME=$3 CNI_PATH=$PLUGINS $PLUGINS/$4
}
mkdir -p result
"""
CREATE = """. ./runtime.sh
ip -batch add
for name in $(cat names); do
    plugin ADD $name lo loopback < loopback
    plugin ADD $name eth0 bridge < network/$name > result/$name
done
"""
# The plugin is told what it did: that is what it compares with.
AGAIN = """. ./runtime.sh
for name in $(cat names); do
    read -r network < network/$name
    printf '%s, "prevResult": %s}' "${network%?}" "$(cat result/$name)" | plugin CHECK $name eth0 bridge
done
"""
CHANGE = """. ./runtime.sh
plugin DEL {name} eth0 bridge < network/{name}
plugin ADD {name} eth0 bridge < changed > result/{name}
"""
REMOVE = """. ./runtime.sh
for name in $(cat names); do
    plugin DEL $name eth0 bridge < network/$name
done
ip -batch delete
"""


class Cni(Peer):
    key = "cni"
    name = "CNI bridge"
    most = 1000

    def missing(self) -> str | None:
        needed = [f"{PLUGINS}/{plugin}" for plugin in ("bridge", "loopback", "static")]
        return next((f"no {path}" for path in needed if not os.access(path, os.X_OK)), None)

    def job(self, network: Network) -> Job:
        names = [container.name for container in network.containers]
        new = changed(network)[2]
        files = {
            "runtime.sh": RUNTIME,
            "create.sh": CREATE,
            "again.sh": AGAIN,
            "change.sh": CHANGE.format(name=new.name),
            "remove.sh": REMOVE,
            "names": _lines(names),
            "add": _lines(f"netns add {name}" for name in names),
            "delete": _lines([*(f"netns delete {name}" for name in names), *(f"link delete {each.name}" for each in network.bridges)]),
            "loopback": json.dumps({"cniVersion": "0.4.0", "name": "weft", "type": "loopback"}),
            "changed": _configuration(new),
        }
        files.update({f"network/{container.name}": _configuration(container) for container in network.containers})
        create, again, change, remove = (["sh", f"{phase}.sh"] for phase in PHASES)
        return Job(files, create, again, change, remove, {"PLUGINS": PLUGINS})


def _configuration(container: Container) -> str:
    """One line of JSON."""
    addresses = [{"address": address, "gateway": gateway} for address, gateway in zip(container.addresses, container.gateways)]
    configuration = {
        "cniVersion": "0.4.0",
        "name": "weft",
        "type": "bridge",
        "bridge": container.bridge,
        "isGateway": True,
        "mtu": 1500,
        "runtimeConfig": {"mac": container.mac},
        "ipam": {"type": "static", "addresses": addresses, "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]},
    }
    return json.dumps(configuration) + "\n"


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
