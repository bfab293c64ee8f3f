# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter ``compile``: the compiler of ``topology``, for looking at what it makes and for using it elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.weft.netns.plugins.plugin_utils import _lock_file
from ansible_collections.weft.netns.plugins.plugin_utils._compile import compile_fleet
from ansible_collections.weft.netns.plugins.plugin_utils._containers import CONTAINERS
from ansible_collections.weft.netns.plugins.plugin_utils._faults import CompileError
from ansible_collections.weft.netns.plugins.plugin_utils._networks import NETWORKS
from ansible_collections.weft.netns.plugins.plugin_utils._plain import plain


def compile_(intents: Any, leases: Any = None) -> dict[str, Any]:
    """Host documents by host. Pure: leases are used, not written."""
    if not isinstance(intents, Mapping):
        raise AnsibleFilterError("compile needs a dictionary of hosts, such as hostvars")
    try:
        known = _lock_file.parse("leases", plain(leases or {}))
        return dict(compile_fleet({str(host): _intent(intents[host]) for host in intents}, known).documents)
    except CompileError as error:
        raise AnsibleFilterError(str(error)) from error


def _intent(variables: Any) -> dict[str, Any]:
    if not isinstance(variables, Mapping):
        raise AnsibleFilterError("compile needs a dictionary of variables for each host")
    return {key: plain(variables[key]) for key in (NETWORKS, CONTAINERS) if key in variables}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"compile": compile_}
