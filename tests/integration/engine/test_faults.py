# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens when the kernel refuses a request, and when the engine is killed, at each point of a run."""

from __future__ import annotations

import copy
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from hosts import Host

from _engine import bpf, files, netns
from _engine.codec import Request
from _engine.engine import converge
from _engine.errors import NetnsError
from _engine.kernel import Kernel
from _engine.store import Store

EFFECTS = (  # everything that the engine does to the host goes through one of these
    (Kernel, "send"),
    (netns, "bind"),
    (netns, "unbind"),
    (files, "write_sysctl"),
    (files, "write"),
    (files, "make_tun"),
    (Kernel, "load_tables"),
    (bpf, "link"),
    (bpf, "pin"),
    (bpf, "replace"),
    (Store, "save"),
)
REFUSED = Request("RTM_NEWNSID")  # the kernel itself says EINVAL to this one: it names no namespace

OLD: dict[str, Any] = {
    "host": {
        "links": {
            "br-blue": {"kind": "bridge", "mac": "02:00:00:00:00:01", "addresses": ["10.20.0.1/24", "fd00:20::1/64"], "mtu": 1400},
            "vweb1": {"kind": "veth", "veth": {"peer": "eth0", "namespace": "web1"}, "master": "br-blue", "port": {"isolated": True}},
            "ha": {
                "kind": "veth",
                "veth": {"peer": "hb"},
                "addresses": ["10.40.0.1/24", "10.40.0.2/24"],
                "rate": "100mbit",
                "redirect": "i0",
            },
            "i0": {"kind": "ifb", "rate": "1gbit"},
            "tap0": {"kind": "tun", "tun": {"mode": "tap"}, "mac": "02:00:00:00:00:99"},
            "vx": {"kind": "vxlan", "vxlan": {"id": 7, "local": "10.20.0.1", "remotes": ["10.20.0.9", "10.20.0.8"], "port": 4789}},
            "mine1": {"mtu": 1300, "state": "up"},
        },
        "routes": [
            {"destination": "10.99.0.0/24", "gateway": "10.20.0.11"},
            {"destination": "10.98.0.0/24", "link": "br-blue", "metric": 50, "table": 100, "source": "br-blue"},
            {"destination": "fd00:99::/48", "gateway": "fd00:20::11"},
        ],
        "rules": [{"priority": 100, "from": "10.20.0.0/24", "table": 100}],
        "sysctls": {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1},
        "neighbours": [
            {"address": "10.20.0.77", "link": "br-blue", "proxy": True},
            {"address": "fd00:20::99", "link": "br-blue", "mac": "02:00:00:00:00:77"},
        ],
        "filter": {
            "guards": {"vweb1": {"mac": "02:00:0a:14:00:0b", "addresses": ["10.20.0.11", "fd00:20::11"]}},
            "isolated": [{"links": ["vweb1"], "destinations": ["10.20.0.0/24"], "except": ["10.20.0.1"]}],
            "masquerade": [{"sources": ["10.20.0.0/24"], "links": ["br-blue"]}],
        },
    },
    "namespaces": {
        "web1": {
            "links": {
                "eth0": {
                    "kind": "veth",
                    "veth": {"peer": "vweb1"},
                    "mac": "02:00:0a:14:00:0b",
                    "mtu": 1400,
                    "addresses": ["10.20.0.11/24", "fd00:20::11/64"],
                },
                "nic": {"kind": "physical", "physical": {"interface": "nic0"}, "mtu": 1300, "addresses": ["10.50.0.1/24"]},
                "mv0": {"kind": "macvlan", "macvlan": {"link": "ha", "namespace": "host"}, "addresses": ["10.30.0.1/24"]},
            },
            "routes": [{"destination": "default", "gateway": "10.20.0.1"}, {"destination": "default", "gateway": "fd00:20::1"}],
            "sysctls": {"net.ipv4.ip_forward": 1, "net.ipv4.conf.eth0.rp_filter": 1},
            "dns": {"nameservers": ["10.20.0.1"]},
        },
        "web2": {"links": {"p0": {"kind": "veth", "veth": {"peer": "p0", "namespace": "web1"}}}},
    },
    "jails": {"mail1": {"addresses": ["10.60.0.2"], "ports": [25]}, "mail2": {"addresses": ["10.60.0.1"]}},
}


def _new() -> dict[str, Any]:
    """A change of nearly everything."""
    new = copy.deepcopy(OLD)
    links, web1 = new["host"]["links"], new["namespaces"]["web1"]
    links["br-blue"].update(mtu=1450, addresses=["10.20.0.2/24", "fd00:20::1/64"])
    links["vx"]["vxlan"].update(id=8, remotes=["10.20.0.9", "10.20.0.7"])
    links["ha"]["addresses"] = ["10.40.0.2/24"]
    links["ha"]["state"] = "down"
    links["mine1"] = {"mtu": 1310}
    del links["tap0"], new["host"]["rules"], new["namespaces"]["web2"]
    new["host"]["routes"][0]["gateway"] = "10.20.0.12"
    new["host"]["sysctls"] = {"net.ipv6.conf.all.forwarding": 1}
    new["host"]["neighbours"] = [{"address": "10.20.0.78", "link": "br-blue", "proxy": True}]
    web1["links"]["eth0"].update(mac="02:00:0a:14:00:0c", addresses=["10.20.0.12/24"])
    new["host"]["filter"] = {
        "guards": {"vweb1": {"mac": "02:00:0a:14:00:0c", "addresses": ["10.20.0.12"]}, "ha": {"mac": "02:00:00:00:00:66"}}
    }
    web1["links"]["d0"] = {"kind": "tun"}
    web1["routes"] = [{"destination": "default", "gateway": "10.20.0.2"}]
    new["jails"] = {"mail3": {"addresses": ["10.60.0.2"], "ports": [25]}, "mail2": {"addresses": ["10.60.0.3"], "loopback": "host"}}
    web1["sysctls"] = {}
    web1["dns"] = {"nameservers": ["10.20.0.2"], "search": ["example.test"]}
    nic = {**web1["links"].pop("nic"), "mtu": 1290, "state": "down"}
    new["namespaces"]["web3"] = {"links": {"eth0": {"kind": "veth", "veth": {"peer": "vweb3"}}, "eth1": nic}}
    return new


NEW = _new()
MOVED: dict[str, Any] = {  # the bridge takes what mine3 has
    "host": {
        "links": {
            "br-lan": {"kind": "bridge", "bridge": {"addresses_of": "mine3"}, "addresses": ["192.0.2.77/24"]},
            "mine3": {"state": "up"},
        },
        "routes": [{"destination": "10.97.0.0/24", "gateway": "192.0.2.254"}],
    }
}
OTHER: dict[str, Any] = {"host": {"links": {"br-lan": {"kind": "bridge", "bridge": {"addresses_of": "mine2"}}}}}

# name: documents that are there before, and the run that is disturbed
RUNS: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "create": ([], {"document": OLD}),
    "change": ([OLD], {"document": NEW}),
    "change back": ([NEW], {"document": OLD}),
    "teardown": ([OLD], {"document": None, "state": "absent"}),
    "take addresses": ([], {"document": MOVED}),
    "give addresses back": ([MOVED], {"document": None, "state": "absent"}),
    "take others": ([MOVED], {"document": OTHER}),
}


def _foreign(host: Host) -> None:
    host.sh(
        """
        ip netns add mario2 && ip -n mario2 addr add 192.0.2.1/32 dev lo
        ip link add mine0 type bridge && ip addr add 198.51.100.1/24 dev mine0 && ip link set mine0 up
        ip link add nic0 mtu 1400 type veth peer name wire0 && ip addr add 192.0.2.9/24 dev nic0 && ip link set nic0 up
        ip addr add 192.0.2.8/24 dev nic0 && ip addr add 2001:db8::9/64 dev nic0 nodad preferred_lft 0
        ip link add mine1 type veth peer name mine2 && ip link set mine2 up
        ip link add mine3 type veth peer name mine4 && ip link set mine3 up && ip link set mine4 up
        ip addr add 192.0.2.19/24 dev mine3 && ip addr add 192.0.2.18/24 dev mine3 && ip addr add 2001:db8:3::9/64 dev mine3 nodad
        ip route add default via 192.0.2.254 dev mine3 metric 7 src 192.0.2.18 && ip -6 route add default via 2001:db8:3::1 dev mine3
        ip addr add 10.96.0.1/24 dev mine2 && ip route add 10.95.0.0/16 via 10.96.0.2
        ip route add 203.0.113.0/24 via 198.51.100.9 && ip rule add from 198.51.100.0/24 lookup 77 priority 700
        sysctl -qw net.ipv4.conf.mine0.forwarding=1 net.ipv4.conf.all.accept_redirects=0
        nft 'table inet mine { chain c { type filter hook input priority 0; ip saddr 192.0.2.66 drop; }; }'
        """
    )


def _counting(monkeypatch: pytest.MonkeyPatch, effect: Callable[[int, Callable[[], Any]], Any]) -> None:
    """Have ``effect(number, go on)`` called for each effect."""
    count = 0

    def wrap(original: Any) -> Any:
        def wrapped(*arguments: Any) -> Any:
            nonlocal count
            count += 1
            return effect(count, lambda: original(*arguments))

        return wrapped

    for owner, name in EFFECTS:
        monkeypatch.setattr(owner, name, wrap(getattr(owner, name)))


def _in_child(work: Callable[[], None]) -> int:
    """Wait status of a child process that does the work."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1]


def _killed_after(number: int, run: dict[str, Any]) -> bool:
    """Run in a child that is killed right after that effect. False: it ended before."""

    def die(count: int, go_on: Callable[[], Any]) -> Any:
        result = go_on()
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    def work() -> None:
        with pytest.MonkeyPatch.context() as patch:
            _counting(patch, die)
            converge(**run)

    return os.WIFSIGNALED(_in_child(work))


@pytest.mark.parametrize("name", RUNS)
def test_killed_at_any_point(host: Host, name: str) -> None:
    """The next run converges, and nothing is left behind when all is torn down."""
    _foreign(host)
    before = host.digest()
    documents, run = RUNS[name]
    number = 0
    killed = True
    while killed:
        number += 1
        for document in documents:
            converge(document)
        killed = _killed_after(number, run)
        if number % 3 == 1:  # most runs go on, some are torn down at once
            converge(**run)
            assert converge(**run, check=True).steps == [], f"killed after effect {number}"
        converge(None, state="absent")
        assert host.since(before) == [], f"killed after effect {number}"
    assert number > 5


@pytest.mark.parametrize("name", RUNS)
def test_refused_at_any_point(host: Host, name: str) -> None:
    """Each request in turn is one that the kernel refuses: the host is as it was."""
    _foreign(host)
    documents, run = RUNS[name]
    for document in documents:
        converge(document)
    before = host.digest()
    number, refused = 0, True
    while refused:
        number += 1
        with pytest.MonkeyPatch.context() as patch:
            sabotage = Sabotage(number)
            patch.setattr(Kernel, "send", lambda kernel, name, requests, send=sabotage.send: send(kernel, name, requests))
            patch.setattr(Kernel, "load_tables", lambda kernel, name, text, load=sabotage.load: load(kernel, name, text))
            failed = _fails(run)
        refused = sabotage.done
        assert failed == refused, f"request {number} was refused, and nobody noticed"
        assert not refused or host.since(before) == [], f"request {number} was refused"
    assert number > 5


class Sabotage:
    """Replaces one request, counted over a whole run, by one that the kernel refuses."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.done = False
        self._send = Kernel.send
        self._load = Kernel.load_tables

    def send(self, kernel: Kernel, name: str, requests: Any) -> Any:
        requests = list(requests)
        if 0 < self.left <= len(requests):
            self.done = True
            requests[self.left - 1] = REFUSED
        self.left -= len(requests)
        return self._send(kernel, name, requests)

    def load(self, kernel: Kernel, name: str, text: str) -> None:
        self.left -= 1
        if self.left == 0:
            self.done = True
            text += "add rule inet nothing nothing accept"
        self._load(kernel, name, text)


def _fails(run: dict[str, Any]) -> bool:
    try:
        converge(**run)
    except NetnsError:
        return True
    return False


def test_the_error_names_step_object_and_the_kernels_words(host: Host) -> None:
    document = {
        "host": {
            "links": {"d0": {"kind": "veth", "veth": {"peer": "d1"}}},
            "routes": [{"destination": "10.9.0.0/24", "gateway": "10.8.0.1"}],
        }
    }
    before = host.digest()
    with pytest.raises(NetnsError) as caught:
        converge(document)
    assert str(caught.value) == "host: create route host 10.9.0.0/24 via 10.8.0.1: Network is unreachable (Nexthop has invalid gateway)"
    assert host.since(before) == []


def test_of_two_runs_one_waits(host: Host) -> None:
    document: dict[str, Any] = {"namespaces": {"web1": {}}}
    with Kernel() as kernel, Store(kernel.cookie()).lock(1.0):
        assert converge(document, check=True).changed  # who only looks waits for nobody
        with pytest.raises(NetnsError) as caught:
            converge(document, lock_timeout=0.2)
    assert str(caught.value) == f"another run holds the lock of this host's network: pid {os.getpid()}"
    assert host.namespaces() == []
