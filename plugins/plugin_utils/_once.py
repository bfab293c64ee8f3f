# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one of the controller's processes has compiled, for all the others: a directory with one file for each host.

A thousand hosts are a thousand processes of the controller. The first of them compiles while the others wait; each then takes
its own file, and takes it away: whoever asks again asks for something new, and compiles again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..module_utils._engine.errors import Fault
from ._faults import CompileError

Texts = Mapping[str, str]  # by host


class Once:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._faults = directory / "faults"

    def take(self, host: str, make: Callable[[], Texts]) -> str:
        """The text for this host. ``make`` is called if there is none; the CompileError that it raises is every host's."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        with _locked(self._directory / "lock"):
            if self._faults.exists():
                raise CompileError(Fault(path, message) for path, message in json.loads(self._faults.read_text(encoding="utf-8")))
            file = self._file(host)
            if not file.exists():
                self._fill(make)
            text = file.read_text(encoding="utf-8")
            file.unlink()
        return text

    def _fill(self, make: Callable[[], Texts]) -> None:
        try:
            texts = make()
        except CompileError as error:
            self._faults.write_text(json.dumps([(fault.path, fault.message) for fault in error.faults]), encoding="utf-8")
            raise
        for host, text in texts.items():
            self._file(host).write_text(text, encoding="utf-8")

    def _file(self, host: str) -> Path:
        return self._directory / hashlib.sha256(host.encode()).hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
