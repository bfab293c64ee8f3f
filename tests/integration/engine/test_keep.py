# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents that are kept for the next boot, and what a boot makes of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hosts import Host, disposable, fresh_host

from _engine import keep
from _engine.engine import converge
from _engine.errors import NetnsError
from _engine.kernel import Kernel
from _engine.store import Store

Document = dict[str, Any]

ENGINE = Path(keep.__file__).parent.parent
WEB1: Document = {
    "host": {
        "links": {
            "br-blue": {"kind": "bridge", "mac": "02:00:00:00:00:01", "addresses": ["10.20.0.1/24"]},
            "vweb1": {"kind": "veth", "veth": {"peer": "eth0", "namespace": "web1"}, "master": "br-blue"},
        },
        "sysctls": {"net.ipv4.ip_forward": 1},
        "filter": {"guards": {"vweb1": {"mac": "02:00:0a:14:00:0b", "addresses": ["10.20.0.11"]}}},
    },
    "namespaces": {
        "web1": {
            "links": {"eth0": {"kind": "veth", "veth": {"peer": "vweb1"}, "mac": "02:00:0a:14:00:0b", "addresses": ["10.20.0.11/24"]}},
            "routes": [{"destination": "default", "gateway": "10.20.0.1"}],
            "dns": {"nameservers": ["10.20.0.1"]},
        }
    },
}
ROUTED: Document = {  # proxies for a container on the uplinks, wherever those are
    "host": {
        "links": {"uplink4": {"route_to": "0.0.0.0"}, "uplink6": {"route_to": "::"}},
        "neighbours": [
            {"address": "10.30.0.11", "link": "uplink4", "proxy": True},
            {"address": "fd00:30::11", "link": "uplink6", "proxy": True},
        ],
    }
}
KEEP = "keep document default for the next boot"
NO_IPV6 = "host: what needs the link uplink6 is left out: no route leads to ::"
UPLINK = "ip link add up0 type veth peer name up1 && ip address add 192.0.2.10/24 dev up0 && ip link set up0 up && ip link set up1 up"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path)


def kept(folder: str) -> Mapping[str, Any]:
    return {name: keep.load(folder, name).document for name in keep.names(folder)}


# -- in a run


def test_a_document_is_kept_as_long_as_it_holds(host: Host, folder: str) -> None:
    before = host.digest()
    assert host.apply(WEB1, kept_in=folder).steps[-1] == KEEP
    assert kept(folder) == {"default": WEB1}
    fewer = {**WEB1, "namespaces": {"web1": {**WEB1["namespaces"]["web1"], "routes": []}}}
    assert host.apply(fewer, kept_in=folder).steps == ["delete route web1 default via 10.20.0.1 dev eth0", KEEP]
    assert kept(folder) == {"default": fewer}
    assert host.apply(None, state="absent", kept_in=folder).steps[-1] == "stop keeping document default for the next boot"
    assert kept(folder) == {}
    assert host.since(before) == []


def test_check_mode_keeps_nothing(host: Host, folder: str) -> None:
    told = converge(WEB1, check=True, kept_in=folder)
    assert told.steps[-1] == KEEP
    assert told.after["documents"] == {"default": {"document": WEB1, "left_out": []}}
    assert kept(folder) == {}


def test_what_is_there_already_is_kept_too(host: Host, folder: str) -> None:
    """As when a host gets the role after its network."""
    host.apply(WEB1)
    outcome = host.apply(WEB1, kept_in=folder)
    assert (outcome.steps, outcome.changed) == ([KEEP], True)
    assert outcome.before == {}
    host.apply(None, state="absent")
    gone = host.apply(None, state="absent", kept_in=folder)
    assert (gone.steps, gone.after) == (["stop keeping document default for the next boot"], {})


def test_documents_of_other_names_stay(host: Host, folder: str) -> None:
    host.apply(WEB1, kept_in=folder)
    host.apply({"namespaces": {"db1": {}}}, name="other", kept_in=folder)
    host.apply(None, state="absent", kept_in=folder)
    assert kept(folder) == {"other": {"namespaces": {"db1": {}}}}


@pytest.mark.parametrize("run", [{"document": {"namespaces": {"web2": {}}}}, {"document": None, "state": "absent"}])
def test_what_cannot_be_saved_is_undone(host: Host, folder: str, run: Document) -> None:
    host.apply(WEB1, kept_in=folder)
    before = host.digest()
    host.run("mount", "--bind", "-o", "ro", folder, folder)
    host.run("mount", "-o", "remount,bind,ro", folder)
    with pytest.raises(NetnsError) as caught:
        converge(**run, kept_in=folder)
    host.run("umount", folder)
    assert str(caught.value).endswith(f"document default for the next boot: {folder}/default.json: Read-only file system")
    assert kept(folder) == {"default": WEB1}
    assert host.since(before) == []
    assert host.apply(WEB1, kept_in=folder).steps == []


def test_a_step_that_is_refused_keeps_what_was_kept(host: Host, folder: str) -> None:
    host.apply(WEB1, kept_in=folder)
    refused = {"host": {"links": {"d0": {"kind": "ifb"}}, "routes": [{"destination": "10.9.0.0/24", "gateway": "10.8.0.1"}]}}
    with pytest.raises(NetnsError, match="Network is unreachable"):
        converge(refused, kept_in=folder)
    assert kept(folder) == {"default": WEB1}


def test_without_purge_it_is_not_kept_and_says_so(host: Host, folder: str) -> None:
    host.apply(WEB1, kept_in=folder)
    outcome = host.apply({"namespaces": {"web2": {}}}, purge=False, kept_in=folder)
    assert outcome.warnings == ["document default is not kept for the next boot: without purge it is not all that this name has"]
    assert kept(folder) == {"default": WEB1}


def test_a_name_that_is_no_file(host: Host) -> None:
    with pytest.raises(NetnsError, match=r"^name: '../x' is no name"):
        converge(WEB1, name="../x")


# -- at boot


@pytest.fixture
def etc() -> Iterator[None]:
    """A host that keeps documents. It comes before the fixture ``host``, which has a folder below /etc."""
    with disposable("/etc"):
        os.makedirs(keep.FOLDER)
        yield


def start(*arguments: str) -> subprocess.Popen[str]:
    """The command line, as the child of a first process that is in the namespace of the test: this is the host then."""
    subprocess.run(["mount", "--make-shared", "/run/netns"], check=True)  # what is named in there is named out here
    script = 'mount -t proc proc /proc; PYTHONPATH=$0 exec "$@"'
    unshared = ["unshare", "--pid", "--fork", "--mount", "--propagation", "unchanged", "bash", "-euc", script, str(ENGINE)]
    command = [*unshared, sys.executable, "-m", "_engine.cli", *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(*arguments: str, stdin: Document | None = None) -> tuple[int, list[str], str]:
    """Exit code, steps, and what is said besides, without the timing."""
    process = start(*arguments)
    output, errors = process.communicate(json.dumps(stdin))
    return process.returncode, output.splitlines(), re.sub(r"^\d+ steps; .*\n", "", errors, flags=re.MULTILINE)


def test_a_boot(etc: None) -> None:
    """The kernel and /run are empty then, and /etc is as it was."""
    with fresh_host() as host:
        code, steps, _errors = run("apply", "-", stdin=WEB1)
        assert (code, steps[-1]) == (0, KEEP)
        assert host.pings("10.20.0.11")
        host.run("cp", "-r", "/etc/netns", "/etc/saved")
    with fresh_host() as host:
        host.run("cp", "-r", "/etc/saved/web1", "/etc/netns/")
        before = host.digest()
        _code, planned, _errors = run("plan")
        assert host.since(before) == []
        assert run("apply") == (0, planned, "")
        assert len(planned) > 10
        assert host.pings("10.20.0.11")
        assert run("apply") == (0, [], "")
        assert converge(WEB1, check=True).steps == []
        converge(None, state="absent")
        assert [line.split()[:3] for line in host.since(before)] == [["-", "file", "/etc/netns/web1/resolv.conf"]]


def test_each_document_has_its_name_and_its_faults(etc: None, host: Host) -> None:
    documents = {"blue": WEB1, "default": {"namespaces": {"db1": {}}}, "green": {"host": {"links": {"nic7": {"mtu": 1400}}}}}
    for name, document in documents.items():
        converge(document if name != "green" else {}, name=name, kept_in=keep.FOLDER)
        converge(None, name=name, state="absent")
    Path(keep.FOLDER, "green.json").write_text(json.dumps({"document": documents["green"], "left_out": []}), encoding="utf-8")
    Path(keep.FOLDER, "odd.json").write_text("{", encoding="utf-8")
    code, steps, errors = run("apply")
    assert code == 1
    assert {"create namespace web1", "create namespace db1"} <= set(steps)
    assert [line.partition(":")[0] for line in errors.splitlines()] == ["green", "odd"]
    assert "nic7" in errors
    assert f"{keep.FOLDER}/odd.json is damaged" in errors
    assert run("apply", "--name", "blue") == (0, [], "")
    assert run("down", "--name", "blue")[1][-1] == "stop keeping document blue for the next boot"
    assert keep.names(keep.FOLDER) == ["default", "green", "odd"]
    assert host.namespaces() == ["db1"]


def test_what_was_there_before_the_boot_is_waited_for(etc: None) -> None:
    """The network comes up late. What had been left out already is not waited for, nor is it a fault."""
    with fresh_host() as host:
        host.sh(f"{UPLINK}; ip route add default via 192.0.2.1")
        assert converge(ROUTED, kept_in=keep.FOLDER).warnings == [NO_IPV6]
    with fresh_host() as host:
        code, steps, errors = run("apply")
        no_ipv4 = NO_IPV6.replace("uplink6", "uplink4").replace("to ::", "to 0.0.0.0")
        assert (code, steps) == (1, [])
        assert errors == f"default: {no_ipv4}\n"
        boot = start("apply", "--wait", "60")
        with pytest.raises(subprocess.TimeoutExpired):
            boot.wait(2)
        host.sh(f"{UPLINK}; ip route add default via 192.0.2.1")
        output, errors = boot.communicate()
        assert (boot.returncode, output) == (0, "create neighbour host/up0 10.30.0.11 proxy\n")
        assert f"warning: {NO_IPV6}\n" in errors
        assert keep.load(keep.FOLDER, "default").left_out == [NO_IPV6]


def test_what_of_others_is_in_the_way_is_told_and_not_waited_for(etc: None, host: Host) -> None:
    published = {"protocol": "tcp", "host_port": 80, "host_address": "192.0.2.99", "address": "10.20.0.11", "link": "br0"}
    converge({"host": {"links": {"br0": {"kind": "bridge"}}, "filter": {"publish": [published]}}}, kept_in=keep.FOLDER)
    code, steps, errors = run("apply", "--wait", "60")
    assert (code, steps) == (0, [])
    assert errors.startswith("warning: no link of the host has the address of 192.0.2.99:80/tcp")


def test_what_is_kept_is_read_when_no_other_run_can_change_it(etc: None, host: Host) -> None:
    """The unit is started while `topology` applies another document: that one holds, and nothing goes back in between."""
    converge(WEB1, kept_in=keep.FOLDER)
    with Kernel() as kernel, Store(kernel.cookie()).lock(1.0):
        boot = start("apply")
        with pytest.raises(subprocess.TimeoutExpired):
            boot.wait(2)
        Path(keep.FOLDER, "default.json").write_text(json.dumps({"document": {}, "left_out": []}), encoding="utf-8")
    output, _errors = boot.communicate()
    assert boot.returncode == 0
    assert "delete namespace web1" in output.splitlines()
    assert host.namespaces() == []


def test_where_nothing_is_kept(host: Host) -> None:
    for command in ("apply", "plan"):
        code, steps, errors = run(command)
        assert (code, steps) == (1, [])
        assert errors.strip() == f"nothing is kept here: there is no {keep.FOLDER}, or this is not the host's own network namespace"


def test_a_private_namespace_is_not_the_host(etc: None, host: Host) -> None:
    """Tests and demos on a host that keeps documents: only the first process tells whose namespace this is."""
    assert keep.folder() is None
