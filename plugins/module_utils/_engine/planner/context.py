# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts of one plan share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from .. import cascade
from ..cascade import End
from ..claims import Ledger
from ..errors import Fault
from ..model import HOST, Namespace, Observed


@dataclass
class Context:
    """``purge``: what is ours and not declared goes. ``absent``: what is declared goes.

    ``now`` starts as what was observed and becomes, part by part, what is there when the steps planned so far are done.
    """

    desired: dict[str, Namespace]
    observed: Observed
    ledger: Ledger
    purge: bool
    absent: bool
    now: dict[str, Namespace] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = dict(self.observed.namespaces)

    @property
    def name(self) -> str:
        return self.ledger.name

    @cached_property
    def followers(self) -> dict[End, list[End]]:
        """Links that come up and go down with another, by that other: those that are there and those that will be."""
        return cascade.followers([*self.observed.namespaces.values(), *self.desired.values()])

    def own(self, namespace: str) -> bool:
        """A namespace of this document: everything in it is ours."""
        ns = self.now.get(namespace)
        return namespace != HOST and ns is not None and ns.owner == self.name

    def wanted(self, namespace: str) -> Namespace:
        """What is declared of a namespace; an empty one if it is not declared."""
        return self.desired.get(namespace) or Namespace(namespace)

    def fault(self, namespace: str, message: str, *where: str) -> None:
        path = namespace if namespace == HOST else f"namespaces.{namespace}"
        fault = Fault(".".join([path, *where]), message)
        if fault not in self.faults:
            self.faults.append(fault)


def whose(owner: str | None) -> str:
    """Words for a thing that is not ours."""
    return "was not made by weft.netns" if owner is None else f"belongs to the document {owner!r}"


def listed(names: Iterable[str]) -> str | None:
    """The first of the documents that claim a thing; None: nobody does."""
    return next(iter(sorted(names)), None)
