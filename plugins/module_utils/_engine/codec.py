# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to bytes, and bytes to messages: rtnetlink(7), genetlink(7). The only importer of pyroute2.

narrow.py reads and writes what containers are made of; pyroute2's message classes all else, and they are imported only then.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from . import narrow
from .errors import EnvironmentMissing, KernelError, NetnsError

NLM_F_REQUEST, NLM_F_ACK = 0x1, 0x4
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE, NLM_F_APPEND = 0x100, 0x200, 0x400, 0x800

RTM = {
    "RTM_NEWLINK": 16, "RTM_DELLINK": 17, "RTM_GETLINK": 18, "RTM_SETLINK": 19,
    "RTM_NEWADDR": 20, "RTM_DELADDR": 21, "RTM_GETADDR": 22,
    "RTM_NEWROUTE": 24, "RTM_DELROUTE": 25, "RTM_GETROUTE": 26,
    "RTM_NEWNEIGH": 28, "RTM_DELNEIGH": 29, "RTM_GETNEIGH": 30,
    "RTM_NEWRULE": 32, "RTM_DELRULE": 33, "RTM_GETRULE": 34,
    "RTM_NEWQDISC": 36, "RTM_DELQDISC": 37, "RTM_GETQDISC": 38,
    "RTM_NEWTFILTER": 44, "RTM_DELTFILTER": 45, "RTM_GETTFILTER": 46,
    "RTM_NEWNSID": 88, "RTM_GETNSID": 90,
}  # fmt: skip


class Request(NamedTuple):
    """One netlink message. ``answer``: the kernel sends one message back (a GET of one object). ``raw``: a dumped one, to be sent again."""

    type: str
    fields: Mapping[str, Any] = {}
    attrs: Sequence[tuple[str, Any]] = ()
    flags: int = 0
    answer: bool = False
    raw: bytes = b""


class Message(NamedTuple):
    """A decoded answer: header fields, attributes by name, and the bytes it came in."""

    fields: Mapping[str, Any]
    attrs: Mapping[str, Any]
    raw: bytes = b""


def attributes(nested: Any) -> Mapping[str, Any]:
    """The attributes of a message or of a nested attribute, by name; None has none."""
    if nested is None:
        return {}
    return nested if isinstance(nested, narrow.Attributes) else _General(nested["attrs"])


class _General(Mapping[str, Any]):
    """Attributes as pyroute2 has them, who decodes a value when it is asked for."""

    def __init__(self, slots: Iterable[Any]) -> None:
        self._slots = {slot[0]: slot for slot in slots}

    def __getitem__(self, name: str) -> Any:
        return self._slots[name][1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._slots)

    def __len__(self) -> int:
        return len(self._slots)


def required(answer: Any) -> Message:
    """The message that answers a request; the kernel's refusal is raised."""
    if isinstance(answer, KernelError):
        raise answer
    message: Message = answer
    return message


class Codec:
    """Requests to bytes and bytes to messages: by narrow.py what it knows, and else by pyroute2, imported when it is needed."""

    def __init__(self) -> None:
        if importlib.util.find_spec("pyroute2") is None:  # said before anything is done, though it may not be needed
            raise _missing("No module named 'pyroute2'")
        self._general: GeneralCodec | None = None

    @property
    def general(self) -> GeneralCodec:
        if self._general is None:
            self._general = GeneralCodec()
        return self._general

    def encode(self, request: Request, flags: int, sequence: int) -> bytes:
        if request.raw:
            return narrow.again(RTM[request.type], request.raw, request.flags | flags | NLM_F_REQUEST, sequence)
        written = narrow.write(RTM[request.type], request.fields, request.attrs, request.flags | flags | NLM_F_REQUEST, sequence)
        return self.general.encode(request, flags, sequence) if written is None else written

    def decode(self, number: int, raw: bytes) -> Message:
        found = narrow.read(number, raw)
        return self.general.decode(number, raw) if found is None else Message(*found, raw)


class GeneralCodec:
    """The same for all that pyroute2 knows. What a version of it lacks is added here, and nowhere else."""

    def __init__(self) -> None:
        try:
            from pyroute2.netlink import nla
            from pyroute2.netlink.rtnl.fibmsg import fibmsg
            from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
            from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
            from pyroute2.netlink.rtnl.ndmsg import ndmsg
            from pyroute2.netlink.rtnl.nsidmsg import nsidmsg
            from pyroute2.netlink.rtnl.rtmsg import rtmsg
        except ImportError as error:
            raise _missing(str(error)) from error

        class Address(ifaddrmsg):  # type: ignore[misc]  # IFA_PROTO came with 0.7.3
            __slots__ = ()
            nla_map = _extended(ifaddrmsg.nla_map, ("IFA_RT_PRIORITY", "uint32"), ("IFA_TARGET_NETNSID", "uint32"), ("IFA_PROTO", "uint8"))

        class Neighbour(ndmsg):  # type: ignore[misc]  # NDA_PROTOCOL is missing in 0.7.2
            __slots__ = ()
            nla_map = _extended(ndmsg.nla_map, ("NDA_LINK_NETNSID", "uint32"), ("NDA_SRC_VNI", "uint32"), ("NDA_PROTOCOL", "uint8"))

        class Ipvlan(nla):  # type: ignore[misc]  # IFLA_IPVLAN_FLAGS is missing
            prefix = "IFLA_"
            nla_map = (("IFLA_IPVLAN_UNSPEC", "none"), ("IFLA_IPVLAN_MODE", "uint16"), ("IFLA_IPVLAN_FLAGS", "uint16"))

        class Netkit(nla):  # type: ignore[misc]  # no version knows it
            info_peer = staticmethod(ifinfmsg.ifinfo.veth_data.info_peer)
            nla_map = (
                ("IFLA_NETKIT_UNSPEC", "none"),
                ("IFLA_NETKIT_PEER_INFO", "info_peer"),
                ("IFLA_NETKIT_PRIMARY", "uint8"),
                ("IFLA_NETKIT_POLICY", "uint32"),
                ("IFLA_NETKIT_PEER_POLICY", "uint32"),
                ("IFLA_NETKIT_MODE", "uint32"),
            )

        known = {**ifinfmsg.ifinfo.data_map, "ipvlan": Ipvlan, "netkit": Netkit}

        class Info(ifinfmsg.ifinfo):  # type: ignore[misc]
            data_map = known

        class Link(ifinfmsg):  # type: ignore[misc]
            ifinfo = Info

        by_object = (Link, Address, rtmsg, Neighbour, fibmsg)
        self._classes: dict[int, Any] = {number: by_object[(number - 16) // 4] for number in range(16, 35)}
        self._classes[RTM["RTM_NEWNSID"]] = self._classes[RTM["RTM_GETNSID"]] = nsidmsg

    def encode(self, request: Request, flags: int, sequence: int) -> bytes:
        number = RTM[request.type]
        message = self._classes[number]()
        for name, value in request.fields.items():
            message[name] = value
        message["attrs"] = list(request.attrs)
        message["header"]["type"] = number
        message["header"]["flags"] = request.flags | flags | NLM_F_REQUEST
        message["header"]["sequence_number"] = sequence
        message.encode()
        return bytes(message.data)

    def decode(self, number: int, raw: bytes) -> Message:
        return _decoded(self._classes[number], raw)


def _missing(reason: str) -> NetnsError:
    return EnvironmentMissing.of(
        f"pyroute2 cannot be imported ({reason}): install python3-pyroute2 for the system's Python, or pyroute2 for "
        "the Python that ansible_python_interpreter names; the role weft.netns.prepare does either"
    )


class GenericCodec:
    """The same for a family of generic netlink (genetlink(7)); imported only where one is talked to."""

    def __init__(self) -> None:
        from pyroute2.netlink import ctrlmsg
        from pyroute2.netlink.generic.wireguard import wgmsg

        self._classes = {"nlctrl": ctrlmsg, "wireguard": wgmsg}

    def encode(self, family: str, number: int, command: int, attrs: Sequence[tuple[str, Any]], flags: int) -> bytes:
        message = self._classes[family]()
        message["cmd"], message["version"], message["attrs"] = command, 1, list(attrs)
        message["header"].update(type=number, flags=flags | NLM_F_REQUEST, sequence_number=number)
        message.encode()
        return bytes(message.data)

    def decode(self, family: str, raw: bytes) -> Message:
        return _decoded(self._classes[family], raw)


def _decoded(known: Any, raw: bytes) -> Message:
    message = known(raw)
    message.decode()
    return Message(message, attributes(message), raw)


def _extended(nla_map: tuple[tuple[str, str], ...], *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    known = {name for name, kind in nla_map}
    return tuple(nla_map) + tuple(item for item in more if item[0] not in known)
