# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin of ``topology``: finds the host's document on the controller, then makes one module call with it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.weft.netns.plugins.plugin_utils._faults import CompileError
from ansible_collections.weft.netns.plugins.plugin_utils._once import Once
from ansible_collections.weft.netns.plugins.plugin_utils._plain import plain


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = True
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        arguments = dict(self._task.args)
        if arguments.get("document") is not None and arguments.get("src") is not None:
            raise AnsibleActionFail("document and src are mutually exclusive")
        try:
            document = self._document(arguments, variables)
        except CompileError as error:
            faults = [{"path": fault.path, "message": fault.message} for fault in error.faults]
            return {**result, "failed": True, "changed": False, "msg": str(error), "faults": faults}
        arguments.pop("src", None)
        if document is not None:
            arguments["document"] = document
        wrap_async = self._task.async_val and not self._connection.has_native_async
        result.update(
            self._execute_module(module_name="weft.netns.topology", module_args=arguments, task_vars=variables, wrap_async=wrap_async)
        )
        if not wrap_async:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _document(self, arguments: Mapping[str, Any], variables: Mapping[str, Any]) -> str | None:
        """The document as JSON text; None if none is needed. One text, because Ansible is slow with large dictionaries."""
        if arguments.get("src") is not None:
            return self._from_file(arguments["src"])
        document = arguments.get("document")
        if isinstance(document, str):
            return str(document)
        if document is not None:
            return json.dumps(plain(document))
        if arguments.get("state", "present") == "present":
            return self._compiled(variables)
        return None

    def _from_file(self, src: str) -> str:
        """JSON goes on as it is: Ansible's own reading of a large file takes longer than all the rest. YAML and vaults are its business."""
        path = self._find_needle("files", src)
        text = Path(path).read_text(encoding="utf-8", errors="replace")
        with contextlib.suppress(ValueError):
            if isinstance(json.loads(text), dict):
                return text
        document = plain(self._loader.load_from_file(path, cache="none"))
        if not isinstance(document, dict):
            raise AnsibleActionFail(f"{path}: a host document is a mapping")
        return json.dumps(document)

    def _compiled(self, variables: Mapping[str, Any]) -> str:
        """This host's part of what is compiled once for all hosts of the task."""
        if "ansible_loop_var" in variables:
            raise AnsibleActionFail("without document or src, topology compiles for all hosts at once: it cannot be in a loop")
        host = str(variables["inventory_hostname"])
        # The controller's temporary directory is this run's alone, and goes at its end.
        once = Once(Path(C.DEFAULT_LOCAL_TMP, f"weft.netns-{self._task._uuid}-{'check' if self._task.check_mode else 'run'}"))
        # Hosts of a later batch (`serial`) compile anew, with what is known by then.
        hosts = {host, *map(str, variables.get("ansible_play_batch", ()))}
        return once.take(host, lambda: self._compile(hosts, variables))

    def _compile(self, hosts: Iterable[str], variables: Mapping[str, Any]) -> dict[str, str]:
        # Ansible compiles a collection's files anew in each process that imports them: most never need these.
        from ansible_collections.weft.netns.plugins.plugin_utils._play import documents

        return documents(self._task, self._templar, hosts, variables)
