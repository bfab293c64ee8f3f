# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""State on disk: the claims of all documents on this host, and the lock of all writers.

It lives in /run, as long as what it tells of: a reboot clears the kernel and it alike. The
folder carries the cookie of the host's network namespace, so that an engine run inside another
namespace (a test, a demo) has a state and a lock of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator

from .claims import Claim, Claims
from .errors import LockedError, NetnsError

STATE_DIR = "/run/weft-netns"
POLL = 0.05  # seconds between tries for the lock; flock(2) has no timeout of its own


class Store:
    """The state of one host. ``cookie`` as :meth:`Kernel.cookie` gives it."""

    def __init__(self, cookie: int) -> None:
        self.folder = f"{STATE_DIR}/{cookie}"
        self._file = f"{self.folder}/claims.json"
        self._known: Claims | None = None  # what is on disk, since it was loaded or saved

    def load(self) -> Claims:
        try:
            with open(self._file, encoding="utf-8") as file:
                raw = json.load(file)
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise NetnsError.of(
                f"{self._file} is damaged ({error}); remove it to go on: former values of sysctls are lost with it"
            ) from None
        self._known = {
            namespace: {identifier: Claim(frozenset(claim["names"]), claim["former"]) for identifier, claim in held.items()}
            for namespace, held in raw.items()
        }
        return self._known

    def save(self, claims: Claims) -> None:
        """Replace the state in one step: a reader or a crash sees the old or the new one, whole. What is there already stays."""
        if claims == self._known:
            return
        raw = {
            namespace: {identifier: {"names": sorted(claim.names), "former": claim.former} for identifier, claim in held.items()}
            for namespace, held in claims.items()
        }
        draft = f"{self._file}.{os.getpid()}"
        with open(draft, "w", encoding="utf-8") as file:
            json.dump(raw, file)
        os.replace(draft, self._file)
        self._known = claims

    @contextlib.contextmanager
    def lock(self, timeout: float) -> Iterator[None]:
        """Held by one writer at a time.

        :raises LockedError: after ``timeout`` seconds, naming the process that holds it.
        """
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        with open(f"{self.folder}/lock", "a+", encoding="utf-8") as file:
            deadline = time.monotonic() + timeout
            while not _try_lock(file.fileno()):
                if time.monotonic() > deadline:
                    file.seek(0)
                    raise LockedError.of(f"another run holds the lock of this host's network: pid {file.read().strip() or 'unknown'}")
                time.sleep(POLL)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
