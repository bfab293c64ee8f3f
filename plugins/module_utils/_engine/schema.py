# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of single values. Each takes what a document has and returns the canonical form, or raises ValueError."""

from __future__ import annotations

import base64
import ipaddress
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

from .model import HOST, LOCAL_TABLE, MAIN_TABLE, rate_words

Check = Callable[[Any], Any]

IFNAMSIZ = 16
ANY = ("0.0.0.0", "::")
TABLES = {"default": 253, "main": MAIN_TABLE, "local": LOCAL_TABLE}
MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
CONTROL = re.compile(r"[\x00-\x20\x7f]")


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is not true or false")
    return value


def integer(low: int, high: int) -> Check:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, str)) or not re.fullmatch(r"-?(\d+|0x[0-9a-fA-F]+)", str(value)):
            raise ValueError(f"{value!r} is not a whole number")
        number = int(str(value), 0 if "x" in str(value) else 10)
        if not low <= number <= high:
            raise ValueError(f"{number} is not within {low} to {high}")
        return number

    return check


def choice(*allowed: str) -> Check:
    def check(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"{value!r} is not one of {', '.join(allowed)}")
        return str(value)

    return check


def text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not a text")
    return value


def file_name(value: Any) -> str:
    """The name of a namespace: it becomes a file name, so nothing that leads elsewhere."""
    name = text(value)
    if name in (".", "..") or "/" in name or CONTROL.search(name):
        raise ValueError(f"{name!r} is no name: no '/', '.', '..', white space or control characters")
    if len(name.encode()) > 255:
        raise ValueError(f"{name[:20]!r}… is longer than 255 bytes")
    return name


def namespace_name(value: Any) -> str:
    if value == HOST:
        raise ValueError("'host' is reserved: it is the host's own namespace")
    return file_name(value)


def link_name(value: Any) -> str:
    """As dev_valid_name() in net/core/dev.c has it, and no template for dev_alloc_name()."""
    name = text(value)
    if name in (".", "..") or re.search(r"[/:%]", name) or CONTROL.search(name):
        raise ValueError(f"{name!r} is no link name: no '/', ':', '%', '.', '..', white space or control characters")
    if len(name.encode()) >= IFNAMSIZ:
        raise ValueError(f"{name!r} has {len(name.encode())} bytes, a link's name at most {IFNAMSIZ - 1}")
    return name


def plain_link_name(value: Any) -> str:
    """A link's name that nftables takes as it is: it has no way to quote, and a `*` would stand for any ending."""
    name = link_name(value)
    if not re.fullmatch(r"[A-Za-z0-9_.@-]+", name):
        raise ValueError(f"{name!r} cannot be named in a filter: only letters, digits, '_', '.', '@' and '-' can")
    return name


def mac(value: Any) -> str:
    """Canonical: lower case, colons. Unicast only."""
    address = str(value).lower().replace("-", ":")
    if not MAC.fullmatch(address):
        raise ValueError(f"{value!r} is not a MAC address")
    if int(address[:2], 16) & 1 or address == "00:00:00:00:00:00":
        raise ValueError(f"{value} is not a unicast MAC address")
    return address


def ip(value: Any) -> str:
    """As the C library spells it, and pyroute2 with it."""
    try:
        family = socket.AF_INET6 if ":" in _unscoped(value) else socket.AF_INET
        return socket.inet_ntop(family, socket.inet_pton(family, value))
    except (OSError, ValueError):
        raise ValueError(f"{value!r} is not an IP address") from None


def interface(value: Any) -> str:
    """An address with its prefix length, as on a link: 10.0.0.1/24. A netmask tells the length as well."""
    try:
        written, _slash, mask = _unscoped(value).partition("/")
        address = ip(written)
        length = int(mask) if mask.isdecimal() else ipaddress.IPv4Network(f"0.0.0.0/{mask}").prefixlen
    except ValueError:
        address, length = ANY[0], 0
    if address in ANY or length > (128 if ":" in address else 32):
        raise ValueError(f"{value!r} is not an address with a prefix length, such as 10.0.0.1/24")
    return f"{address}/{length}"


def network(value: Any) -> str:
    """A prefix; an address alone is a host's own."""
    try:
        parsed = ipaddress.ip_network(_unscoped(value))
    except ValueError as error:
        raise ValueError(f"{value!r} is not a prefix such as 10.0.0.0/24 ({error})") from None
    return f"{ip(str(parsed.network_address))}/{parsed.prefixlen}"


def _unscoped(value: Any) -> str:
    """A text without a zone: the link is told by another key."""
    if not isinstance(value, str) or "%" in value:
        raise ValueError("no zone here")
    return value


RATE = re.compile(r"(\d+(?:\.\d+)?)(?:([kmgt]i?)?(bit|bps))?", re.IGNORECASE)
SLOWEST, FASTEST = 8_000, 10**12  # bit/s; a bucket of packets takes longer to fill at less than the kernel can tell


def rate(value: Any) -> int:
    """Bits per second, from the words of tc(8): 100mbit. As there, bps is bytes per second, an `i` counts by 1024."""
    from fractions import Fraction  # only rates need it

    found = RATE.fullmatch(str(value)) if isinstance(value, (int, str)) and not isinstance(value, bool) else None
    if not found:
        raise ValueError(f"{value!r} is not a rate such as 100mbit")
    number, prefix, unit = ((part or "").lower() for part in found.groups())
    scale = (1024 if "i" in prefix else 1000) ** " kmgt".index(prefix[:1] or " ")
    bits = int(Fraction(number) * scale * (8 if unit == "bps" else 1)) // 8 * 8  # the kernel counts bytes
    if not SLOWEST <= bits <= FASTEST:
        raise ValueError(f"{value} is not within {rate_words(SLOWEST)} to {rate_words(FASTEST)}")
    return bits


def selector(value: Any) -> str:
    """A prefix that a rule looks at, or all."""
    return "all" if value == "all" else str(network(value))


def table(value: Any) -> int:
    """A routing table by its number, or by one of the names that every system has (rtnetlink(7))."""
    return TABLES[value] if isinstance(value, str) and value in TABLES else int(integer(1, 0xFFFFFFFF)(value))


def ports(value: Any) -> tuple[int, int]:
    """A port, or a range of them: the first and the last."""
    first, dash, last = str(value).partition("-")
    number = integer(1, 65535)
    found = number(first.strip()), number(last.strip() if dash else first.strip())
    if found[1] < found[0]:
        raise ValueError(f"{value} ends before it begins")
    return found


@dataclass(frozen=True)
class Listing:
    """A list whose items are checked one by one, each fault with its index (see parse.py), and then as a ``whole``."""

    item: Check
    whole: Check = tuple

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"{value!r} is not a list")
        return self.whole([self.item(each) for each in value])


@dataclass(frozen=True)
class Record:
    """A mapping whose values are checked one by one, each fault with its key (see parse.py), and then as a ``whole``."""

    checks: Mapping[str, Check]
    required: tuple[str, ...] = ()
    whole: Check = dict

    def __call__(self, value: Any) -> Any:
        raise ValueError(f"{value!r} is not a mapping")


def path(value: Any) -> str:
    name = str(value)
    if not isinstance(value, str) or not name.startswith("/") or "\0" in name:
        raise ValueError(f"{value!r} is not an absolute path")
    return name


def key(value: Any) -> str:
    """A key of Curve25519, as wg(8) prints it."""
    try:
        raw = base64.b64decode(text(value), validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise ValueError("not a key: 44 characters of base64, as wg genkey and wg pubkey print them")
    return base64.b64encode(raw).decode()


def private_key(value: Any) -> str:
    """With those bits set and cleared that the kernel sets and clears (curve25519_clamp_secret())."""
    raw = bytearray(base64.b64decode(key(value)))
    raw[0] &= 0xF8
    raw[31] = raw[31] & 0x7F | 0x40
    return base64.b64encode(raw).decode()


def endpoint(value: Any) -> str:
    """Address and port; an IPv6 address in brackets."""
    host, colon, port = text(value).rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        address, number = ip(host[1:-1] if bracketed else host), integer(1, 65535)(port)
    except ValueError:
        address = ""
    if not colon or not address or bracketed != (":" in address):
        raise ValueError(f"{value!r} is not an address and a port, such as 192.0.2.1:51820 or [2001:db8::1]:51820")
    return f"[{address}]:{number}" if bracketed else f"{address}:{number}"


def fwmark(value: Any) -> str:
    """mark or mark/mask, as ip-rule(8) has them; canonical in hexadecimal with the mask."""
    mark, slash, mask = str(value).partition("/")
    number = integer(0, 0xFFFFFFFF)
    return f"{number(mark):#x}/{number(mask if slash else '0xffffffff'):#x}"


def sysctl_name(value: Any) -> str:
    """`net.` and plain names; a `/` inside a component stands for a dot, as in sysctl(8)."""
    name = text(value)
    parts = name.split(".")
    plain = all(part.replace("/", ".") not in ("", ".", "..") and not CONTROL.search(part) for part in parts)
    if parts[0] != "net" or len(parts) < 3 or not plain:
        raise ValueError(f"{name!r} is no sysctl of a network namespace: net.… with plain names between the dots")
    return name


def sysctl_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    words = " ".join(str(value).split())
    if not isinstance(value, (int, str)) or not words:
        raise ValueError(f"{value!r} is no value of a sysctl")
    return words
