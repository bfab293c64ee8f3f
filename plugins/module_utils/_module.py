# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between Ansible and the engine: arguments in, result or error out. The only user of AnsibleModule. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.weft.netns.plugins.module_utils import _yaml
from ansible_collections.weft.netns.plugins.module_utils._engine import keep
from ansible_collections.weft.netns.plugins.module_utils._engine.engine import Outcome, converge, show
from ansible_collections.weft.netns.plugins.module_utils._engine.errors import NetnsError

Params = Mapping[str, Any]
Document = Mapping[str, Any]

# A single module's object belongs to no document: nothing else is purged with it.
SINGLE: Mapping[str, Any] = {"name": "", "purge": False}


def write(
    argument_spec: Mapping[str, Any],
    document: Callable[[Params], Document | None],
    settings: Callable[[Params], Mapping[str, Any]] | None = None,
    **constraints: Any,
) -> None:
    """Run a module that writes: make the host as the document of its options says.

    ``settings``: further arguments of ``engine.converge``; without it, those of a single module.
    ``constraints``: arguments of AnsibleModule, such as ``required_if``.
    """

    def work(params: Params, check: bool) -> Outcome:
        further = {"kept_in": keep.folder(), **settings(params)} if settings else SINGLE
        return converge(document(params), state=params["state"], check=check, **further)

    change(argument_spec, work, **constraints)


def change(argument_spec: Mapping[str, Any], work: Callable[[Params, bool], Outcome], **constraints: Any) -> None:
    """Run a module that changes something: ``work`` does it, or in check mode tells what it would do."""
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **constraints)
    try:
        outcome = work(module.params, module.check_mode)
    except NetnsError as error:
        module.fail_json(**_failure(error))
    for warning in (*outcome.warnings, *outcome.obstacles):
        module.warn(warning)
    diff = {"diff": {"before": _yaml.dump(outcome.before), "after": _yaml.dump(outcome.after)}} if module._diff else {}
    module.exit_json(changed=outcome.changed, steps=outcome.steps, timing=outcome.timing, **diff)


def read(argument_spec: Mapping[str, Any]) -> None:
    """Run a module that only reads: the host document of what is there."""
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True)
    gather = module.params["gather"]
    try:
        found = show(module.params["namespaces"], None if gather is None else set(gather))
    except NetnsError as error:
        module.fail_json(**_failure(error))
    module.exit_json(changed=False, **found)


def _failure(error: NetnsError) -> dict[str, Any]:
    return {"msg": str(error), "faults": [{"path": fault.path, "message": fault.message} for fault in error.faults]}
