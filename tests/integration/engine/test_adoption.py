# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose namespace it is: adopted, somebody's, in use, another document's, left behind."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hosts import Host

from _engine.engine import converge
from _engine.errors import ConflictError

Document = dict[str, Any]
Start = Callable[..., int]


@pytest.fixture
def start(host: Host) -> Iterator[Start]:
    """Start a process that sleeps: in a network namespace of its own, or in one with that name. Its pid."""
    running = []

    def begin(namespace: str | None = None) -> int:
        where = ["ip", "netns", "exec", namespace] if namespace else ["unshare", "--net"]
        running.append(subprocess.Popen([*where, "sleep", "1000"]))
        pid = running[-1].pid
        while Path(f"/proc/{pid}/comm").read_text().strip() != "sleep":
            time.sleep(0.01)
        return pid

    yield begin
    for each in running:
        each.kill()
        each.wait()


def end(pid: int) -> None:
    os.kill(pid, 9)
    os.waitpid(pid, 0)


def inside(host: Host, pid: int, *command: str) -> str:
    return host.run("nsenter", "-t", str(pid), "-n", *command)


def identity(path: str) -> int:
    return os.stat(path).st_ino


def pod(**how: Any) -> Document:
    links = {"eth0": {"kind": "veth", "veth": {"peer": "vpod"}, "addresses": ["10.0.0.2/24"]}}
    routes = [{"destination": "default", "gateway": "10.0.0.1"}]
    sysctls = {"net.ipv4.ip_forward": 1}
    return {"namespaces": {"pod": {**how, "links": links, "routes": routes, "sysctls": sysctls}}}


MADE = [
    "create link pod/eth0 veth to host/vpod",
    "change sysctl pod net.ipv4.ip_forward 0 to 1",
    "change link pod/eth0 state down to up",
    "create address pod/eth0 10.0.0.2/24",
    "create route pod default via 10.0.0.1",
    "change link host/vpod state down to up",
]


@pytest.mark.parametrize("by", ["pid", "path"])
def test_adopted_and_let_go(host: Host, start: Start, by: str) -> None:
    pid = start()
    path = f"/proc/{pid}/ns/net"
    inside(host, pid, "sh", "-euc", "ip link add mine type ifb; ip addr add 10.0.7.1/24 dev mine; ip link set mine up")
    before, there = host.digest(), [inside(host, pid, "ip", "-o", "addr"), inside(host, pid, "ip", "route"), identity(path)]
    document = pod(**{by: pid if by == "pid" else path})
    assert host.apply(document).steps == [f"adopt namespace pod from {path}", *MADE]
    assert identity("/run/netns/pod") == there[-1]
    assert "10.0.0.2/24" in inside(host, pid, "ip", "addr")
    assert host.apply(None, state="absent").steps == [
        "change sysctl pod net.ipv4.ip_forward 1 to 0",
        "delete link pod/eth0 veth to host/vpod",
        "release namespace pod",
    ]
    assert host.since(before) == []
    assert [inside(host, pid, "ip", "-o", "addr"), inside(host, pid, "ip", "route"), identity(path)] == there


def test_purged_when_it_is_not_declared_any_more(host: Host, start: Start) -> None:
    pid = start()
    before = host.digest()
    host.apply(pod(pid=pid))
    assert host.apply({}).steps[-1] == "release namespace pod"
    assert host.since(before) == []
    assert "eth0" not in inside(host, pid, "ip", "link")


@pytest.mark.parametrize("gone", [True, False], ids=["the first is gone", "the first is still there"])
def test_adopted_again_when_the_process_is_another(host: Host, start: Start, gone: bool) -> None:
    before = host.digest()
    first, second = start(), start()
    host.apply(pod(pid=first))
    if gone:
        end(first)
    steps = host.apply(pod(pid=second)).steps
    assert [step for step in steps if step.startswith(("adopt", "release"))] == [
        "release namespace pod",
        f"adopt namespace pod from /proc/{second}/ns/net",
    ]
    assert identity("/run/netns/pod") == identity(f"/proc/{second}/ns/net")
    assert "10.0.0.2/24" in inside(host, second, "ip", "addr")
    assert gone or "eth0" not in inside(host, first, "ip", "link")
    host.apply(None, state="absent")
    assert host.since(before) == []
    assert "eth0" not in inside(host, second, "ip", "link")


def test_nothing_is_changed_when_the_process_is_gone(host: Host, start: Start) -> None:
    pid = start()
    host.apply(pod(pid=pid))
    before = host.digest()
    end(pid)
    with pytest.raises(ConflictError) as caught:
        converge(pod(pid=pid))
    assert str(caught.value) == f"namespaces.pod: /proc/{pid}/ns/net is no network namespace: is the process still running?"
    assert host.since(before) == []
    host.apply(None, state="absent")
    assert host.namespaces() == []


def test_what_cannot_be_adopted(host: Host, start: Start) -> None:
    host.sh("ip netns add taken; touch /run/file")
    before = host.digest()
    pid = start()
    document = {
        "namespaces": {
            "own": {"pid": os.getpid()},
            "taken": {"pid": pid},
            "file": {"path": "/run/file"},
            "missing": {"path": "/run/netns/missing"},
        }
    }
    with pytest.raises(ConflictError) as caught:
        converge(document)
    assert [str(fault) for fault in caught.value.faults] == [
        f"namespaces.own: /proc/{os.getpid()}/ns/net is the host's own network namespace",
        f"namespaces.taken: the namespace taken exists already and is not the one at /proc/{pid}/ns/net",
        "namespaces.file: /run/file is no network namespace: is the process still running?",
        "namespaces.missing: there is no namespace missing",
    ]
    assert host.since(before) == []


def test_an_error_lets_go_again(host: Host, start: Start) -> None:
    pid = start()
    before, there = host.digest(), inside(host, pid, "ip", "-o", "link")
    document = pod(pid=pid)
    document["namespaces"]["pod"]["routes"].append({"destination": "10.9.0.0/24", "gateway": "10.8.0.1"})
    with pytest.raises(Exception, match="invalid gateway"):
        converge(document)
    assert host.since(before) == []
    assert inside(host, pid, "ip", "-o", "link") == there


# -- somebody's, by its name


def test_a_namespace_made_by_hand(host: Host) -> None:
    """Refused unless its path says that it is there; then used, and left as it was."""
    host.sh("ip netns add pod; ip -n pod link add mine type ifb; ip -n pod addr add 10.0.7.1/24 dev mine; ip -n pod link set mine up")
    before = host.digest()
    with pytest.raises(ConflictError) as caught:
        converge(pod())
    hint = "to use it, add path: /run/netns/pod"
    assert str(caught.value) == f"namespaces.pod: the namespace pod exists already and was not made by weft.netns; {hint}"
    assert host.since(before) == []
    assert host.apply(pod(path="/run/netns/pod")).steps == MADE
    host.apply({})
    assert host.since(before) == []
    host.apply(pod(path="/run/netns/pod"))
    host.apply(None, state="absent")
    assert host.since(before) == []


def test_a_name_that_begins_alike_is_another(host: Host) -> None:
    host.sh("ip netns add mario2")
    host.apply({"namespaces": {"mario": {}}})
    assert host.namespaces() == ["mario", "mario2"]
    host.apply({})
    assert host.namespaces() == ["mario2"]


# -- in use


@pytest.mark.parametrize("way", [{"document": {}}, {"document": None, "state": "absent"}], ids=["purge", "absent"])
def test_processes_live_in_it(host: Host, start: Start, way: dict[str, Any]) -> None:
    host.apply(pod())
    pid = start("pod")
    before = host.digest()
    with pytest.raises(ConflictError) as caught:
        converge(**way)
    assert str(caught.value) == f"namespaces.pod: processes live in the namespace pod (pid {pid}): end them, or set in_use: force"
    assert host.since(before) == []
    end(pid)
    host.apply(**way)
    assert host.namespaces() == []


def test_force_cuts_them_off(host: Host, start: Start) -> None:
    """The namespace lives on with the process, without its name and without a way out."""
    before = host.digest()
    host.apply(pod())
    pid = start("pod")
    assert host.apply(pod(in_use="force")).steps == []
    assert host.apply(None, state="absent").steps == ["delete link pod/eth0 veth to host/vpod", "delete namespace pod"]
    assert host.since(before) == []
    assert "eth0" not in inside(host, pid, "ip", "link")


def test_processes_do_not_keep_what_is_in_it_from_changing(host: Host, start: Start) -> None:
    host.apply(pod())
    start("pod")
    changed = pod()
    changed["namespaces"]["pod"]["links"]["eth0"]["addresses"] = ["10.0.0.3/24"]
    assert host.apply(changed).changed


# -- two documents


def of(name: str, number: int) -> Document:
    """A document with things of its own and things that all such documents have."""
    vname, subnet = f"v{name}", f"10.{number}.0"
    return {
        "host": {
            "links": {
                "mine0": {"addresses": [f"{subnet}.1/24"]},
                vname: {"kind": "veth", "veth": {"peer": "eth0", "namespace": name}},
            },
            "routes": [{"destination": "10.99.0.0/16", "type": "blackhole"}, {"destination": f"10.9{number}.0.0/24", "link": "mine0"}],
            "rules": [{"priority": 99, "from": "10.99.0.0/16", "table": 7}, {"priority": number, "from": f"{subnet}.0/24", "table": 7}],
            "neighbours": [{"address": "10.0.0.77", "link": "mine0", "proxy": True}],
            "sysctls": {"net.ipv4.ip_forward": 1, "net.ipv4.conf.mine0.rp_filter": 2},
        },
        "namespaces": {name: {"links": {"lo": {"addresses": [f"{subnet}.2/32"]}}}},
    }


def test_two_documents_share_a_host(host: Host) -> None:
    """What both declare goes with the last one; nothing else of the other is touched."""
    host.sh("ip link add mine0 address 02:00:00:00:00:01 type veth peer name mine1; ip link set mine0 up")
    empty = host.digest()
    host.apply(of("one", 1), name="one")
    with_one = host.digest()
    host.apply(of("other", 2), name="other")
    both = host.digest()
    assert host.apply(of("one", 1), name="one").steps == []
    assert host.apply(None, name="nobody", state="absent").steps == []
    assert host.since(both) == []
    host.apply(None, name="other", state="absent")
    assert host.since(with_one) == []
    host.apply(of("other", 2), name="other")
    host.apply({}, name="one")
    host.apply({}, name="other")
    assert host.since(empty) == []


def test_two_documents_cannot_have_the_same_name(host: Host) -> None:
    host.apply(of("web", 1) | {"host": {}}, name="one")
    before = host.digest()
    with pytest.raises(ConflictError) as caught:
        converge({"host": {"links": {"br0": {"kind": "bridge"}}}, "namespaces": {"web": {}}}, name="other")
    assert str(caught.value) == "namespaces.web: the namespace web exists already and belongs to the document 'one'; give it another name"
    assert host.since(before) == []


# -- left behind


def test_a_name_that_is_bound_to_nothing(host: Host) -> None:
    """Ours is taken up or removed; a file of somebody else stays."""
    before = host.digest()
    host.apply({"namespaces": {"web1": {}, "web2": {}, "web3": {}}})
    host.sh("umount /run/netns/web1 /run/netns/web2 /run/netns/web3; rm /run/netns/web3; touch /run/netns/mine")
    assert host.apply({"namespaces": {"web1": {}}}).steps == [
        "delete file /run/netns/web2, left by an interrupted run",
        "create namespace web1",
    ]
    assert host.apply({}).steps == ["delete namespace web1"]
    assert host.namespaces() == ["mine"]
    host.sh("rm /run/netns/mine")
    assert host.since(before) == []


def test_a_file_under_the_name_of_a_declared_namespace(host: Host) -> None:
    """`ip netns add` that was interrupted leaves one."""
    host.sh("touch /run/netns/web1")
    host.apply({"namespaces": {"web1": {"links": {"lo": {"addresses": ["10.0.0.1/32"]}}}}})
    assert "10.0.0.1/32" in host.run("ip", "addr", namespace="web1")
    host.apply({})
    assert host.namespaces() == []
