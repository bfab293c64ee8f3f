# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A step: one change of one kernel object, as a value. Its undo is the same step read backwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

from .filters import Filter
from .jail import Jail
from .kinds.port import DEFAULTS as PORT_DEFAULTS
from .kinds.vlans import MADE_WITH
from .model import Address, Link, Namespace, Object, Rate, Resolver, Route, Rule, Sysctl, WireGuard, replace

WIDE = (Route, Rule, Sysctl, Resolver, Filter)  # objects of a whole namespace; the others belong to a link

SHOWN = 3


@dataclass(frozen=True)
class Pair:
    """A pair of links. The request is sent to the namespace of ``outer``."""

    outer: Link
    inner: Link
    inside: str  # namespace of ``inner``


@dataclass(frozen=True)
class Lease:
    """A device of the host that is in another namespace for a while. ``inside`` is the host: it came back by itself."""

    inside: str
    link: Link  # as it is called there
    device: Link  # as it is on the host
    addresses: Mapping[str, str] = field(default_factory=dict)  # that it had there; the kernel's own messages, in hexadecimal


@dataclass(frozen=True)
class Transfer:
    """Addresses of the host, and the routes that lead by their link, from one of its links to another."""

    giver: str
    taker: str
    addresses: tuple[Address, ...]
    routes: tuple[Route, ...]

    def arrived(self, item: Object) -> Any:
        """One of them, where it is moved to."""
        if isinstance(item, Route):
            hops = tuple(hop._replace(link=self.taker) if hop.link == self.giver else hop for hop in item.nexthops)
            return replace(item, nexthops=hops)
        return replace(item, link=self.taker)

    @property
    def told(self) -> list[Object]:
        """Those that somebody made, rather than the kernel with an address."""
        return [*self.addresses, *(each for each in self.routes if not each.automatic)]


@dataclass(frozen=True)
class Leftover:
    """A file under /run/netns that an interrupted run left behind."""

    name: str


Item = Union[Namespace, Leftover, Pair, Lease, Transfer, Link, Object]


@dataclass(frozen=True)
class Step:
    """``before`` None: it is made; ``after`` None: it is deleted; else it is changed."""

    namespace: str
    before: Item | None
    after: Item | None
    note: str = ""

    @property
    def item(self) -> Any:
        return self.after if self.after is not None else self.before

    @property
    def inverse(self) -> Step:
        return Step(self.namespace, self.after, self.before)

    @property
    def links(self) -> list[tuple[str, Link]]:
        """Links that the step is about, with their namespaces."""
        if isinstance(self.item, Pair):
            return [(self.namespace, self.item.outer), (self.item.inside, self.item.inner)]
        if isinstance(self.item, Lease):
            return [(self.item.inside, self.item.link)]
        return [(self.namespace, self.item)] if isinstance(self.item, Link) else []

    @property
    def text(self) -> str:
        verb = "change" if self.before and self.after else "create" if self.after else "delete"
        if isinstance(self.item, Namespace) and self.item.path:
            verb = "adopt" if self.after else "release"
        if isinstance(self.item, Lease):
            verb = "move" if self.after and not self.before else "rename" if self.after else "give back"
        if isinstance(self.item, Transfer):
            verb = "move"
        note = f" ({self.note})" if self.note else ""
        return f"{verb} {_describe(self)}{note}"


def fresh(link: Link) -> Link:
    """What a link is right after its creation. The ioctl that makes a tun device takes nothing but its mode and owner."""
    bare = replace(link, state="down", port=dict(PORT_DEFAULTS) if link.master else {})
    if "vlans" in link.attributes:  # of a bridge: they come by a request of their own
        return replace(bare, attributes={**link.attributes, "vlans": MADE_WITH})
    return replace(bare, mac=None, mtu=None, master=None, txqueuelen=None) if link.kind == "tun" else bare


def _describe(step: Step) -> str:
    item = step.item
    if isinstance(item, Namespace):
        return f"namespace {item.name}" + (f" from {item.path}" if item.path and step.after else "")
    if isinstance(item, Leftover):
        return f"file /run/netns/{item.name}, left by an interrupted run"
    if isinstance(item, Pair):
        return f"link {item.inside}/{item.inner.name} {item.outer.kind} to {step.namespace}/{item.outer.name}"
    if isinstance(item, Lease):
        return _lease(step)
    if isinstance(item, Transfer):
        return _transfer(step.namespace, item)
    if isinstance(item, Link):
        changed = isinstance(step.before, Link) and isinstance(step.after, Link)
        return f"link {step.namespace}/{item.name} " + (differences(step.before, step.after) if changed else str(item.kind))  # type: ignore[arg-type]
    if isinstance(item, Jail):
        return item.text + (f", was {step.before.text.partition(' ')[2]}" if isinstance(step.before, Jail) and step.after else "")
    noun, _space, rest = item.text.partition(" ")
    if isinstance(item, Sysctl):
        return f"sysctl {step.namespace} {item.name} " + (
            f"{step.before.value} to {item.value}" if isinstance(step.before, Sysctl) else f"to {item.value}"
        )
    if isinstance(step.before, Rate) and isinstance(step.after, Rate):
        was, will = step.before.words, step.after.words
        return f"rate {step.namespace}/{item.link} " + (f"{was} to {will}" if was != will else f"{will}: its bucket and queue")
    if isinstance(step.before, WireGuard) and isinstance(step.after, WireGuard):
        return f"wireguard {step.namespace}/{item.link} {_wireguard_differences(step.before, step.after)}"
    if isinstance(step.before, Filter) and isinstance(step.after, Filter):
        return f"filter {step.namespace}: {_filter_differences(step.before, step.after)}"
    was = f", was {step.before.text.partition(' ')[2]}" if step.before and step.after else ""  # type: ignore[union-attr]
    return f"{noun} {step.namespace}{' ' if isinstance(item, WIDE) else '/'}{rest}{was}"


def _lease(step: Step) -> str:
    item: Lease = step.item
    here, there = f"{item.inside}/{item.link.name}", f"{step.namespace}/{item.device.name}"
    if step.before is None:
        return f"link {there} to {here}"
    if isinstance(step.before, Lease) and step.after is not None:
        return f"link {item.inside}/{step.before.link.name} to {item.link.name}"
    return f"link {here} as {there}"


def _transfer(namespace: str, item: Transfer) -> str:
    words = [f"{each.ip}/{each.prefixlen}" if isinstance(each, Address) else each.text for each in item.told]
    return f"from {namespace}/{item.giver} to {namespace}/{item.taker}: {', '.join(words)}"


def flat(link: Link) -> dict[str, Any]:
    """All that a step can change of a link, by the document's keys."""
    own = {key: getattr(link, key) for key in ("state", "mtu", "mac", "master", "txqueuelen")}
    kind = {key: value for key, value in link.attributes.items() if key not in ("peer", "namespace", "link")}
    return {**own, **kind, **{f"port {key}": value for key, value in link.port.items()}}


def differences(before: Link, after: Link) -> str:
    was = flat(before)
    return ", ".join(f"{key} {word(was.get(key))} to {word(value)}" for key, value in flat(after).items() if was.get(key) != value)


def _wireguard_differences(before: WireGuard, after: WireGuard) -> str:
    """Keys are secret: that they differ is all that is told."""
    words = ["private key"] if before.private_key != after.private_key else []
    for key in ("listen_port", "fwmark"):
        if getattr(before, key) != getattr(after, key):
            words.append(f"{key} {word(getattr(before, key))} to {word(getattr(after, key))}")
    had, have = ({peer.public_key: peer for peer in each.peers or ()} for each in (before, after))
    for verb, peers in (
        ("add", have.keys() - had),
        ("remove", had.keys() - have),
        ("change", {key for key in had.keys() & have if had[key] != have[key]}),
    ):
        words += [f"{verb} peer {key}" for key in sorted(peers)]
    return ", ".join(words)


def _filter_differences(before: Filter, after: Filter) -> str:
    """Which links get another guard, and what else becomes another."""
    words = _comings("guards of", *({guard.link: guard for guard in item.guards} for item in (before, after)))
    words += _comings("published", *({entry.text: entry for entry in item.publish} for item in (before, after)))
    words += [part for part in ("isolated", "masquerade", "anycast") if getattr(before, part) != getattr(after, part)]
    return "; ".join(words + ([] if before.intact else ["changed by hand"]))


def _comings(noun: str, was: Mapping[str, Any], will: Mapping[str, Any]) -> list[str]:
    """Which of them come, go and become others."""
    words = []
    for verb, names in (
        ("add", will.keys() - was),
        ("remove", was.keys() - will),
        ("change", {name for name in was.keys() & will if was[name] != will[name]}),
    ):
        shown = ", ".join(sorted(names)[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
        words += [f"{verb} {noun} {shown}"] if names else []
    return words


def word(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def split_where_bridges_rise(steps: Sequence[Step]) -> tuple[Sequence[Step], Sequence[Step]]:
    """The steps until the first bridge comes up, and the others."""
    first = next((number for number, step in enumerate(steps) if _raises_bridge(step)), len(steps))
    return steps[:first], steps[first:]


def _raises_bridge(step: Step) -> bool:
    before, after = step.before, step.after
    return isinstance(before, Link) and isinstance(after, Link) and after.kind == "bridge" and (before.state, after.state) == ("down", "up")
