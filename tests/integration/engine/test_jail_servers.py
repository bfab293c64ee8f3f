# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty servers, as Debian has them, each told to listen on every address and on the same port, in twenty jails of one host."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cells import cell
from hosts import Host

import _engine
from _engine.engine import show

PORT = 8080
FILES = {
    "nginx.conf": "daemon off; pid {here}/nginx.pid; error_log stderr; events {{}}\n"
    "http {{ access_log off; client_body_temp_path {here}/body; server {{ listen {port}; return 200; }} }}\n",
    "lighttpd.conf": 'server.document-root = "{here}"\nserver.port = {port}\n',
    "haproxy.cfg": "defaults\n  mode http\n  timeout client 1s\nfrontend all\n  bind *:{port}\n  http-request return status 200\n",
}
SERVERS = {
    "nginx": "nginx -p {here} -e stderr -c {here}/nginx.conf",
    "lighttpd": "lighttpd -D -f {here}/lighttpd.conf",
    "haproxy": "haproxy -db -f {here}/haproxy.cfg",
    "redis": "redis-server --port {port} --bind 0.0.0.0 --save '' --dir {here}",
    "memcached": "memcached -u root -l 0.0.0.0 -p {port}",
    "dnsmasq": "dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --pid-file --port={port}",
    "iperf3": "iperf3 -s -p {port}",
    "python": f"{sys.executable} -m http.server {{port}}",
    "dropbear": "dropbear -F -E -r {here}/key -P {here}/dropbear.pid -p {port}",
    "socat": "socat TCP-LISTEN:{port},fork,reuseaddr EXEC:/bin/true",
}
JAILS = {f"{server}{turn}": f"192.0.2.{10 * turn + number}" for turn in (1, 2) for number, server in enumerate(SERVERS)}
SECONDS = 120.0


@pytest.fixture
def running(host: Host, tmp_path: Path) -> Iterator[None]:
    missing = [command for command in (text.split()[0] for text in SERVERS.values()) if not shutil.which(command)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    subprocess.run(["dropbearkey", "-t", "ed25519", "-f", tmp_path / "key"], check=True, capture_output=True)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text.format(here=tmp_path, port=PORT))
    host.apply({"jails": {name: {"addresses": [address, _six(address)]} for name, address in JAILS.items()}})
    with contextlib.ExitStack() as stack:
        for name in JAILS:
            stack.enter_context(_server(name, tmp_path))
        yield
    _until(lambda: not any(each["processes"] for each in show()["jails"].values()))
    host.apply(None, state="absent")


@contextlib.contextmanager
def _server(name: str, here: Path) -> Iterator[None]:
    command = SERVERS[name[:-1]].format(here=here, port=PORT)
    enter = [sys.executable, "-m", "_engine.cli", "jail", "exec", name, "--"]
    environment = {**os.environ, "PYTHONPATH": str(Path(_engine.__path__[0]).parent)}
    with (here / f"{name}.log").open("w") as log:
        started = subprocess.Popen([*enter, "sh", "-c", f"exec {command}"], cwd=here, env=environment, stdout=log, stderr=log)
    try:
        yield
    finally:
        started.terminate()
        started.wait()


def _until(holds: object) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _listening(host: Host) -> dict[str, str]:
    """The process that listens, by address; empty: it has just ended, or begun."""
    lines = host.run("ss", "-Hltnp", f"sport = :{PORT}").splitlines()
    return {line.split()[3].rpartition(":")[0]: [*line.split('"'), ""][1] for line in lines}


def _six(address: str) -> str:
    return f"fd00::{address.rpartition('.')[2]}"


@pytest.mark.usefixtures("running")
def test_twenty_servers_on_one_port(host: Host) -> None:
    """Each has its jail's addresses, one or both, and nobody any other; it answers there. No jail can have another's."""
    homes = {own: name for name, address in JAILS.items() for own in (address, f"[{_six(address)}]")}
    _until(lambda: {homes.get(address) for address in _listening(host)} == set(JAILS))
    for address, process in _listening(host).items():
        assert process.startswith(homes[address][:-1]), address
        with socket.create_connection((address.strip("[]"), PORT), timeout=5):
            pass
    for name, address in JAILS.items():
        others = [each for each in JAILS.values() if each != address]
        with cell(f"weft/{name}") as inside:
            assert {inside.ask("AF_INET", "SOCK_STREAM", ["bind", other, PORT + 1]) for other in others} == {"EPERM"}
            assert inside.ask("AF_INET", "SOCK_STREAM", ["connect", others[0], PORT], ["getsockname"]) == address
