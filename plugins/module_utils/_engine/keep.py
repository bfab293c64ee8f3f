# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents that outlast a reboot: a file for each, from which `weft-netns apply` makes the network again at boot.

The folder turns this on: where it is not, nothing is kept.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import DocumentError, Fault, NetnsError, StepError
from .schema import file_name

FOLDER = "/etc/weft-netns/documents"
ENDING = ".json"
DRAFT = ".new"
NAME_BYTES = 255 - len(ENDING + DRAFT)


@dataclass(frozen=True)
class Kept:
    """``left_out``: what the host was not ready for when the document was applied, the warnings of that run."""

    document: Mapping[str, Any]
    left_out: Collection[str] = ()


@dataclass(frozen=True)
class Change:
    """The text of a document's file before and after; None: there is none."""

    folder: str
    name: str
    before: str | None
    after: str | None

    @property
    def text(self) -> str:
        verb = "stop keeping" if self.after is None else "keep"
        return f"{verb} document {self.name} for the next boot"

    @property
    def shown(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Before and after, as in the diff of a run."""
        return _shown(self.name, self.before), _shown(self.name, self.after)

    def carry_out(self) -> None:
        """It is on disk when this returns. After an error, the folder has what it had.

        :raises StepError: naming the file.
        """
        path = _path(self.folder, self.name)
        try:
            _replace(path, self.after)
        except OSError as error:
            with contextlib.suppress(OSError):
                _replace(path, self.before)
            raise StepError.of(f"{self.text}: {path}: {error.strerror}") from error


@dataclass(frozen=True)
class Keeper:
    """What becomes of a run's document at the next boot. ``folder`` None: nothing; ``document`` None: it goes."""

    folder: str | None
    name: str
    document: Mapping[str, Any] | None
    purge: bool

    def decide(self, left_out: Collection[str]) -> tuple[Change | None, list[str]]:
        """What has to be done in the folder, and warnings. A run that no boot could repeat leaves there what is there."""
        if self.folder is None:
            return None, []
        obstacle = self._obstacle()
        if obstacle:
            return None, [f"document {self.name} is not kept for the next boot: {obstacle}"]
        before = _read(_path(self.folder, self.name))
        after = None if self.document is None else json.dumps({"document": self.document, "left_out": sorted(left_out)}, sort_keys=True)
        return Change(self.folder, self.name, before, after) if before != after else None, []

    def _obstacle(self) -> str:
        if not self.purge:
            return "without purge it is not all that this name has"
        spaces = (self.document or {}).get("namespaces") or {}
        bound = sorted(name for name, space in spaces.items() if _bound_to_process(space or {}))
        return f"processes get other numbers then ({', '.join(bound)})" if bound else ""


def folder() -> str | None:
    """Where this host keeps documents; None: nowhere.

    The host is where the first process is: what a test or a demo does in a namespace of its own is not kept.
    """
    try:
        first, own = os.stat("/proc/1/ns/net"), os.stat("/proc/thread-self/ns/net")
    except OSError:  # only root may look at the first process
        return None
    return FOLDER if os.path.samestat(first, own) and os.path.isdir(FOLDER) else None


def check_name(name: str) -> None:
    """The name of a document can be that of a file, whether or not this host keeps it.

    :raises DocumentError: if it cannot.
    """
    try:
        if name and len(file_name(name).encode()) > NAME_BYTES:
            raise ValueError(f"{name[:20]!r}… is longer than {NAME_BYTES} bytes")
    except ValueError as error:
        raise DocumentError([Fault("name", str(error))]) from None


def names(place: str) -> list[str]:
    """Names of the documents that a folder keeps, sorted."""
    return sorted(each[: -len(ENDING)] for each in os.listdir(place) if each.endswith(ENDING))


def load(place: str, name: str) -> Kept:
    """A document that a folder keeps.

    :raises NetnsError: there is none of that name, or the file is damaged.
    """
    path = _path(place, name)
    text = _read(path)
    if text is None:
        raise NetnsError.of(f"there is no {path}")
    try:
        content = json.loads(text)
        return Kept(content["document"], content["left_out"])
    except (ValueError, KeyError, TypeError) as error:
        raise NetnsError.of(f"{path} is damaged ({error!r}): apply the document again, or remove the file") from None


def _bound_to_process(space: Mapping[str, Any]) -> bool:
    return space.get("pid") is not None or str(space.get("path") or "").startswith("/proc/")


def _shown(name: str, text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        return {"documents": {name: json.loads(text)}}
    except ValueError:  # damaged, and about to be replaced
        return {"documents": {name: text}}


def _path(place: str, name: str) -> str:
    return f"{place}/{name}{ENDING}"


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NetnsError.of(f"{path}: {error.strerror}") from error


def _replace(path: str, text: str | None) -> None:
    """In one step: a crash leaves the old file or the new one, whole. A draft that one has left behind is taken over."""
    if text is None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    else:
        with open(os.open(path + DRAFT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + DRAFT, path)
    directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
