# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin up to its one module call; that call is replaced by one that hands back what it got."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader

from ansible_collections.weft.netns.plugins.action.topology import ActionModule

NETWORKS = {"blue": {"mode": "bridge", "subnets": ["10.20.0.0/24"]}}


class Action(ActionModule):
    """With as much of Ansible as a call needs."""

    def __init__(self, arguments: dict[str, Any], files: Path) -> None:
        self._task = SimpleNamespace(args=arguments, async_val=0, check_mode=False, diff=False)
        self._connection = SimpleNamespace(has_native_async=False, _shell=SimpleNamespace(tmpdir=None))
        self._loader = DataLoader()
        self._files = files
        self.calls: list[dict[str, Any]] = []

    def _find_needle(self, dirname: str, needle: str) -> str:
        return str(self._files / needle)

    def _remove_tmp_path(self, _path: str) -> None:
        pass

    def _execute_module(self, module_name: str, module_args: dict[str, Any], **_more: Any) -> dict[str, Any]:
        assert module_name == "weft.netns.topology"
        self.calls.append(module_args)
        return {"changed": False}


@pytest.fixture(autouse=True)
def _base_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_arguments: {})


def called(arguments: dict[str, Any], files: Path) -> dict[str, Any]:
    action = Action(arguments, files)
    action.run(None, {"inventory_hostname": "node1", "hostvars": {}})
    (call,) = action.calls
    return call


def test_a_document_travels_as_one_text(tmp_path: Path) -> None:
    call = called({"document": {"host": {"links": {"lo": {}}}}, "name": "mine", "purge": False}, tmp_path)
    assert call == {"document": '{"host": {"links": {"lo": {}}}}', "name": "mine", "purge": False}


def test_a_text_is_left_alone(tmp_path: Path) -> None:
    assert called({"document": "{ }"}, tmp_path) == {"document": "{ }"}


def test_src_is_read_on_the_controller(tmp_path: Path) -> None:
    (tmp_path / "host.yml").write_text("namespaces:\n  web1: {}\n", encoding="utf-8")
    assert called({"src": "host.yml", "lock_timeout": 3}, tmp_path) == {"document": '{"namespaces": {"web1": {}}}', "lock_timeout": 3}


def test_src_must_be_a_mapping(tmp_path: Path) -> None:
    (tmp_path / "host.yml").write_text("- web1\n", encoding="utf-8")
    with pytest.raises(AnsibleActionFail, match=r"host\.yml: a host document is a mapping"):
        called({"src": "host.yml"}, tmp_path)


def test_absent_needs_no_document(tmp_path: Path) -> None:
    assert called({"state": "absent", "name": "mine"}, tmp_path) == {"state": "absent", "name": "mine"}


def test_document_or_src(tmp_path: Path) -> None:
    with pytest.raises(AnsibleActionFail, match="mutually exclusive"):
        called({"document": {}, "src": "x"}, tmp_path)


# -- through ansible-playbook, as far as it goes without the kernel


def play(directory: Path, containers: dict[str, Any], *arguments: str) -> dict[str, Any]:
    """Run one task, on three hosts of an inventory, and return its results by host."""
    hosts = {host: {"netns_containers": content} for host, content in containers.items()}
    inventory = {"all": {"hosts": hosts, "vars": {"ansible_connection": "local", "netns_networks": NETWORKS}}}
    (directory / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    task = {"name": "The network", "weft.netns.topology": {}}
    (directory / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [task]}]), encoding="utf-8")
    environment = {**os.environ, "ANSIBLE_LOCAL_TEMP": str(directory / "tmp")}
    environment |= {"ANSIBLE_STDOUT_CALLBACK": "default", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_NOCOLOR": "1"}
    files = [str(directory / "hosts.yml"), str(directory / "play.yml")]
    command = [sys.executable, "-m", "ansible", "playbook", "-i", *files, *arguments]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout
    results = {}
    for line in output.splitlines():
        if line.startswith("fatal: ["):
            host, _failed, result = line.removeprefix("fatal: [").partition("]: FAILED! => ")
            results[host] = json.loads(result)
    return results


def web(address: str) -> dict[str, Any]:
    return {"interfaces": {"eth0": {"network": "blue", "addresses": [address]}}}


FAULTY = {"node1": {"web1": web("10.20.0.11")}, "node2": {"web2": web("10.20.0.11")}, "node3": {"web3": web("10.20.9.11")}}


@pytest.mark.parametrize("arguments", [(), ("--limit", "node1")], ids=["all", "limit"])
def test_faults_are_told_on_every_host_before_anything_is_touched(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    results = play(tmp_path, FAULTY, *arguments)
    assert sorted(results) == (["node1"] if arguments else ["node1", "node2", "node3"])
    for result in results.values():
        assert result["changed"] is False
        assert [fault["path"] for fault in result["faults"]] == [
            "node2: netns_containers.web2.interfaces.eth0.addresses[0]",
            "node3: netns_containers.web3.interfaces.eth0.addresses[0]",
        ]
        assert "10.20.9.11 is not in 10.20.0.0/24 of network blue" in result["msg"]
    assert not (tmp_path / "netns.lock.yml").exists()


def test_a_broken_lock_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "netns.lock.yml").write_text("all: [\n", encoding="utf-8")
    results = play(tmp_path, {"node1": {}})
    assert results["node1"]["msg"].startswith(f"{tmp_path}/netns.lock.yml: is not YAML")


def test_what_a_template_lacks_is_a_fault(tmp_path: Path) -> None:
    results = play(tmp_path, {"node1": {}, "node2": {"web1": web("{{ nobody_knows }}")}})
    assert results["node1"]["faults"][0]["path"] == "node2: netns_containers"
    assert "nobody_knows" in results["node1"]["msg"]
