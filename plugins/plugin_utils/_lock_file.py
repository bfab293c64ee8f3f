# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The leases on disk: netns.lock.yml, for people and for version control.

One line for each interface, sorted, so that a change is one line of a diff. It has the shape of an inventory without hosts,
because Ansible reads every file of an inventory directory as an inventory.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ..module_utils._engine import schema
from ..module_utils._engine.errors import Fault
from ._allocation import Lease, Leases
from ._faults import CompileError, Faults
from ._types import Address

NAME = "netns.lock.yml"
VARIABLE = "netns_leases"
HEADER = """\
# Addresses and MACs that weft.netns has chosen where the inventory leaves them open, and the host that answers for a routed one.
# Keep this file in version control: same inventory and same file, same addresses. To have an interface's chosen anew, delete its line.
"""
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz")


def read(path: Path) -> Leases:
    """The leases in the file; none if there is no file. CompileError names the file and what is wrong in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise _broken(path, f"cannot be read: {error}") from error
    try:
        with _uncollected():
            # Everything in it is a text, so that a MAC without quotes does not become a number to the base of 60.
            content = yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except yaml.YAMLError as error:
        raise _broken(path, f"is not YAML: {' '.join(str(error).split())}") from error
    try:
        raw = content["all"]["vars"][VARIABLE]
    except (KeyError, TypeError):
        raise _broken(path, f"has no all.vars.{VARIABLE}; delete the file, or restore it from version control") from None
    return parse(str(path), raw)


def parse(path: str, raw: Any) -> Leases:
    """Leases from what the file has under ``netns_leases``. ``path`` is only for messages."""
    faults = Faults()
    leases = dict(_parse(path, raw, faults))
    faults.finish()
    return leases


def write(path: Path, leases: Leases) -> None:
    """Replace the file in one step, so that whoever reads it finds the old one or the new one."""
    descriptor, name = tempfile.mkstemp(prefix=f".{NAME}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text(leases))
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), _mode(path))
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def text(leases: Leases) -> str:
    lines = [HEADER, "all:\n", "  vars:\n", f"    {VARIABLE}:{'' if leases else ' {}'}\n"]
    container = None
    for key in sorted(leases):
        if key[0] != container:
            container = key[0]
            lines.append(f"      {_quoted(container)}:\n")
        lines.append(f"        {_quoted(key[1])}: {{{', '.join(_flow(leases[key]))}}}\n")
    return "".join(lines)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, which else takes two thirds of the time to look for cycles that a parser does not make."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _flow(lease: Lease) -> Iterator[str]:
    if lease.addresses:
        yield f"addresses: [{', '.join(json.dumps(address.text) for address in lease.addresses)}]"
    if lease.mac:
        yield f"mac: {json.dumps(lease.mac)}"
    if lease.host:
        yield f"host: {json.dumps(lease.host, ensure_ascii=False)}"


def _quoted(word: str) -> str:
    """The word in quotes, unless it cannot be taken for anything but a text."""
    plain = len(word) > 3 and word[0] in PLAIN and word.isascii() and word.replace("-", "").isalnum()
    return word if plain and word not in ("null", "true", "false") else json.dumps(word, ensure_ascii=False)


def _mode(path: Path) -> int:
    """The permissions of the file that is replaced; of a new one those that any program would give it."""
    try:
        return path.stat().st_mode & 0o7777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _parse(path: str, raw: Any, faults: Faults) -> Iterator[tuple[tuple[str, str], Lease]]:
    for container, interfaces in faults.mapping(f"{path}: {VARIABLE}", raw).items():
        for interface, lease in faults.mapping(f"{path}: {VARIABLE}.{container}", interfaces).items():
            yield (container, interface), _lease(f"{path}: {VARIABLE}.{container}.{interface}", lease, faults)


def _lease(path: str, raw: Any, faults: Faults) -> Lease:
    keys: Mapping[str, Any] = faults.mapping(path, raw)
    faults.unknown(path, keys, ("addresses", "mac", "host"))
    addresses = []
    for index, value in enumerate(faults.listing(f"{path}.addresses", keys.get("addresses", []))):
        try:
            addresses.append(Address.parse(value))
        except ValueError as error:
            faults.add(f"{path}.addresses[{index}]", str(error))
    mac = None
    if "mac" in keys:
        try:
            mac = schema.mac(keys["mac"])
        except ValueError as error:
            faults.add(f"{path}.mac", str(error))
    host = faults.checked(f"{path}.host", schema.text, keys["host"]) if "host" in keys else None
    return Lease(tuple(addresses), mac, host)


def _broken(path: Path, message: str) -> CompileError:
    return CompileError([Fault(str(path), message)])
