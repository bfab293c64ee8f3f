# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks on this machine, with the inventory of the demonstration."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hosts import disposable

CONTAINERS = {"db1", "dns1", "job1", "mail1", "web1", "web2"}

INSTALLED = [  # by the four tasks of persist
    Path("/usr/local/sbin/weft-netns"),
    Path("/etc/weft-netns/documents"),
    Path("/etc/systemd/system/weft-netns.service"),
    Path("/etc/systemd/system/multi-user.target.wants/weft-netns.service"),
]


@pytest.fixture
def play(ansible_playbook, checkout, target_python, tmp_path):
    """Run one of our playbooks on a copy of the inventory, since its lock file may be written. What they install vanishes."""
    inventory = tmp_path / "inventory"
    shutil.copytree(checkout / "examples/demo", inventory)

    def run(name, *arguments):
        variables = {"ansible_python_interpreter": target_python, "l2_drop_ins": False, "l3_drop_ins": False}
        return ansible_playbook(Path(checkout, "playbooks", f"{name}.yml"), *arguments, inventory=inventory, **variables)

    with disposable("/etc", "/usr/local"):
        yield run
        run("teardown")


def ip(*arguments):
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout


def namespaces():
    return {line.split()[0] for line in ip("netns", "list").splitlines()}


def ping(namespace, address):
    subprocess.run(["ip", "netns", "exec", namespace, "ping", "-c1", "-W2", address], check=True, capture_output=True)


def test_site_check_teardown(play):
    before = namespaces()
    checked = play("site", "--check", "--diff")
    assert checked.returncode == 0, checked.output
    assert checked.recap["here"]["changed"] == 1 + len(INSTALLED), checked.output
    assert namespaces() == before

    first = play("site")
    assert first.recap["here"]["changed"] == 1 + len(INSTALLED), first.output
    assert namespaces() == before | CONTAINERS
    assert [path for path in INSTALLED if not path.exists()] == []
    ping("web1", "10.20.0.12")
    ping("web1", "fd00:30::11")

    again = play("site")
    assert again.recap["here"]["changed"] == 0, again.output
    assert play("check").returncode == 0

    ip("-n", "web1", "address", "delete", "10.20.0.11/24", "dev", "eth0")
    drifted = play("check")
    assert drifted.returncode != 0
    assert "10.20.0.11/24" in drifted.output
    assert "10.20.0.11" not in ip("-n", "web1", "-4", "address")

    mended = play("site")
    assert mended.recap["here"]["changed"] == 1, mended.output
    ping("web1", "10.20.0.12")

    gone = play("teardown")
    assert gone.recap["here"]["changed"] == 3, gone.output
    assert namespaces() == before
    assert [path for path in INSTALLED if path.exists()] == []
    assert play("teardown").recap["here"]["changed"] == 0


def test_teardown_leaves_what_others_keep(play):
    """The unit is one for all documents of a host."""
    play("site")
    Path("/etc/weft-netns/documents/other.json").write_text("{}", encoding="utf-8")
    assert play("teardown").recap["here"]["changed"] == 1
    assert [path for path in INSTALLED if not path.exists()] == []


def test_without_persistence(play):
    play("site")
    played = play("site", "--extra-vars", "netns_persist=false")
    assert played.recap["here"]["changed"] == 2, played.output
    assert [path for path in INSTALLED if path.exists()] == []


def test_demo(checkout):
    done = subprocess.run([checkout / "scripts/demo", Path(sys.executable).parent.parent], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the host is as it was before" in done.stdout
