# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says of containers, read into types: every key and value checked by itself, every fault with its path.

What can only be wrong between interfaces, containers or hosts is in ``_fleet.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..module_utils._engine import parse as document
from ..module_utils._engine import schema
from ..module_utils._engine.errors import DocumentError
from ..module_utils._engine.model import MAIN_TABLE, default_metric
from . import _attachments as attachments
from . import _names as names
from . import _ports as ports
from ._faults import Faults
from ._modes import MODES
from ._networks import NETWORKS, addresses_of, held
from ._types import Container, Interface, Network

CONTAINERS = "netns_containers"
OWN_KEYS = ("routes", "sysctls", "dns")  # go into the host document as they are
CONTAINER_KEYS = ("interfaces", *OWN_KEYS)
INTERFACE_KEYS = ("network", "addresses", "mac", "physical", "vlans", "jail", "rate", "publish", "ports")
MODE_KEYS = ("physical", "vlans", "jail", "publish", "ports")  # keys of an interface that only some modes know

DEFAULT_ROUTES = {("0.0.0.0/0", MAIN_TABLE, default_metric(4)), ("::/0", MAIN_TABLE, default_metric(6))}
RESERVED_LINKS = {
    "lo": "every namespace has it already",
    "all": "it means all links in net.ipv4.conf",
    "default": "it means new links in net.ipv4.conf",
}


def read(host: str, raw: Any, networks: Mapping[str, Network | None], faults: Faults) -> list[Container]:
    """The containers of one host."""
    path = f"{host}: {CONTAINERS}"
    return [_container(host, name, value, networks, faults) for name, value in faults.mapping(path, raw).items()]


def _container(host: str, name: str, raw: Any, networks: Mapping[str, Network | None], faults: Faults) -> Container:
    path = f"{host}: {CONTAINERS}.{name}"
    faults.checked(path, schema.namespace_name, name)
    keys = faults.mapping(path, raw)
    faults.unknown(path, keys, CONTAINER_KEYS)
    interfaces = faults.mapping(f"{path}.interfaces", keys.get("interfaces"))
    read = [_interface(host, name, interface, value, networks, faults) for interface, value in interfaces.items()]
    _check_names(read, faults)
    own = {key: keys[key] for key in OWN_KEYS if keys.get(key) is not None}
    jailed = [interface for interface in read if interface and not MODES[interface.network.mode].namespaced]
    if jailed:
        _check_jail(path, jailed[0], interfaces, own, faults)
    return Container(
        host=host,
        name=name,
        interfaces=tuple(interface for interface in read if interface),
        default_routes=_own(path, own, interfaces, faults) if own else frozenset(),
        own=own,
        namespaced=not jailed,
    )


def _check_jail(path: str, jail: Interface, interfaces: Mapping[str, Any], own: Iterable[str], faults: Faults) -> None:
    """It has no namespace in which anything else could be."""
    for other in interfaces:
        if other != jail.name:
            faults.add(f"{path}.interfaces.{other}", f"{jail.name} makes this container a jail, which has no other interface")
    for key in own:
        faults.add(f"{path}.{key}", f"{jail.name} makes this container a jail, which has the host's {key}")


def _interface(host: str, container: str, name: str, raw: Any, networks: Mapping[str, Network | None], faults: Faults) -> Interface | None:
    before = len(faults)
    path = f"{host}: {CONTAINERS}.{container}.interfaces.{name}"
    if name in RESERVED_LINKS:
        faults.add(path, f"{name!r} is reserved: {RESERVED_LINKS[name]}")
    else:
        faults.checked(path, schema.link_name, name)
    keys = faults.mapping(path, raw)
    if raw is not None and not isinstance(raw, Mapping):
        return None
    faults.unknown(path, keys, INTERFACE_KEYS)
    addresses = tuple(addresses_of(f"{path}.addresses", keys["addresses"], faults)) if keys.get("addresses") is not None else None
    mac = faults.checked(f"{path}.mac", attachments.mac, keys["mac"]) if keys.get("mac") is not None else None
    physical = attachments.physical(f"{path}.physical", keys.get("physical"), faults)
    rate = attachments.rate(f"{path}.rate", keys.get("rate"), faults)
    jail = attachments.jail(f"{path}.jail", keys["jail"], faults) if keys.get("jail") is not None else {}
    vlans = attachments.vlans(f"{path}.vlans", keys.get("vlans"), faults)
    publish = ports.publish(f"{path}.publish", keys.get("publish"), faults)
    own = ports.owned(f"{path}.ports", keys.get("ports"), faults)
    if vlans and vlans.untagged is None and addresses is None:
        addresses = ()  # packets of the interface itself have no tag
    network = _network_of(f"{path}.network", keys.get("network"), networks, faults)
    if network is None:
        return None
    interface = Interface(host, container, name, network, addresses, mac, vlans, rate, physical, publish, own, jail)
    mode = MODES[network.mode]
    for key in MODE_KEYS:
        if keys.get(key) is not None and key not in mode.interface_keys:
            faults.add(f"{path}.{key}", f"an interface of mode {network.mode} has none")
    _check_in_network(interface, faults)
    if len(faults) == before:
        for key, message in mode.check_interface(interface):
            faults.add(f"{path}.{key}", message)
    return interface


def _check_names(interfaces: Iterable[Interface | None], faults: Faults) -> None:
    """A container needs a link beside some of its interfaces, too."""
    present = [each for each in interfaces if each]
    taken = {names.inner_ifb(each.name): each for each in present if each.rate.ingress and MODES[each.network.mode].unguarded}
    for each in present:
        if each.name in taken:
            faults.add(each.path, f"this is the name of the ifb that {taken[each.name].name} needs for its rate")


def _check_in_network(interface: Interface, faults: Faults) -> None:
    """Addresses and MAC that are right by themselves, but not in this network."""
    path, network = interface.path, interface.network
    for address in interface.addresses or ():
        at = f"{path}.addresses[{address.index}]"
        held(at, address, network.name, network.subnets, faults)
        if address in network.gateways:
            faults.add(at, f"{address} is the gateway of network {network.name}")
    reason = MODES[network.mode].refuses_mac(network)
    if interface.mac and reason:
        faults.add(f"{path}.mac", f"cannot be chosen: {reason}")


def _network_of(path: str, name: Any, networks: Mapping[str, Network | None], faults: Faults) -> Network | None:
    if name is None:
        faults.add(path, "is missing: the name of a network")
    elif not isinstance(name, str) or name not in networks:
        faults.add(path, f"there is no network {name!r} in {NETWORKS}")
    else:
        return networks[name]
    return None


def _own(path: str, own: Mapping[str, Any], interfaces: Iterable[str], faults: Faults) -> frozenset[int]:
    """Check what goes into the host document as it is, by the one who reads it there.

    Returns the families of which the user gives the default route.
    """
    links: dict[str, Any] = {name: {} for name in interfaces}
    here = "namespaces.container."
    try:
        desired = document.parse({"namespaces": {"container": {"path": "/run/netns/container", "links": links, **own}}})
    except DocumentError as error:
        for fault in error.faults:
            if not fault.path.startswith(f"{here}links"):  # these are told already
                faults.add(f"{path}.{fault.path.removeprefix(here)}", fault.message.replace(f"{here}links", "interfaces"))
        return frozenset()
    routes = desired.namespaces["container"].routes.values()
    return frozenset(route.family for route in routes if (route.destination, route.table, route.metric) in DEFAULT_ROUTES)
