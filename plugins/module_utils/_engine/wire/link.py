# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links (rtnetlink(7), if_link.h): made in their final place, changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

from ..codec import NLM_F_CREATE, NLM_F_EXCL, Message, Request, attributes
from ..kinds import KINDS
from ..kinds.port import DEFAULTS as PORT_DEFAULTS
from ..kinds.port import PORT
from ..model import ALIAS, Link
from . import vlans

IFF_UP = 0x1
RTEXT_FILTER_SKIP_STATS = 8
LOOPBACK_INDEX = 1
DUMP = Request("RTM_GETLINK", attrs=[("IFLA_EXT_MASK", RTEXT_FILTER_SKIP_STATS)])


class Seen(NamedTuple):
    """A link as dumped, before names are put to the indexes it refers to."""

    link: Link
    master: int
    parent: int  # index of its peer or lower link; 0: none
    nsid: int | None  # id of the namespace where that is; None: the same


def decode(message: Message) -> Seen:
    fields, attrs = message.fields, message.attrs
    info = attributes(attrs.get("IFLA_LINKINFO"))
    kind = KINDS.get(info.get("IFLA_INFO_KIND", ""))
    data = attributes(info.get("IFLA_INFO_DATA"))
    alias = attrs.get("IFLA_IFALIAS") or ""
    link = Link(
        name=attrs["IFLA_IFNAME"],
        kind=info.get("IFLA_INFO_KIND"),
        state="up" if fields["flags"] & IFF_UP else "down",
        mtu=attrs.get("IFLA_MTU"),
        mac=attrs.get("IFLA_ADDRESS"),
        txqueuelen=attrs.get("IFLA_TXQLEN"),
        attributes=kind.decode(data) if kind else {},
        port=PORT.decode(attributes(info.get("IFLA_INFO_SLAVE_DATA"))) if info.get("IFLA_INFO_SLAVE_KIND") == "bridge" else {},
        index=fields["index"],
        owner=alias[len(ALIAS) :] if alias.startswith(ALIAS) else None,
        permanent=not info.get("IFLA_INFO_KIND"),
        permanent_mac=(attrs.get("IFLA_PERM_ADDRESS") or "").lower() or None,
    )
    parent = (data if kind and kind.parent not in ("", "IFLA_LINK") else attrs).get(kind.parent if kind and kind.parent else "IFLA_LINK")
    return Seen(link, attrs.get("IFLA_MASTER") or 0, parent or 0, attrs.get("IFLA_LINK_NETNSID"))


def make(link: Link, owner: str, index: Callable[[str], int], parent: int = 0, target: int | None = None) -> list[Request]:
    """Create, mark, and ask for the index. ``parent``: index of its lower link; ``target``: descriptor of the
    namespace it shall be in, where that is not the one the request is sent to."""
    kind = KINDS[link.kind or ""]
    data = kind.encode(kind.asked(link.attributes))
    attrs = _common(link, index)
    if parent and kind.parent == "IFLA_LINK":
        attrs.append(("IFLA_LINK", parent))
    elif parent:
        data.append((kind.parent, parent))
    if target is not None:
        attrs.append(("IFLA_NET_NS_FD", target))
    attrs.append(("IFLA_LINKINFO", _info(kind.name, data)))
    create = Request("RTM_NEWLINK", {"index": link.index}, attrs, NLM_F_CREATE | NLM_F_EXCL)
    if target is not None:
        return [create]
    return [create, *_lasting_mtu(link), *mark(link.name, owner)]


def _lasting_mtu(link: Link) -> list[Request]:
    """A bridge follows its ports' MTU unless its own was changed after its creation (br_mtu_auto_adjust())."""
    if link.kind != "bridge" or not link.mtu:
        return []
    other = link.mtu + (1 if link.mtu < 65535 else -1)
    return [Request("RTM_NEWLINK", attrs=[("IFLA_IFNAME", link.name), ("IFLA_MTU", mtu)]) for mtu in (other, link.mtu)]


def make_pair(outer: Link, inner: Link, owner: str, index: Callable[[str], int], target: int | None) -> list[Request]:
    """Both ends of a pair by one request: the inner one in its namespace, with its name and MAC."""
    kind = KINDS[outer.kind or ""]
    peer = [*_common(inner, None), *([("IFLA_NET_NS_FD", target)] if target is not None else [])]
    data = [*kind.encode(outer.attributes), (kind.pair, {"index": inner.index, "attrs": peer})]
    attrs = [*_common(outer, index), ("IFLA_LINKINFO", _info(kind.name, data))]
    marks = [*mark(outer.name, owner), *(mark(inner.name, owner)[:1] if target is None else [])]
    return [Request("RTM_NEWLINK", {"index": outer.index}, attrs, NLM_F_CREATE | NLM_F_EXCL), *marks]


def mark(name: str, owner: str) -> list[Request]:
    """Mark a link as ours (the kernel ignores an alias in the create itself), and learn its index."""
    return [Request("RTM_SETLINK", attrs=[("IFLA_IFNAME", name), ("IFLA_IFALIAS", ALIAS + owner)]), ask(name)]


def ask(name: str) -> Request:
    """One link by its name."""
    return Request("RTM_GETLINK", attrs=[("IFLA_IFNAME", name), *DUMP.attrs], answer=True)


def move(index: int, name: str, target: int | None) -> Request:
    """Into the namespace with this descriptor, under this name; None: it stays where it is, and is renamed."""
    attrs: list[tuple[str, Any]] = [("IFLA_IFNAME", name)]
    return Request("RTM_NEWLINK", {"index": index}, attrs + ([("IFLA_NET_NS_FD", target)] if target is not None else []))


def down(index: int) -> Request:
    return Request("RTM_NEWLINK", {"index": index, "change": IFF_UP})


def loopback(owner: str) -> list[Request]:
    """A new namespace's first request: lo up, and marked as ours."""
    fields = {"index": LOOPBACK_INDEX, "flags": IFF_UP, "change": IFF_UP}
    return [Request("RTM_NEWLINK", fields, [("IFLA_IFALIAS", ALIAS + owner)])]


def change(before: Link, after: Link, position: int, index: Callable[[str], int]) -> list[Request]:
    """What differs, and nothing else. Attributes of a bridge port travel after the master is set, and before the link comes up."""
    fields: dict[str, Any] = {"index": position}
    attrs: list[tuple[str, Any]] = []
    for key, nla in (("mac", "IFLA_ADDRESS"), ("mtu", "IFLA_MTU"), ("txqueuelen", "IFLA_TXQLEN")):
        value = getattr(after, key)
        if value is not None and value != getattr(before, key):
            attrs.append((nla, value))
    if after.master != before.master:
        attrs.append(("IFLA_MASTER", index(after.master) if after.master else 0))
    data = KINDS[after.kind].encode(_differing(before.attributes, after.attributes)) if after.kind in KINDS else []
    if data:
        attrs.append(("IFLA_LINKINFO", _info(str(after.kind), data)))
    former = before.port if after.master == before.master else PORT_DEFAULTS  # another bridge makes another port of it
    port = PORT.encode(_differing(former, after.port)) if after.master else []
    filtered = [*_vlans(position, former, after.port, False), *_vlans(position, before.attributes, after.attributes, True)]
    state = {"flags": IFF_UP if after.state == "up" else 0, "change": IFF_UP} if after.state not in (None, before.state) else {}
    slave = {"attrs": [("IFLA_INFO_SLAVE_KIND", "bridge"), ("IFLA_INFO_SLAVE_DATA", {"attrs": port})]}
    last = [("IFLA_LINKINFO", slave)] if port else []
    if not last and not filtered:
        return [Request("RTM_NEWLINK", {**fields, **state}, attrs)] if attrs or state else []
    first = [Request("RTM_NEWLINK", fields, attrs)] if attrs else []
    return [*first, *filtered, *([Request("RTM_NEWLINK", {**fields, **state}, last)] if last or state else [])]


def _vlans(position: int, before: Mapping[str, Any], after: Mapping[str, Any], bridge: bool) -> list[Request]:
    differ = after.get("vlans") is not None and after["vlans"] != before.get("vlans")
    return vlans.change(position, before.get("vlans"), after["vlans"], bridge) if differ else []


def remove(link: Link) -> Request:
    """By index where it is known, else by name."""
    if link.index:
        return Request("RTM_DELLINK", {"index": link.index})
    return Request("RTM_DELLINK", attrs=[("IFLA_IFNAME", link.name)])


def _common(link: Link, index: Callable[[str], int] | None) -> list[tuple[str, Any]]:
    attrs: list[tuple[str, Any]] = [("IFLA_IFNAME", link.name)]
    if link.mac:
        attrs.append(("IFLA_ADDRESS", link.mac))
    if link.mtu and link.kind != "bridge":
        attrs.append(("IFLA_MTU", link.mtu))
    if link.txqueuelen is not None:
        attrs.append(("IFLA_TXQLEN", link.txqueuelen))
    if link.master and index:
        attrs.append(("IFLA_MASTER", index(link.master)))
    return attrs


def _info(kind: str, data: list[tuple[str, Any]]) -> dict[str, Any]:
    return {"attrs": [("IFLA_INFO_KIND", kind), *([("IFLA_INFO_DATA", {"attrs": data})] if data else [])]}


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in after.items() if before.get(key) != value}
