# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of a host that are a container's: read from the inventory, and each given away once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..module_utils._engine import schema
from ..module_utils._engine.filters import Ports, ports_text
from ._faults import Faults
from ._types import Address, Publication

PROTOCOLS = ("tcp", "udp")
EPHEMERAL = (32768, 60999)  # net.ipv4.ip_local_port_range
FEWEST = 1024
PORT = schema.integer(1, 65535)
PUBLISH: Mapping[str, schema.Check] = {
    "host_port": PORT,
    "port": PORT,
    "protocol": schema.choice(*PROTOCOLS),
    "host_address": Address.parse,
}


def publish(path: str, raw: Any, faults: Faults) -> tuple[Publication, ...]:
    items = enumerate(faults.listing(path, [] if raw is None else raw))
    read = (_publication(f"{path}[{index}]", index, item, faults) for index, item in items)
    return tuple(each for each in read if each)


def _publication(path: str, index: int, raw: Any, faults: Faults) -> Publication | None:
    keys = faults.mapping(path, raw)
    faults.unknown(path, keys, PUBLISH)
    values = {key: faults.checked(f"{path}.{key}", check, keys[key]) for key, check in PUBLISH.items() if keys.get(key) is not None}
    if isinstance(raw, Mapping) and keys.get("host_port") is None:
        faults.add(f"{path}.host_port", "is missing: the port of the host")
    if "host_port" not in values or None in values.values():
        return None
    known: dict[str, Any] = {"protocol": "tcp", "port": values["host_port"], **values}
    return Publication(index, **known)


def owned(path: str, raw: Any, faults: Faults) -> Mapping[str, tuple[Ports, ...]]:
    """Numbers and ranges, by protocol."""
    keys = faults.mapping(path, raw)
    faults.unknown(path, keys, PROTOCOLS)
    found: dict[str, tuple[Ports, ...]] = {}
    for protocol in PROTOCOLS:
        at = f"{path}.{protocol}"
        items = enumerate(faults.listing(at, [] if keys.get(protocol) is None else keys[protocol]))
        read = (faults.checked(f"{at}[{index}]", schema.ports, item) for index, item in items)
        found[protocol] = tuple(ports for ports in read if ports)
    return {protocol: ports for protocol, ports in found.items() if ports}


Where = tuple[str, str, int]  # host, protocol, family


@dataclass(frozen=True)
class Claim:
    where: Where
    ports: Ports
    address: Address | None  # None: every one of the host
    path: str


def check(claims: Iterable[Claim], faults: Faults) -> None:
    """No port of an address is two containers'; one that is published at every address is so at each."""
    reach: dict[tuple[Any, ...], Claim] = {}  # of those that begin before, the one that ends last: by address, and of all
    for claim in sorted(claims, key=lambda each: (each.where, each.ports, each.path)):
        own, every = (*claim.where, claim.address), (*claim.where, "")
        others = [reach.get(own), reach.get((*claim.where, None))] if claim.address else [reach.get(every)]
        other = next((each for each in others if each and each.ports[1] >= claim.ports[0]), None)
        if other:
            faults.add(claim.path, f"{_common(claim, other)} is given away already: {other.path}")
        for key in (own, every):
            if key not in reach or reach[key].ports[1] < claim.ports[1]:
                reach[key] = claim


def _common(one: Claim, other: Claim) -> str:
    text = ports_text((max(one.ports[0], other.ports[0]), min(one.ports[1], other.ports[1])))
    return f"{one.where[1]} {text} of {one.address or other.address or 'the host'}"


def free(taken: Iterable[Ports], within: Ports) -> Ports:
    """The longest run of ports that nobody has. Its first is after its last, if there is none."""
    start, longest = within[0], (within[0], within[0] - 1)
    for first, last in sorted([*taken, (within[1] + 1, within[1] + 1)]):
        longest = max(longest, (start, min(first, within[1] + 1) - 1), key=lambda run: run[1] - run[0])
        start = max(start, last + 1)
    return longest
