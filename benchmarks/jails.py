# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a jail costs: ``make bench-jails``, the throughput of a TCP stream and the time of an unconnected UDP send, in a jail and outside.

Two pairs of processes, server and client, wait all the time: one pair in a jail, the other in a cgroup of the same depth without
programs. Each round measures both, one after the other, and every other round begins with the jail; so what disturbs the machine
disturbs both. What is judged is the ratio within a round.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ENGINE = Path(__file__).resolve().parents[1] / "plugins" / "module_utils"
ADDRESSES = {"plain": "192.0.2.1", "jail": "192.0.2.2"}
PLAIN = Path("/sys/fs/cgroup/weft-bench/plain")
PORT = 7777
CHUNK = 1 << 18
SENDS, TURNS = 50_000, 5
FEWEST = 0.98  # of the plain host's throughput
DRAWS = 10_000


class Worker:
    """A process that measures when it is told to."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())

    def ask(self, *question: Any) -> Any:
        self.tell(*question)
        return self.hear()

    def tell(self, *question: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


class Place:
    """In the jail or outside: a server and a client there."""

    def __init__(self, name: str) -> None:
        self._address = ADDRESSES[name]
        inside = [*engine("jail", "exec", "bench", "--")] if name == "jail" else []
        cgroup = "" if name == "jail" else str(PLAIN)
        self._server, self._client = (Worker([*inside, sys.executable, __file__, "--work", cgroup]) for _end in range(2))

    def throughput(self, seconds: float) -> float:
        """Bytes a second that arrive."""
        self._server.ask("listen", self._address)
        self._server.tell("receive")
        self._client.ask("send", self._address, seconds)
        return float(self._server.hear())

    def unconnected(self) -> float:
        """Seconds of the processor for one datagram."""
        return float(self._client.ask("sendto", self._address)) / SENDS

    def close(self) -> None:
        self._client.close()
        self._server.close()


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ENGINE)}


def engine(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "_engine.cli", *arguments]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-jails")
    parser.add_argument("--rounds", type=int, default=20, help="(default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each stream (default: %(default)s)")
    parser.add_argument("--work", metavar="CGROUP", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work is not None:
        work(options.work)
        return 0
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"host": {"links": {"lo": {"addresses": ["192.0.2.1/32"]}}}, "jails": {"bench": {"addresses": ["192.0.2.2"]}}}, file)
        file.flush()
        subprocess.run(engine("apply", file.name), check=True, env=environment(), stdout=subprocess.DEVNULL)
    PLAIN.mkdir(parents=True)
    places = {name: Place(name) for name in ADDRESSES}
    try:
        return report([_round(places, number, options.seconds) for number in range(options.rounds + 1)][1:])  # the first to warm up
    finally:
        for place in places.values():
            place.close()
        subprocess.run(engine("down"), check=True, env=environment(), stdout=subprocess.DEVNULL)
        PLAIN.rmdir()
        PLAIN.parent.rmdir()


Round = dict[str, dict[str, float]]


def _round(places: dict[str, Place], number: int, seconds: float) -> Round:
    order = sorted(places, reverse=bool(number % 2))
    streams = {name: places[name].throughput(seconds) for name in order}
    sends = [{name: places[name].unconnected() for name in order} for _turn in range(TURNS)]
    return {"stream": streams, "datagram": {name: min(each[name] for each in sends) for name in order}}


def report(rounds: Sequence[Round]) -> int:
    ratios = [each["stream"]["jail"] / each["stream"]["plain"] for each in rounds]
    lowest = lower_bound(ratios)
    sends = {name: statistics.median(each["datagram"][name] for each in rounds) * 1e9 for name in ADDRESSES}
    more = statistics.median(each["datagram"]["jail"] - each["datagram"]["plain"] for each in rounds) * 1e9
    plain = statistics.median(each["stream"]["plain"] for each in rounds) * 8 / 1e9
    print(f"{len(rounds)} rounds, load {os.getloadavg()[0]:.1f}")
    print(f"a TCP stream over lo: {plain:.1f} Gbit/s plain; in the jail {mean(ratios):.3f} of it, at least {lowest:.3f} (95 %)")
    print(f"an unconnected sendto, of processor time: {sends['plain']:.0f} ns plain, {sends['jail']:.0f} ns in the jail; {more:+.0f} ns")
    print(f"the goal, at least {FEWEST}, is {'met' if lowest >= FEWEST else 'not met'}")
    return 0 if lowest >= FEWEST else 1


def mean(ratios: Sequence[float]) -> float:
    """Geometric, so that it is the same whichever of the two is divided by the other."""
    return math.exp(statistics.fmean(map(math.log, ratios)))


def lower_bound(ratios: Sequence[float]) -> float:
    """Of the mean, one-sided, 95 %: by a bootstrap, the same for the same ratios."""
    chosen = random.Random(0)
    means = sorted(mean(chosen.choices(ratios, k=len(ratios))) for _draw in range(DRAWS))
    return means[DRAWS // 20]


# -- in a worker


def work(cgroup: str) -> None:
    if cgroup:
        Path(cgroup, "cgroup.procs").write_text("0", encoding="ascii")
    listener = socket.socket()
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for line in sys.stdin:
        task, *arguments = json.loads(line)
        if task == "listen":
            listener = socket.create_server((arguments[0], PORT))
            answer: Any = None
        elif task == "receive":
            answer = _receive(listener)
        elif task == "send":
            answer = _send(*arguments)
        else:
            answer = _datagrams(datagrams, arguments[0])
        print(json.dumps(answer), flush=True)


def _receive(listener: socket.socket) -> float:
    connection, _peer = listener.accept()
    listener.close()
    buffer = bytearray(CHUNK)
    with connection:
        count, began = 0, time.perf_counter()
        while got := connection.recv_into(buffer):
            count += got
        return count / (time.perf_counter() - began)


def _send(address: str, seconds: float) -> int:
    content, count = bytes(CHUNK), 0
    with socket.create_connection((address, PORT)) as connection:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            connection.sendall(content)
            count += CHUNK
    return count


def _datagrams(sender: socket.socket, address: str) -> float:
    """To a socket that takes none, once it is full: what differs is the way out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind((address, PORT))
        target = (address, PORT)
        began = time.process_time()
        for _number in range(SENDS):
            sender.sendto(b"?", target)
        return time.process_time() - began


if __name__ == "__main__":
    raise SystemExit(main())
