# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines and their containers, as the tests of all scenarios see them: what the inventory says, and what iproute2 shows."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import testinfra
from testinfra.host import Host
from testinfra.utils.ansible_runner import AnsibleRunner

STATE = Path(__file__).with_name("machines") / "state.sh"
PLACE = STATE.with_name("place.yml")
HEADERS = 1514 / 1460  # frame to payload, for the longest packets of TCP


@dataclass(frozen=True)
class Place:
    """A network namespace of a machine: that of a container, or the machine's own (no name)."""

    machine: str
    name: str = ""

    @property
    def host(self) -> Host:
        return testinfra.get_host(f"ansible://{self.machine}")

    def sh(self, script: str) -> str:
        """What a script prints that succeeds in here."""
        inside = f"ip netns exec {self.name} " if self.name else ""
        return str(self.host.check_output(f"{inside}sh -euc {shlex.quote(script)}"))

    def json(self, command: str) -> Any:
        """What a command prints, as data."""
        return json.loads(self.sh(command) or "[]")

    def ip(self, arguments: str) -> Any:
        """What `ip -json` says, as data."""
        return [item for item in self.json(f"ip -json -details {arguments}") if item]  # what a filter leaves out is empty

    def unanswered(self, addresses: Iterable[str]) -> list[str]:
        """Those of the addresses that don't answer a ping from here."""
        return self.sh("\n".join(f"ping -q -c 1 -W 5 {each} > /dev/null || echo {each}" for each in addresses)).split()

    @contextmanager
    def pings(self, address: str) -> Iterator[set[int]]:
        """Ping an address from here all the time, and tell at the end which of the pings were not answered."""
        log = f"/run/ping-{self.name or 'host'}"
        self.sh(f"setsid ping -n -i 0.2 {address} > {log} 2>&1 & echo $! > {log}.pid")
        lost: set[int] = set()
        try:
            yield lost
        finally:
            self.sh(f"kill -INT $(cat {log}.pid); timeout 10 sh -c 'until grep -q transmitted {log}; do sleep 0.1; done'")
        output = self.sh(f"cat {log}")
        (sent,) = re.findall(r"(\d+) packets transmitted", output)
        answered = {int(number) for number in re.findall(r"icmp_seq=(\d+) ttl=", output)}
        lost |= set(range(1, int(sent))) - answered  # the last one may be on its way

    def sends(self, line: str, address: str) -> None:
        """Wait in here for one TCP connection to an address, and send it a line."""
        listen = f"{_tcp(address)}-LISTEN:7777,bind={_bracketed(address)},reuseaddr"
        self.sh(f"echo {line} | setsid timeout 60 socat -u STDIN {listen} > /dev/null 2>&1 &")

    def receives(self, address: str) -> str:
        """What comes out of a TCP connection from here; who sends may come 20 seconds late."""
        return self.sh(f"socat -u {_tcp(address)}:{_bracketed(address)}:7777,retry=100,interval=0.2,connect-timeout=5 STDOUT")

    def streams(self, address: str, *options: str) -> float:
        """Mbit/s on the wire of a TCP stream from here to iperf3, which listens at the address."""
        told = self.json(f"iperf3 --json --client {address} --omit 1 --time 4 {' '.join(options)}")
        return float(told["end"]["sum_received"]["bits_per_second"]) * HEADERS / 1e6

    def restart_networkd(self) -> None:
        """Restart systemd-networkd, and wait until it and all that follows it are done."""
        self.sh("systemctl restart systemd-networkd")
        self.sh("timeout 120 sh -c 'while systemctl list-jobs --no-legend | grep -q .; do sleep 0.2; done'")

    def state(self) -> set[str]:
        """What is configured on this machine, in all of its namespaces."""
        return set(self.sh(STATE.read_text(encoding="utf-8")).splitlines())

    def kept_state(self, name: str) -> set[str]:
        """What ``machines/tasks/state.yml`` kept of it under a name."""
        kept = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], self.machine, name)
        return set(kept.read_text(encoding="utf-8").splitlines())


@dataclass(frozen=True)
class Container(Place):
    """A container of the inventory."""

    interfaces: tuple[dict[str, Any], ...] = ()

    def addresses(self, network: str | None = None) -> list[str]:
        """What the inventory gives it, in one network or in all."""
        return [address for each in self.interfaces if network in (None, each["network"]) for address in each["addresses"]]

    def allowed(self) -> dict[str, float]:
        """Mbit/s that the inventory lets come and go at its first interface."""
        return {direction: float(rate.removesuffix("mbit")) for direction, rate in self.interfaces[0]["rate"].items()}

    def measured(self, other: Place, address: str = "") -> dict[str, float]:
        """Mbit/s of streams that come from another place, and that go there; to an address that it has, or its first."""
        address, pid = address or self.addresses()[0], f"/run/iperf3-{self.name}.pid"
        self.sh(f"iperf3 --server --daemon --bind {address} --pidfile {pid}")
        self.sh("timeout 10 sh -c 'until ss -Hltn sport = 5201 | grep -q .; do sleep 0.1; done'")
        try:
            return {"ingress": other.streams(address), "egress": other.streams(address, "--reverse")}
        finally:
            self.sh(f"kill $(tr -d '\\0' < {pid})")


@pytest.fixture(scope="session")
def variables() -> dict[str, dict[str, Any]]:
    """What the inventory says of each machine."""
    return dict(AnsibleRunner.get_runner(None).inventory["_meta"]["hostvars"])


@pytest.fixture(scope="session")
def machines(variables: dict[str, dict[str, Any]]) -> dict[str, Place]:
    """The machines, by name."""
    return {name: Place(name) for name in variables}


@pytest.fixture(scope="session")
def containers(variables: dict[str, dict[str, Any]]) -> dict[str, Container]:
    """All containers of the fleet, by name."""
    return {
        name: Container(machine, name, tuple(container["interfaces"].values()))
        for machine, known in variables.items()
        for name, container in known.get("netns_containers", {}).items()
    }


@pytest.fixture(scope="session")
def play() -> Callable[..., str]:
    """Run a playbook on the machines; what it prints. It has to end as ``succeeds`` says."""

    def run(playbook: Path | str, *arguments: str, succeeds: bool = True) -> str:
        environment = {**os.environ, "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", "ANSIBLE_NOCOLOR": "1"}
        environment.pop("ANSIBLE_FORCE_COLOR", None)
        command = ["ansible-playbook", *arguments, str(playbook)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        assert (done.returncode == 0) == succeeds, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture(scope="session")
def place(play: Callable[..., str]) -> Callable[..., str]:
    """Give containers to a machine, and to no other; what the playbook prints."""

    def run(containers: Mapping[str, Any], to: str, succeeds: bool = True) -> str:
        variables = json.dumps({"container": containers, "to": to})
        return play(PLACE, "--extra-vars", variables, succeeds=succeeds)

    return run


def _tcp(address: str) -> str:
    return "TCP6" if ":" in address else "TCP4"


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
