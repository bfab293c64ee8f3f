# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds a jail's sockets to its addresses: the text of one program for each hook. Pure.

In each family the wildcard means the jail's first address, and 127.0.0.0/8 or ::1 its own loopback. An AF_INET6 socket means
IPv4 by ::ffff:0:0/96, and is held there as an AF_INET socket is; its `::` is IPv4 where the jail has no IPv6 address.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Callable

from .bpf import Hook
from .bpf_language import SOCK, SOCK_ADDR, SOCK_OPS, assemble
from .jail import LOOPBACKS, Jail

Lines = Iterable[str]

_SOCK, _SOCK_OPS, _SOCK_ADDR = 9, 13, 18  # bpf_prog_type: CGROUP_SOCK, SOCK_OPS, CGROUP_SOCK_ADDR
HOOKS = {
    "sock_create": Hook(_SOCK, 2),
    "listen": Hook(_SOCK_OPS, 3),
    "bind4": Hook(_SOCK_ADDR, 8),
    "bind6": Hook(_SOCK_ADDR, 9),
    "connect4": Hook(_SOCK_ADDR, 10),
    "connect6": Hook(_SOCK_ADDR, 11),
    "sendmsg4": Hook(_SOCK_ADDR, 14),
    "sendmsg6": Hook(_SOCK_ADDR, 15),
    "recvmsg4": Hook(_SOCK_ADDR, 19),
    "recvmsg6": Hook(_SOCK_ADDR, 20),
    "getpeername4": Hook(_SOCK_ADDR, 29),
    "getpeername6": Hook(_SOCK_ADDR, 30),
    "getsockname4": Hook(_SOCK_ADDR, 31),
    "getsockname6": Hook(_SOCK_ADDR, 32),
}
FIELDS = {_SOCK: SOCK, _SOCK_OPS: SOCK_OPS, _SOCK_ADDR: SOCK_ADDR}
TOLD = ("recvmsg", "getpeername", "getsockname")  # hooks where a process is told an address


@dataclass(frozen=True)
class _Side:
    """A family as a socket spells it: IPv4, IPv6, or IPv4 in an IPv6 socket."""

    whole: str
    wildcard: str
    localhost: str  # what programs call their loopback
    loopback: str
    multicast: str
    others: str | None  # loopbacks of jails
    addresses: tuple[str, ...]
    own: str | None  # loopback of this jail
    hosts: bool  # its loopback is the host's


def programs(jail: Jail) -> dict[str, bytes]:
    """Instructions by hook."""
    return {hook: assemble(lines, FIELDS[HOOKS[hook].type]) for hook, lines in texts(jail).items()}


def texts(jail: Jail) -> dict[str, list[str]]:
    """Statements by hook."""
    hosts = jail.loopback == "host"
    own4, own6 = jail.loopbacks
    four = _Side("0.0.0.0/0", "0.0.0.0", "127.0.0.1", "127.0.0.0/8", "224.0.0.0/4", LOOPBACKS, jail.of_family(4), own4, hosts)
    six = _Side("::/0", "::", "::1", "::1", "ff00::/8", None, jail.of_family(6), own6, hosts)
    mapped = _mapped(four)
    found = {"sock_create": SOCK_CREATE.splitlines(), "listen": LISTEN.splitlines()}
    for family, sides, within in (("4", [four], [four]), ("6", [six, mapped], [six])):
        to = f"user_ip{family}"
        wildcards = _wildcards(to, sides)
        found[f"bind{family}"] = [*_bind(to, sides, wildcards), *_ports(jail)]
        found[f"connect{family}"] = [*wildcards, *_outgoing(to, f"sk.src_ip{family}", sides, _bound)]
        found[f"sendmsg{family}"] = [*_wildcards(to, within), *_outgoing(to, f"msg_src_ip{family}", within, _sent)]
        for hook in TOLD if any(side.own for side in sides) else ():
            found[f"{hook}{family}"] = [*(f"if {to} in {side.own} then {to} = {side.localhost}" for side in sides if side.own), "allow"]
    return found


SOCK_CREATE = """\
if type in 1 then if protocol in 6 then allow
if type in 2 then if protocol in 17 then allow
refuse"""

# A socket that listens without having been bound is bound by the kernel, to every address, past all other hooks.
LISTEN = """\
if op in 11 then goto listening
allow
listening:
if family in 2 then if local_ip4 in 0.0.0.0 then deafen
if family in 10 then if local_ip6 in :: then deafen
allow"""


def _mapped(side: _Side) -> _Side:
    def mapped(prefix: str) -> str:
        address, slash, length = prefix.partition("/")
        return f"::ffff:{address}" + (f"/{96 + int(length)}" if slash else "")

    return _Side(
        mapped(side.whole),
        mapped(side.wildcard),
        mapped(side.localhost),
        mapped(side.loopback),
        mapped(side.multicast),
        side.others and mapped(side.others),
        tuple(map(mapped, side.addresses)),
        side.own and mapped(side.own),
        side.hosts,
    )


def _wildcards(to: str, sides: Sequence[_Side]) -> list[str]:
    first = [side.addresses[0] for side in sides if side.addresses]
    meant = {side.wildcard: side.addresses[0] for side in sides if side.addresses}
    if first:  # `::` of a jail without IPv6
        meant.setdefault(sides[0].wildcard, first[0])
    return [f"if {to} in {wildcard} then {to} = {address}" for wildcard, address in meant.items()]


def _loopback(to: str, side: _Side, then: str) -> Lines:
    if side.own:
        yield f"if {to} in {side.loopback} then {to} = {side.own}; {then}"
    elif side.hosts:
        yield from (f"if {to} in {side.others} then refuse",) if side.others else ()
        yield f"if {to} in {side.loopback} then {then}"
    else:
        yield f"if {to} in {side.loopback} then refuse"


def _bind(to: str, sides: Sequence[_Side], wildcards: Lines) -> Lines:
    """To an address of the jail, to its loopback, or, where datagrams are received, to a multicast group."""
    yield from wildcards
    for side in sides:
        yield from (f"if {to} in {address} then goto port" for address in side.addresses)
        yield from _loopback(to, side, "allow" if side.own else "goto port")
        yield from (f"if {to} in {side.multicast} then if type in 2 then goto port" for _address in side.addresses[:1])
    yield "refuse"


def _ports(jail: Jail) -> Lines:
    """Where the jail has ports, those and no others; 0 lets the kernel choose."""
    yield "port:"
    yield from (f"if user_port in {port} then allow" for port in (0, *jail.ports) if jail.ports)
    yield "refuse" if jail.ports else "allow"


def _outgoing(to: str, source: str, sides: Sequence[_Side], given: Callable[[str, str, str | None], str]) -> Lines:
    """To anywhere, from an address of the jail; to a loopback, from that. ``given``: how a socket without a source gets one."""
    for number, side in enumerate(sides):
        yield from _loopback(to, side, f"goto near{number}")
    for number, side in enumerate(sides[1:], 1):
        yield f"if {to} in {side.whole} then goto far{number}"
    for number, side in enumerate(sides):
        yield f"far{number}:"
        yield given(source, sides[0].wildcard, side.addresses[0]) if side.addresses else "refuse"
        yield "goto held"
        yield f"near{number}:"
        yield given(source, sides[0].wildcard, side.own)
        yield "goto held"
    yield "held:"
    for side in sides:
        yield from (f"if {source} in {address} then allow" for address in side.addresses)
        yield from (
            _loopback(source, side, "allow") if source.startswith("msg") or not side.own else (f"if {source} in {side.own} then allow",)
        )
    yield "refuse"


def _bound(source: str, unset: str, address: str | None) -> str:
    """A socket with a port has a source, which may be the wildcard: where the kernel chose the port, before a first datagram."""
    then = f"bind {address}; allow" if address else "allow"
    return f"if sk.src_port in 0 then if {source} in {unset} then {then}"


def _sent(source: str, unset: str, address: str | None) -> str:
    then = f"{source} = {address}; allow" if address else "allow"
    return f"if {source} in {unset} then {then}"
