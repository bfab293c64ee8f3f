# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host as the tests see it: with the tools of iproute2, not with the engine."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _engine.engine import Outcome, converge

# What differs between two looks at the same state: timers, statistics, numbers the kernel hands out.
VOLATILE = {
    "stats64",
    "stats",
    "valid_life_time",
    "preferred_life_time",
    "expires",
    "link_netnsid",
    "operstate",
    "tentative",
    "nodad",
    "qdisc",
}
VOLATILE |= {"forward_delay_timer", "hold_timer", "message_age_timer", "config_pending", "topology_change_ack"}
VOLATILE |= {"promiscuity", "allmulti", "tso_max_size", "tso_max_segs"}  # follow from what others do with the link
VOLATILE |= {"gc_timer", "hello_timer", "tcn_timer", "topology_change_timer", "dynamic", "num_tx_queues", "num_rx_queues", "age", "used"}
PORT_NUMBERS = {"no", "id", "designated_port", "state"}  # of a bridge's port: in the order in which they joined; follows the carrier
LASTING_FLAGS = ("UP", "onlink")
CLONE_NEWNET, CLONE_NEWCGROUP = 0x40000000, 0x02000000
SYSTEM = {"sysfs": "/sys", "cgroup2": "/sys/fs/cgroup", "bpf": "/sys/fs/bpf"}
FOLDERS = ("/run/netns", "/run/weft-netns", "/etc/netns")
SYSCTLS = ("ipv4/ip_forward", "ipv4/conf", "ipv6/conf", "ipv4/neigh", "ipv6/neigh")


class Host:
    """Commands on the test's host and in its namespaces."""

    def run(self, *command: str, check: bool = True, namespace: str | None = None) -> str:
        """Run a command; its standard output."""
        inside = ["ip", "netns", "exec", namespace] if namespace else []
        done = subprocess.run([*inside, *command], capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{' '.join([*inside, *command])}: {done.stderr}{done.stdout}"
        return done.stdout

    def sh(self, script: str) -> str:
        return self.run("sh", "-euc", script)

    def ip(self, *arguments: str, namespace: str | None = None) -> Any:
        """What `ip -json` says, as data."""
        where = ["-n", namespace] if namespace else []
        output = self.run("ip", "-json", "-details", *where, *arguments)
        return [item for item in json.loads(output or "[]") if item]

    def pings(self, address: str, namespace: str | None = None) -> bool:
        inside = ["ip", "netns", "exec", namespace] if namespace else []
        command = [*inside, "ping", "-q", "-c", "1", "-W", "2", address]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def reaches(self, address: str, namespace: str | None = None) -> bool:
        """As ``pings``, but in time: links just made have their carriers when the kernel gets to it."""
        return any(self.pings(address, namespace) for _attempt in range(5))

    def apply(self, document: dict[str, Any] | None, **options: Any) -> Outcome:
        """Converge, and hold what holds for every run: check mode tells the same steps, a second run has none."""
        told = converge(document, check=True, **options)
        outcome = converge(document, **options)
        assert told.steps == outcome.steps
        assert (told.before, told.after, told.changed) == (outcome.before, outcome.after, outcome.changed)
        again = converge(document, check=True, **options)
        assert again.steps == []
        assert not again.changed
        return outcome

    def namespaces(self) -> list[str]:
        return sorted(os.listdir("/run/netns"))

    def digest(self) -> set[str]:
        """Everything that anybody configured on the host and in all of its namespaces, a line each."""
        found = {f"name {name}" for name in self.namespaces()}
        found |= {f"file {path} {path.read_text()}" for path in Path("/etc/netns").rglob("*") if path.is_file()}
        found |= {f"pin {path}" for path in Path("/sys/fs/bpf").glob("*/*/*")}
        found |= {f"cgroup {path}" for path in _folders(Path("/sys/fs/cgroup"))}
        for name in (None, *(name for name in self.namespaces() if os.path.ismount(f"/run/netns/{name}"))):
            for part, lines in self._digest_of(name).items():
                found |= {f"{name or 'host'} {part} {line}" for line in lines}
        return found

    def since(self, before: set[str]) -> list[str]:
        """What is different from an earlier digest, as in a diff."""
        now = self.digest()
        return sorted(f"- {line}" for line in before - now) + sorted(f"+ {line}" for line in now - before)

    def _digest_of(self, name: str | None) -> dict[str, Any]:
        return {
            "identity": [os.stat(f"/run/netns/{name}").st_ino] if name else [],
            "links": _stable(self.ip("link", namespace=name)),
            "addresses": [_lasting_addresses(each) for each in self.ip("address", namespace=name)],
            "routes": _stable(self.ip("-4", "route", "show", "table", "all", namespace=name)),
            "routes6": _stable(each for each in self.ip("-6", "route", "show", "table", "all", namespace=name) if not _automatic(each)),
            "rules": self.ip("rule", namespace=name) + self.ip("-6", "rule", namespace=name),
            "proxies": _stable(self.ip("neigh", "show", "proxy", namespace=name)),
            "permanent": _stable(self.ip("neigh", "show", "nud", "permanent", namespace=name)),
            "sysctls": self._sysctls(name),
            "nftables": self._nftables(name),
            "queues": self._queues(name),
        }

    def _queues(self, name: str | None) -> list[str]:
        """Queueing disciplines that somebody chose, and what is done with what arrives."""
        chosen = [line for line in self.run("tc", "qdisc", "show", namespace=name).splitlines() if line.split()[2] != "0:"]
        taken = [line.split()[4] for line in chosen if line.split()[1] in ("ingress", "clsact")]
        filters = [f"{link} {words}" for link in taken for words in self._redirected(name, link)]
        return [line.partition(" refcnt")[0] + line.partition("refcnt")[2][2:] for line in chosen] + filters

    def _redirected(self, name: str | None, link: str) -> list[str]:
        listed = self.run("tc", "filter", "show", "dev", link, "ingress", namespace=name)
        return re.findall(r"match .*|Redirect to device [^)]*", listed)

    def _nftables(self, name: str | None) -> list[str]:
        """Line by line, each with the table and the chain or set that it is in; elements of sets have no order."""
        lines, where = [], []
        for line in self.run("nft", "-s", "list", "ruleset", namespace=name).splitlines():
            words = line.strip().removeprefix("elements = {").strip(" {},")
            lines.append(" / ".join([*where, words]))
            where = [*where, words] if line.endswith("{") else where[:-1] if line.strip() == "}" else where
        return lines

    def _sysctls(self, name: str | None) -> list[str]:
        paths = " ".join(f"/proc/sys/net/{path}" for path in SYSCTLS)
        return self.run(
            "sh", "-c", f"grep -rs . {paths} | grep -v -e mc_ -e base_reachable | sort", namespace=name, check=False
        ).splitlines()


@contextlib.contextmanager
def fresh_host() -> Iterator[Host]:
    """A host of its own: a network namespace, its /sys, an empty /run/netns and an empty /etc/netns. What is inside vanishes with it."""
    with own_cgroups(), own_network():
        yield Host()


@contextlib.contextmanager
def own_network() -> Iterator[None]:
    libc = ctypes.CDLL(None, use_errno=True)
    former = os.open("/proc/self/ns/net", os.O_RDONLY)
    assert libc.unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    for folder in FOLDERS:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    for kind, folder in SYSTEM.items():
        subprocess.run(["mount", "-t", kind, kind, folder], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    try:
        yield
    finally:
        for folder in (*FOLDERS, "/sys"):
            subprocess.run(["umount", "-l", folder], check=True)
        assert libc.setns(former, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        os.close(former)


@contextlib.contextmanager
def own_cgroups() -> Iterator[None]:
    """The cgroups that are seen are those below one of this process (cgroup_namespaces(7)): tests that run beside these have others."""
    libc = ctypes.CDLL(None, use_errno=True)
    former = os.open("/proc/self/ns/cgroup", os.O_RDONLY)
    [above] = [line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")]
    with tempfile.TemporaryDirectory(prefix="weft-netns-") as mount:
        subprocess.run(["mount", "-t", "cgroup2", "cgroup2", mount], check=True)
        own = Path(mount, above.lstrip("/"), f"weft-test-{os.getpid()}")
        own.mkdir()
        Path(own, "cgroup.procs").write_text("0")
        assert libc.unshare(CLONE_NEWCGROUP) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert libc.setns(former, CLONE_NEWCGROUP) == 0, os.strerror(ctypes.get_errno())
            os.close(former)
            Path(own.parent, "cgroup.procs").write_text("0")
            for folder in sorted(_folders(own), reverse=True):
                folder.rmdir()
            own.rmdir()
            subprocess.run(["umount", mount], check=True)


def _folders(above: Path) -> list[Path]:
    return [path for path in above.rglob("*") if path.is_dir()]


@contextlib.contextmanager
def disposable(*folders: str) -> Iterator[None]:
    """Whatever is written below these folders vanishes: each is covered by an overlay, in the mount namespace of the tests."""
    with tempfile.TemporaryDirectory(prefix="weft-netns-") as layers:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", layers], check=True)
        for number, folder in enumerate(folders):
            upper, work = f"{layers}/upper{number}", f"{layers}/work{number}"
            os.mkdir(upper)
            os.mkdir(work)
            options = f"lowerdir={folder},upperdir={upper},workdir={work}"
            subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", folder], check=True)
        try:
            yield
        finally:
            for folder in (*reversed(folders), layers):
                subprocess.run(["umount", folder], check=True)


def _stable(items: Any) -> list[str]:
    return sorted(json.dumps(_without(item), sort_keys=True) for item in items)


def _without(item: Any) -> Any:
    if isinstance(item, dict):
        volatile = VOLATILE | (PORT_NUMBERS if "designated_port" in item else set())
        kept = {key: _without(value) for key, value in item.items() if key not in volatile}
        return {**kept, "flags": [flag for flag in item["flags"] if flag in LASTING_FLAGS]} if "flags" in item else kept
    return [_without(each) for each in item] if isinstance(item, list) else item


def _lasting_addresses(link: dict[str, Any]) -> str:
    """Addresses of a link but for those that the kernel makes by itself when there is a carrier."""
    addresses = [_without(each) for each in link["addr_info"] if not each["local"].startswith("fe80:")]
    return json.dumps([link["ifname"], addresses], sort_keys=True)


def _automatic(route: dict[str, Any]) -> bool:
    return route["dst"].startswith(("fe80:", "ff00:")) or route.get("type") in ("local", "anycast", "multicast")
