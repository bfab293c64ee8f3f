# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This collection as its users run it: a play with one task, whatever the number of containers."""

from __future__ import annotations

import json

from ..network import Network, changed
from .base import Job
from .engine import document
from .playbook import ENVIRONMENT, Playbook, Task, play


class Topology(Playbook):
    key = "task"
    name = "weft.netns, a play with one task"

    def job(self, network: Network) -> Job:
        documents = {"network.json": network, "changed.json": changed(network)[0]}
        files = self.files(
            create=[_topology(src="network.json")], change=[_topology(src="changed.json")], remove=[_topology(state="absent")]
        )
        files.update({name: json.dumps(document(each)) for name, each in documents.items()})
        return Job(files, play("create"), play("create"), play("change"), play("remove"), ENVIRONMENT)


def _topology(**options: str) -> Task:
    return {"weft.netns.topology": options}
