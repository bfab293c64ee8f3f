# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role attach: what it makes, and that a service with no more than that leaves its network as it is. systemd does not run here."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from hosts import disposable

from _engine.engine import converge
from _engine.parse import parse
from ansible_collections.weft.netns.plugins.plugin_utils._compile import compile_fleet

pytestmark = pytest.mark.skipif(not Path("/usr/lib/systemd/systemd").exists(), reason="systemd is not installed")

ATTACH = """
- hosts: all
  gather_facts: false
  roles:
    - weft.netns.attach
"""
EXAMPLE = Path(__file__).parents[3] / "examples" / "services"
UNITS = Path("/etc/systemd/system")
SERVICE = "[Service]\nExecStart=/bin/true\n"
DROP_IN = "50-weft-netns.conf"


@pytest.fixture
def etc():
    with disposable("/etc"):
        UNITS.mkdir(exist_ok=True)
        (UNITS / "web.service").write_text(SERVICE, encoding="ascii")
        yield


def attached(**more):
    return {"attach_services": [{"unit": "web.service", "container": "web1", **more}]}


def test_a_service_gets_a_drop_in_and_is_given_back(ansible_playbook, etc):
    made = UNITS / "web.service.d" / DROP_IN
    checked = ansible_playbook(ATTACH, "--check", **attached())
    assert checked.returncode == 0, checked.output
    assert not made.parent.exists()

    first = ansible_playbook(ATTACH, **attached())
    assert first.recap["here"]["changed"] == checked.recap["here"]["changed"] == 2, first.output
    assert "NetworkNamespacePath=/run/netns/web1\n" in made.read_text(encoding="ascii")
    verified = subprocess.run(["systemd-analyze", "verify", str(UNITS / "web.service")], check=False, capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")

    assert ansible_playbook(ATTACH, **attached()).recap["here"]["changed"] == 0
    assert "CapabilityBoundingSet" in made.read_text(encoding="ascii")
    assert ansible_playbook(ATTACH, **attached(may_configure=True)).recap["here"]["changed"] == 1
    assert "CapabilityBoundingSet" not in made.read_text(encoding="ascii")

    gone = attached(state="absent")
    assert ansible_playbook(ATTACH, **gone).recap["here"]["changed"] == 1
    assert not made.exists()
    assert ansible_playbook(ATTACH, **gone).recap["here"]["changed"] == 0


@pytest.mark.parametrize(
    "wrong", [{"unit": "../web.service"}, {"unit": "web"}, {"container": ".."}, {"container": "a b"}, {"container": "host"}]
)
def test_hostile_names_are_refused(ansible_playbook, etc, wrong):
    played = ansible_playbook(ATTACH, **attached(**wrong))
    assert played.returncode != 0
    assert "unit is the full name of a service" in played.output
    assert sorted(path.name for path in UNITS.rglob(DROP_IN)) == []


TRIES = {
    "an address": "ip address add 10.20.0.66/24 dev eth0",
    "no address": "ip address flush dev eth0",
    "a route": "ip route add 192.0.2.0/24 via 10.20.0.1",
    "a link": "ip link set eth0 down",
    "a link of its own": "ip link add d0 type veth peer name d1",
    "a filter": "nft add table inet mine",
    "a forged packet": """python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'""",
    "a raw socket": """python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)'""",
    "a user namespace": "unshare --user --map-root-user ip address add 10.20.0.66/24 dev eth0",
}


@pytest.mark.parametrize("name", TRIES)
def test_with_those_capabilities_gone_the_network_stays(ansible_playbook, etc, host, name):
    """Systemd takes them from the bounding set of root's own process: so does setpriv (capabilities(7))."""
    ansible_playbook(ATTACH, **attached())
    text = (UNITS / "web.service.d" / DROP_IN).read_text(encoding="ascii")
    taken = re.search(r"^CapabilityBoundingSet=~(.*)$", text, re.MULTILINE)[1].split()
    without = ",".join(f"-{capability.removeprefix('CAP_').lower()}" for capability in taken)
    setup = yaml.safe_load((EXAMPLE / "inventory.yml").read_text(encoding="utf-8"))["all"]["vars"]
    converge(compile_fleet({"host1": setup}, {}).documents["host1"])
    before = host.digest()
    command = ["setpriv", "--bounding-set", without, "sh", "-c", TRIES[name]]
    done = subprocess.run(["ip", "netns", "exec", "web1", *command], check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert re.search("not permitted|denied", done.stderr), done.stderr
    assert host.since(before) == []
    assert host.run("setpriv", "--bounding-set", without, "ip", "-json", "address", "show", "dev", "eth0", namespace="web1")


def test_the_example_compiles_and_names_what_the_role_takes():
    inventory = yaml.safe_load((EXAMPLE / "inventory.yml").read_text(encoding="utf-8"))["all"]["vars"]
    document = compile_fleet({"host1": inventory}, {}).documents["host1"]
    parse(document)
    assert {each["container"] for each in inventory["attach_services"]} == set(document["namespaces"])
