# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VLANs of a bridge's port, or of the bridge itself, where it filters them (bridge-vlan(8))."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..schema import Listing, Record, boolean, integer


@dataclass(frozen=True, order=True)
class Vlan:
    """One that a port lets pass (bridge-vlan(8))."""

    id: int
    pvid: bool = False
    untagged: bool = False


@dataclass(frozen=True)
class Vlans:
    """All VLANs of a port, sorted: what is not in here does not pass."""

    items: tuple[Vlan, ...]

    def __str__(self) -> str:
        words = []
        for first, last in self.ranges():
            number = str(first.id) if first == last else f"{first.id}-{last.id}"
            words.append(number + (" pvid" if first.pvid else "") + (" untagged" if first.untagged else ""))
        return ", ".join(words) or "none"

    def ranges(self) -> Iterator[tuple[Vlan, Vlan]]:
        """First and last of each run of VLANs with the same flags."""
        run: list[Vlan] = []
        for vlan in self.items:
            if run and (vlan.id != run[-1].id + 1 or (vlan.pvid, vlan.untagged) != (run[0].pvid, run[0].untagged) or vlan.pvid):
                yield run[0], run[-1]
                run = []
            run.append(vlan)
        if run:
            yield run[0], run[-1]

    def less(self, others: Vlans) -> Vlans:
        return Vlans(tuple(vlan for vlan in self.items if vlan not in others.items))

    def document(self) -> list[dict[str, Any]]:
        found = []
        for first, last in self.ranges():
            number: int | str = first.id if first == last else f"{first.id}-{last.id}"
            flags = {key: True for key in ("pvid", "untagged") if getattr(first, key)}
            found.append({"id": number, **flags})
        return found


MADE_WITH = Vlans((Vlan(1, pvid=True, untagged=True),))  # what the kernel gives to a new port, and to a new bridge


def _ids(value: Any) -> range:
    """A number, or a range such as 100-199."""
    number = integer(1, 4094)
    low, dash, high = str(value).partition("-")
    first, last = number(low), number(high if dash else low)
    if first > last:
        raise ValueError("a range begins with its lower id")
    return range(first, last + 1)


def _entry(values: Mapping[str, Any]) -> tuple[Vlan, ...]:
    pvid, untagged = values.get("pvid", False), values.get("untagged", False)
    if pvid and len(values["id"]) > 1:
        raise ValueError("one VLAN can be the pvid, not a range")
    return tuple(Vlan(each, pvid, untagged) for each in values["id"])


def _all(entries: Iterable[Iterable[Vlan]]) -> Vlans:
    items = sorted(vlan for entry in entries for vlan in entry)
    twice = [one.id for one, other in zip(items, items[1:]) if one.id == other.id]
    pvids = [vlan.id for vlan in items if vlan.pvid]
    if twice:
        raise ValueError(f"VLAN {twice[0]} is listed twice")
    if len(pvids) > 1:
        raise ValueError(f"VLANs {pvids[0]} and {pvids[1]} cannot both be the pvid")
    return Vlans(tuple(items))


VLANS = Listing(Record({"id": _ids, "pvid": boolean, "untagged": boolean}, ("id",), _entry), _all)
