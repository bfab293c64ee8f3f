# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pair of links that leads into a container: veth, or netkit where the network says so."""

from __future__ import annotations

from typing import Any

from .._types import Interface, Network

HOST = "host"


def to_container(interface: Interface, mode: str) -> dict[str, Any]:
    """The end whose peer is this interface."""
    return _end(interface.network, interface.name, interface.container, mode)


def to_host(network: Network, peer: str, mode: str) -> dict[str, Any]:
    return _end(network, peer, HOST, mode)


def _end(network: Network, peer: str, namespace: str, mode: str) -> dict[str, Any]:
    """``mode``: that of a netkit, l2 or l3."""
    values = {"peer": peer, "namespace": namespace, **({"mode": mode} if network.device == "netkit" else {})}
    link = {"kind": network.device, network.device: values}
    return {**link, "mtu": network.mtu} if network.mtu else link
