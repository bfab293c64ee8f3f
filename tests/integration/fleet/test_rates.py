# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container gets and sends at most, from the inventory to iperf3."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from hosts import Host

from ansible_collections.weft.netns.plugins.plugin_utils._compile import compile_fleet

INGRESS, EGRESS = 80, 40  # Mbit/s
RATE = {"ingress": f"{INGRESS}mbit", "egress": f"{EGRESS}mbit"}
SECONDS = "2"
HEADERS = 1514 / 1460  # frame to payload, for the longest packets of TCP, nearly so of UDP

PAIRS: dict[str, Mapping[str, Any]] = {
    "bridge": {"mode": "bridge"},
    "routed": {"mode": "routed", "uplink": {"interface": "wire0"}},
    "p2p": {"mode": "p2p"},
    "macvlan": {"mode": "macvlan", "gateway": [], "uplink": {"interface": "wire0"}},
}


def documents(network: Mapping[str, Any], rate: Mapping[str, str]) -> Mapping[str, Any]:
    interfaces = {
        "web1": {"network": "n", "addresses": ["10.20.0.11"], "rate": rate},
        "web2": {"network": "n", "addresses": ["10.20.0.12"]},
    }
    containers = {name: {"interfaces": {"eth0": interface}} for name, interface in interfaces.items()}
    intent = {"netns_networks": {"n": {"subnets": ["10.20.0.0/24"], **network}}, "netns_containers": containers}
    return compile_fleet({"host1": intent}, {}).documents["host1"]


@contextmanager
def server(namespace: str) -> Iterator[None]:
    command = ["ip", "netns", "exec", namespace, "iperf3", "--server", "--forceflush"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            while "listening" not in process.stdout.readline():
                assert process.poll() is None
            yield
        finally:
            process.terminate()


def received(host: Host, *options: str) -> float:
    """Mbit/s on the wire, of a stream from web2 to web1."""
    told = json.loads(host.run("iperf3", "--json", "--client", "10.20.0.11", "--time", SECONDS, *options, namespace="web2"))
    end = told["end"]
    bits = (
        end["sum"]["bits_per_second"] * (1 - end["sum"]["lost_percent"] / 100) if "sum" in end else end["sum_received"]["bits_per_second"]
    )
    return float(bits) * HEADERS / 1e6


@pytest.mark.parametrize("network", PAIRS.values(), ids=PAIRS)
def test_both_directions_are_held_to_their_rates(host: Host, network: Mapping[str, Any]) -> None:
    host.sh(
        "ip link add wire0 type veth peer name wire1 && ip addr add 192.0.2.1/24 dev wire0 && ip link set wire0 up && ip link set wire1 up"
    )
    host.apply(documents(network, RATE))
    with server("web1"):
        assert received(host) == pytest.approx(INGRESS, rel=0.1)
        assert received(host, "--reverse") == pytest.approx(EGRESS, rel=0.1)
        assert received(host, "--udp", "--bitrate", "200M", "--length", "1448") == pytest.approx(INGRESS, rel=0.1)
        assert received(host, "--udp", "--bitrate", "200M", "--length", "1448", "--reverse") == pytest.approx(EGRESS, rel=0.1)


def test_a_stream_goes_on_while_its_rate_is_changed(host: Host) -> None:
    host.apply(documents(PAIRS["bridge"], RATE))
    with server("web1"):
        command = ["ip", "netns", "exec", "web2", "iperf3", "--json", "--interval", "0.5", "--client", "10.20.0.11", "--time", "4"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stream:
            time.sleep(2)
            outcome = host.apply(documents(PAIRS["bridge"], {**RATE, "ingress": "20mbit"}))
            told = json.loads(stream.communicate()[0])
    assert outcome.steps == ["change rate host/vweb1 80mbit to 20mbit"]
    rates = [each["sum"]["bits_per_second"] / 1e6 for each in told["intervals"]]
    assert rates[2] > 60 and rates[-1] < 30
