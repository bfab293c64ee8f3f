# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as plain files on the target, for boot and for use by hand. Private to the collection.

The sources are those that Ansible has sent with this very module: one transfer, and no second list of them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pkgutil import walk_packages
from typing import Any

from ansible_collections.weft.netns.plugins.module_utils import _engine
from ansible_collections.weft.netns.plugins.module_utils._engine import cli
from ansible_collections.weft.netns.plugins.module_utils._engine.engine import Clock, Outcome
from ansible_collections.weft.netns.plugins.module_utils._engine.errors import NetnsError

LIBRARY = "/usr/local/lib/weft-netns"
COMMAND = "/usr/local/sbin/weft-netns"
DRAFT = ".new"
COLLECTION = _engine.__name__.rpartition(".")[0] + "."
START = f"""\
#!{sys.executable}
# Made by weft.netns: the engine by hand and at boot.
import sys

sys.path.insert(0, "{LIBRARY}")

from {cli.__name__.removeprefix(COLLECTION)} import main

sys.exit(main())
"""

Texts = Mapping[str, str]  # by path


def install(params: Mapping[str, Any], check: bool) -> Outcome:
    """Have just these files there, or with ``state: absent`` none of them.

    :raises NetnsError: naming the file that could not be read or written.
    """
    clock = Clock()
    try:
        texts = {} if params["state"] == "absent" else {**dict(_sources()), COMMAND: START}
        before = dict(_present())
        clock.lap("observe")
        after = {path: _facts(text.encode(), _mode(path)) for path, text in texts.items()}
        touched = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
        clock.lap("plan")
        if touched and not check:
            _replace(texts)
        clock.lap("apply")
    except OSError as error:
        raise NetnsError.of(f"{error.filename}: {error.strerror}") from error
    steps = [f"{'delete' if path not in after else 'change' if path in before else 'create'} file {path}" for path in touched]
    was, will = ({path: facts[path] for path in touched if path in facts} for facts in (before, after))
    return Outcome(bool(touched), steps, lambda: (was, will), clock.laps)


def _sources() -> Iterator[tuple[str, str]]:
    """Every file of the engine as Ansible has sent it, by the path where it goes."""
    packages = [(_engine.__name__, True), *((each.name, each.ispkg) for each in walk_packages(_engine.__path__, _engine.__name__ + "."))]
    for name, is_package in packages:
        loader: Any = getattr(find_spec(name), "loader", None)
        path = name.removeprefix(COLLECTION).replace(".", "/") + ("/__init__.py" if is_package else ".py")
        yield f"{LIBRARY}/{path}", loader.get_source(name)


def _present() -> Iterator[tuple[str, dict[str, str]]]:
    """What is there, but for what Python has compiled."""
    paths = [COMMAND] if os.path.lexists(COMMAND) else []
    for folder, _folders, names in os.walk(LIBRARY):
        paths += [f"{folder}/{name}" for name in names if os.path.basename(folder) != "__pycache__"]
    for path in paths:
        with open(path, "rb") as file:
            yield path, _facts(file.read(), os.fstat(file.fileno()).st_mode & 0o7777)


def _facts(content: bytes, mode: int) -> dict[str, str]:
    return {"mode": f"{mode:04o}", "sha256": hashlib.sha256(content).hexdigest()}


def _mode(path: str) -> int:
    return 0o755 if path == COMMAND else 0o644


def _replace(texts: Texts) -> None:
    """All files at once: nothing of an older engine stays, and no crash leaves a mixture of two."""
    _remove(LIBRARY + DRAFT)
    for path, text in texts.items():
        place = COMMAND if path == COMMAND else LIBRARY
        _write(place + DRAFT + path.removeprefix(place), text, _mode(path))
    for place in (LIBRARY, COMMAND):
        _remove(place)
        if texts:
            os.rename(place + DRAFT, place)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def _write(path: str, text: str, mode: int) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)
