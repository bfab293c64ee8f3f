# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception family of the engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where (a path into the document, may be empty) and what."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class NetnsError(Exception):
    """Base of all errors the engine raises. Carries every fault found, not just the first."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    @classmethod
    def of(cls, message: str, path: str = "") -> NetnsError:
        """An error with a single fault."""
        return cls([Fault(path, message)])


class DocumentError(NetnsError):
    """The host document is wrong. Raised before the kernel is looked at."""


class ConflictError(NetnsError):
    """The document cannot hold on this host as it is. Raised before anything is changed."""


class EnvironmentMissing(NetnsError):
    """Something the engine needs is not there: pyroute2, a capability."""


class LockedError(NetnsError):
    """Another run holds the lock of this host."""


class StepError(NetnsError):
    """The kernel refused a step. What was done before it has been undone."""


class NotConverged(NetnsError):
    """After all steps the host still differs from the document."""


class KernelError(NetnsError):
    """The kernel's own answer: an errno and, where it gave one, its message (extended ack)."""

    def __init__(self, errno: int, message: str) -> None:
        self.errno = errno
        super().__init__([Fault("", message)])
