# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The intent of the fleet as types: networks, containers and their interfaces. Values, no decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

from ..module_utils._engine.filters import Ports

ETHERNET_MTU = 1500
VXLAN_OVERHEAD = {4: 50, 6: 70}  # IP, UDP and VXLAN headers, and the Ethernet header inside (RFC 7348)


@dataclass(frozen=True)
class Address:
    """An address without its prefix. ``text`` is the canonical form of family and value."""

    family: int  # 4 or 6
    value: int
    text: str
    index: int = field(default=0, compare=False)  # its place in the user's list, for messages

    @classmethod
    def of(cls, family: int, value: int) -> Address:
        return cls(family, value, str(IPv4Address(value) if family == 4 else IPv6Address(value)))

    @classmethod
    def parse(cls, text: Any, index: int = 0) -> Address:
        """From what the user wrote. ValueError says what is wrong with it."""
        if isinstance(text, str) and "/" in text:
            raise ValueError(f"{text!r}: write the address alone, its prefix is the subnet's")
        try:
            if not isinstance(text, str) or "%" in text:
                raise ValueError
            ip = IPv6Address(text) if ":" in text else IPv4Address(text)
        except ValueError:
            raise ValueError(f"{text!r} is not an IP address") from None
        return cls(ip.version, int(ip), str(ip), index)

    @property
    def single(self) -> str:
        """As a prefix of its own."""
        return f"{self.text}/{32 if self.family == 4 else 128}"

    @property
    def loopback(self) -> bool:
        return self.family == 4 and self.value >> 24 == 127

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Subnet:
    text: str
    family: int
    first: int
    last: int
    prefixlen: int

    @classmethod
    def parse(cls, text: Any) -> Subnet:
        try:
            if not isinstance(text, str) or "/" not in text:
                raise ValueError("no prefix length")
            net = ip_network(text)
        except ValueError as error:
            raise ValueError(f"{text!r} is not a subnet such as 10.20.0.0/24 ({error})") from None
        if net.is_multicast or net.is_loopback or net.is_link_local:
            raise ValueError(f"{text!r} is a multicast, loopback or link-local range")
        return cls(str(net), net.version, int(net.network_address), int(net.broadcast_address), net.prefixlen)

    def __contains__(self, address: Address) -> bool:
        return address.family == self.family and self.first <= address.value <= self.last

    @property
    def reserved(self) -> Mapping[int, str]:
        """Addresses that no interface can have, by what they are called."""
        if self.last - self.first < 2:  # RFC 3021, RFC 6164: both ends of a link may be used
            return {}
        if self.family == 4:
            return {self.first: "network address", self.last: "broadcast address"}
        return {self.first: "subnet-router anycast address"}  # RFC 4291, 2.6.1

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Uplink:
    """How a network leaves the host: by a link that is there already, as it is or with a VLAN's tag; or in VXLAN's UDP packets.

    ``link``, ``local`` and ``move_addresses`` may differ between hosts, nothing else.
    """

    link: str  # empty: VXLAN, by whichever link the routes lead to
    vlan: int | None = None
    vxlan: int | None = None
    local: Address | None = None  # the host's own on the underlay
    group: Address | None = None  # None: the other hosts are told one by one
    mtu: int | None = None  # of the link
    move_addresses: bool = False  # the bridge takes those of the link

    @property
    def carries(self) -> int | None:
        """The longest packet that fits; None: nobody knows."""
        if self.vxlan is None:
            return self.mtu
        underlay = self.local or self.group
        return (self.mtu or ETHERNET_MTU) - VXLAN_OVERHEAD[underlay.family if underlay else 4]


@dataclass(frozen=True)
class Network:
    name: str
    mode: str
    subnets: tuple[Subnet, ...] = ()
    gateways: tuple[Address, ...] = ()
    gateway_on: str = "host"  # host, outside or anycast
    mtu: int | None = None
    uplink: Uplink | None = None
    spoofing: str = "block"
    isolated: bool = False
    masquerade: bool = False
    vlan_filtering: bool = False
    device: str = "veth"  # kind of the pair between host and container: veth or netkit
    host_addresses: tuple[Address, ...] = ()  # of one host: these differ
    options: Mapping[str, Any] = field(default_factory=dict)  # of the mode

    @property
    def shared(self) -> tuple[Address, ...]:
        """Mode shared: the host's addresses behind which the containers are; they differ between hosts."""
        return tuple(self.options.get("addresses", ()))

    def subnet_of(self, address: Address) -> Subnet | None:
        return next((subnet for subnet in self.subnets if address in subnet), None)

    def pools(self) -> tuple[Subnet, ...]:
        """Where addresses are allocated from: the first subnet of each family."""
        first = {subnet.family: subnet for subnet in reversed(self.subnets)}
        return tuple(first[family] for family in sorted(first))


@dataclass(frozen=True)
class Vlans:
    """Of a port of a bridge that filters VLANs: the one whose frames have no tag on the wire, and those whose frames have."""

    untagged: int | None = None
    tagged: tuple[int, ...] = ()

    @property
    def ids(self) -> tuple[int, ...]:
        return self.tagged if self.untagged is None else (self.untagged, *self.tagged)


DEFAULT_VLAN = Vlans(untagged=1)  # as the kernel has it, for the bridge itself and for its new ports


@dataclass(frozen=True)
class Publication:
    """A port of the host that leads to a port of an interface. ``host_address`` None: at every address of the host."""

    index: int  # its place in the user's list
    protocol: str
    host_port: int
    port: int
    host_address: Address | None = None


@dataclass(frozen=True)
class Rate:
    """What an interface gets and sends at most, as its container sees it, in bit/s."""

    ingress: int | None = None
    egress: int | None = None


@dataclass(frozen=True)
class Interface:
    """An interface of a container as the user wrote it. ``addresses`` None: to be allocated; ``mac`` None: to be chosen."""

    host: str
    container: str
    name: str
    network: Network
    addresses: tuple[Address, ...] | None = None
    mac: str | None = None
    vlans: Vlans | None = None  # None: the inventory says nothing
    rate: Rate = Rate()
    physical: Mapping[str, str] = field(default_factory=dict)  # mode passthrough: the device, by interface or permanent_mac
    publish: tuple[Publication, ...] = ()
    ports: Mapping[str, tuple[Ports, ...]] = field(default_factory=dict)  # mode shared: those of the host's that are its own, by protocol
    jail: Mapping[str, Any] = field(default_factory=dict)  # mode jail: ports, loopback, cgroup, unit

    @property
    def key(self) -> tuple[str, str]:
        """Its identity in the fleet. The host is no part of it: a container that moves stays the same."""
        return (self.container, self.name)

    @property
    def path(self) -> str:
        return f"{self.host}: netns_containers.{self.container}.interfaces.{self.name}"

    @property
    def families(self) -> frozenset[int]:
        """Of its addresses, allocated ones too."""
        given = self.network.pools() if self.addresses is None else self.addresses
        return frozenset(each.family for each in given)

    @property
    def port(self) -> Vlans:
        """Its VLANs on a bridge that filters them."""
        return self.vlans or DEFAULT_VLAN


@dataclass(frozen=True)
class Container:
    host: str
    name: str
    interfaces: tuple[Interface, ...] = ()  # in the order of the inventory, which decides about the default route
    default_routes: frozenset[int] = frozenset()  # families of which its own routes have one
    own: Mapping[str, Any] = field(default_factory=dict)  # routes, sysctls, dns, as in the host document
    namespaced: bool = True  # False: it is a jail

    @property
    def path(self) -> str:
        return f"{self.host}: netns_containers.{self.name}"


@dataclass(frozen=True)
class Member:
    """An interface with nothing left open: what a mode builds from."""

    interface: Interface
    addresses: tuple[Address, ...]
    mac: str | None  # None: that of what it is made from
    moves: bool = False  # from another host of the fleet

    @property
    def network(self) -> Network:
        return self.interface.network

    def first(self, family: int) -> Address | None:
        return next((address for address in self.addresses if address.family == family), None)
