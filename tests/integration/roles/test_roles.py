# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles on this machine. The distribution's package is not tried here: it would change the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hosts import disposable

PREPARE = """
- hosts: all
  gather_facts: false
  roles:
    - weft.netns.prepare
  tasks:
    - ansible.builtin.debug:
        msg: "afterwards {{ ansible_python_interpreter }}"
"""
ROLE = """
- hosts: all
  gather_facts: false
  roles:
    - weft.netns.{role}
"""


@pytest.fixture
def drop_ins():
    """Directories of the services' settings, empty, and gone after the test: scripts/private has given us a mount namespace."""
    places = [Path("/etc/systemd/network"), Path("/etc/systemd/networkd.conf.d")]
    made = [place for place in places if not place.exists()]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", str(place)], check=True)
    yield lambda: {file.name: file.read_text(encoding="utf-8") for place in places for file in place.iterdir()}
    for place in places:
        subprocess.run(["umount", str(place)], check=True)
    for place in made:
        place.rmdir()


def test_prepare_changes_nothing_where_pyroute2_is(ansible_playbook, target_python):
    played = ansible_playbook(PREPARE)
    assert played.recap["here"]["changed"] == 0, played.output
    assert f"afterwards {target_python}" in played.output


def test_prepare_makes_a_virtual_environment_where_it_is_not(ansible_playbook, checkout, tmp_path):
    bare = tmp_path / "bare"
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    (wheel,) = (checkout / ".venv/wheels").glob("pyroute2-*.whl")
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": f"{bare}/bin/python",
        "prepare_venv": str(venv),
        "prepare_requirement": str(wheel),
    }
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(json.dumps({"all": {"hosts": {"here": variables}}}), encoding="utf-8")

    checked = ansible_playbook(PREPARE, "--check", inventory=inventory)
    assert checked.returncode == 0, checked.output
    assert checked.recap["here"]["changed"] > 0, checked.output
    assert not venv.exists()

    first = ansible_playbook(PREPARE, inventory=inventory)
    assert first.recap["here"]["changed"] > 0, first.output
    assert f"afterwards {venv}/bin/python" in first.output, first.output
    subprocess.run([str(venv / "bin/python"), "-c", "import pyroute2"], check=True)

    again = ansible_playbook(PREPARE, inventory=inventory)
    assert again.recap["here"]["changed"] == 0, again.output
    assert f"afterwards {venv}/bin/python" in again.output, again.output


@pytest.mark.skipif(not Path("/usr/lib/systemd/systemd-networkd").exists(), reason="systemd-networkd is not installed")
@pytest.mark.parametrize(("role", "files"), [("l2", ["05-weft-netns.network"]), ("l3", ["05-weft-netns.network", "90-weft-netns.conf"])])
def test_drop_ins(ansible_playbook, drop_ins, role, files):
    text = ROLE.format(role=role)
    links = ["br-blue", "vweb1"]
    checked = ansible_playbook(text, "--check", l2_links=links)
    assert checked.recap["here"]["changed"] == len(files), checked.output
    assert drop_ins() == {}

    first = ansible_playbook(text, l2_links=links)
    assert first.recap["here"]["changed"] == len(files), first.output
    assert sorted(drop_ins()) == files
    assert "Name=br-blue vweb1\n" in drop_ins()["05-weft-netns.network"]

    again = ansible_playbook(text, l2_links=links)
    assert again.recap["here"]["changed"] == 0, again.output


@pytest.mark.skipif(not Path("/usr/lib/systemd/systemd-networkd").exists(), reason="systemd-networkd is not installed")
def test_drop_ins_name_the_links_of_the_inventory(ansible_playbook, drop_ins):
    intent = {
        "netns_networks": {
            "blue": {"mode": "bridge", "subnets": ["10.20.0.0/24"]},
            "green": {"mode": "routed", "subnets": ["10.30.0.0/24"]},
        },
        "netns_containers": {name: {"interfaces": {"eth0": {"network": net}}} for name, net in (("web1", "blue"), ("mail1", "green"))},
    }
    played = ansible_playbook(ROLE.format(role="l3"), **intent)
    assert played.returncode == 0, played.output
    assert "Name=br-blue vmail1 vweb1\n" in drop_ins()["05-weft-netns.network"]


@pytest.mark.parametrize("role", ["l2", "l3"])
def test_no_drop_ins_for_who_opts_out(ansible_playbook, drop_ins, role):
    played = ansible_playbook(ROLE.format(role=role), **{f"{role}_drop_ins": False})
    assert played.returncode == 0, played.output
    assert played.recap["here"]["changed"] == 0, played.output
    assert drop_ins() == {}


PERSIST = ROLE.format(role="persist")
PERSIST_FILES = ("/etc/weft-netns", "/etc/systemd/system", "/usr/local/lib/weft-netns", "/usr/local/sbin")


@pytest.fixture
def persistent():
    """Files that the role persist has made: by path, the text, or where a link leads. All of them go after the test."""
    with disposable("/etc", "/usr/local"):
        before = set(_files())
        yield lambda: {path: text for path, text in _files().items() if path not in before}


def _files():
    paths = [path for place in PERSIST_FILES for path in Path(place).rglob("*") if "__pycache__" not in path.parts]
    return {str(path): os.readlink(path) if path.is_symlink() else path.is_file() and path.read_bytes() for path in paths}


@pytest.mark.skipif(not Path("/usr/lib/systemd/systemd").exists(), reason="systemd is not installed")
def test_persist(ansible_playbook, persistent):
    """All that it makes it takes away; systemd itself says that the unit is right."""
    unit = "/etc/systemd/system/weft-netns.service"
    checked = ansible_playbook(PERSIST, "--check", persist_before=["cron.service"])
    assert checked.returncode == 0, checked.output
    assert persistent() == {}

    first = ansible_playbook(PERSIST, persist_before=["cron.service"])
    assert first.recap["here"]["changed"] == checked.recap["here"]["changed"] == 4, first.output
    made = persistent()
    assert {"/etc/weft-netns/documents", "/usr/local/sbin/weft-netns", unit} <= set(made)
    assert made["/etc/systemd/system/multi-user.target.wants/weft-netns.service"] == unit
    assert b"Before=cron.service\n" in made[unit]
    verified = subprocess.run(["systemd-analyze", "verify", unit], check=False, capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")

    again = ansible_playbook(PERSIST, persist_before=["cron.service"])
    assert again.recap["here"]["changed"] == 0, again.output

    gone = ansible_playbook(PERSIST, persist_state="absent")
    assert gone.recap["here"]["changed"] == 2, gone.output
    assert persistent() == {}
    assert ansible_playbook(PERSIST, persist_state="absent").recap["here"]["changed"] == 0


def test_jail_looks_and_changes_nothing(ansible_playbook):
    played = ansible_playbook(ROLE.format(role="jail"))
    assert played.returncode == 0, played.output
    assert played.recap["here"]["changed"] == 0, played.output
