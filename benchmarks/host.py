# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's side of a measurement: what a command costs, and when the kernel has finished."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCH = Path(__file__).with_name("launch.py")
NAMES = Path("/run/netns")
QUIET, PATIENCE = 7.0, 300.0  # seconds


class Failed(Exception):
    """A command failed, or did not do what it was told."""


# Python keeps what it has compiled, as it does for those who install a tool.
SURROUNDINGS = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True)
class Cost:
    """Seconds, seconds of processor time (of the command, not of the kernel's own threads), bytes of peak memory."""

    wall: float
    cpu: float
    memory: int


def cost(command: Sequence[str], directory: Path, environment: Mapping[str, str], lasting: bool = False) -> Cost:
    """Run a command. ``lasting``: it has ended only when the kernel has taken down what the command removed."""
    launched = subprocess.run(
        [sys.executable, "-I", "-S", str(LAUNCH), *command],
        cwd=directory,
        env={**SURROUNDINGS, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    begin, end, cpu, memory, code = launched.stdout.split()
    if code != "0":
        said = (directory / "output").read_text(encoding="utf-8", errors="replace")
        raise Failed(f"{' '.join(command)}: exit code {code}\n{said[-2000:]}")
    if lasting:
        wait_until_gone()
        end = str(time.monotonic())
    return Cost(float(end) - float(begin), float(cpu), int(memory) * 1024)


def links() -> list[str]:
    """Links of this namespace that somebody made."""
    return [name for _index, name in socket.if_nameindex() if name != "lo"]


def names() -> list[str]:
    """Named namespaces."""
    return os.listdir(NAMES)


def wait_until_gone() -> None:
    """Wait for the last link, then for the kernel's worker that dismantles namespaces.

    Each namespace has a link whose other end is here, and that end goes while the worker dismantles the namespace: when no end is
    left, the worker has the last namespace in hand, or is done.
    """
    while True:
        look = time.monotonic()
        if not links():
            break
        time.sleep(4 * (time.monotonic() - look) + 0.0005)  # looking costs the kernel something, too
    wait_for_worker()


def wait_for_worker() -> None:
    """Wait while the kernel dismantles namespaces, anybody's: there is a + in the name of its worker then (wq_worker_comm)."""
    while any("+netns" in name for name in map(_name_of, os.listdir("/proc"))):
        time.sleep(0.001)


def wait_until_quiet() -> None:
    """Wait until no link here has sent a frame for a while.

    When a bridge comes up, each container has something to say to all others: duplicate detection, multicast memberships, and
    solicitations of routers, which it repeats after 4, 8, 16, ... seconds. What the kernel does about that, a million deliveries for a
    round among a thousand ports, would be counted as the cost of the next command.
    """
    begin = since = time.monotonic()
    sent = _sent()
    while time.monotonic() < since + QUIET:
        if time.monotonic() > begin + PATIENCE:
            raise Failed(f"links go on sending after {PATIENCE:.0f} s")
        time.sleep(0.1)
        before, sent = sent, _sent()
        if sent != before:
            since = time.monotonic()


def _sent() -> int:
    """Packets that the links of this namespace have sent."""
    table = Path("/proc/thread-self/net/dev").read_text(encoding="utf-8").splitlines()[2:]
    return sum(int(line.partition(":")[2].split()[9]) for line in table)


def _name_of(process: str) -> str:
    if not process.isdigit():
        return ""
    try:
        return Path("/proc", process, "comm").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def make_private(folders: Iterable[str]) -> None:
    """Cover folders with empty ones. Only in a mount namespace of one's own, such as that of scripts/private."""
    for folder in folders:
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
