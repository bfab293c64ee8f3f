# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the variables of a play to the documents of its hosts: reads the intent of every host, compiles, keeps the lock file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.utils.display import Display

from ..module_utils._engine.errors import Fault
from . import _lock_file
from ._compile import compile_fleet
from ._containers import CONTAINERS
from ._faults import CompileError
from ._networks import NETWORKS
from ._plain import plain

display = Display()


def documents(task: Any, templar: Any, hosts: Iterable[str], variables: Mapping[str, Any]) -> dict[str, str]:
    """JSON of the host documents of these hosts, compiled from the intent of the whole inventory.

    :param task: Ansible's; in check mode the lock file stays as it is.
    :param variables: the task's.
    :raises CompileError: with every fault of every host.
    """
    lock_file = _lock_file_path(variables)
    leases = _lock_file.read(lock_file)
    compiled = compile_fleet(_intents(task, templar, [*variables["hostvars"], *hosts]), leases)
    if compiled.leases != leases and not task.check_mode:
        try:
            _lock_file.write(lock_file, compiled.leases)
        except OSError as error:
            raise CompileError([Fault(str(lock_file), f"cannot be written: {error.strerror}")]) from error
        display.display(f"weft.netns: {lock_file} has changed; keep it in version control")
    return {host: json.dumps(compiled.documents[host]) for host in hosts if host in compiled.documents}


def _intents(task: Any, templar: Any, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The intent of every host of the inventory, with or without --limit, and of a localhost that no inventory has."""
    manager, play = task.get_variable_manager(), task.get_play()
    faults: list[Fault] = []
    intents: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(names):
        host = manager._inventory.get_host(name)
        # hostvars itself does not have the variables of the play, the role and the task.
        known = manager.get_vars(play=play, host=host, task=task)
        own = templar.copy_with_new_env(available_variables=known)
        intents[str(name)] = intent = {}
        for key in (NETWORKS, CONTAINERS):
            try:
                intent[key] = plain(own.template(known[key])) if key in known else None
            except AnsibleError as error:
                faults.append(Fault(f"{name}: {key}", str(error)))
    if faults:
        raise CompileError(faults)
    return intents


def _lock_file_path(variables: Mapping[str, Any]) -> Path:
    """Next to the first inventory that is on disk; beside the playbook if there is none."""
    for source in variables.get("ansible_inventory_sources") or ():
        path = Path(str(source))
        if path.is_dir():
            return path / _lock_file.NAME
        if path.exists():
            return path.parent / _lock_file.NAME
    return Path(str(variables["playbook_dir"]), _lock_file.NAME)
