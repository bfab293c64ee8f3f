# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of systemd that run in a jail: a drop-in puts each into the jail's slice (systemd.unit(5), systemd.slice(5))."""

from __future__ import annotations

import errno
import os
import signal

from . import files
from .errors import KernelError
from .jail import SLICE, slice_of

UNITS = "/etc/systemd/system"
SYSTEMD = 1  # its pid
RUNNING = "/run/systemd/system"  # it is there where systemd runs (sd_booted(3))
DROP_IN = "50-weft-jail.conf"


def place(unit: str | None, jail: str | None) -> None:
    """Have a service start in a jail's slice from the next start on, or with None where it started before."""
    if unit is None or unit.endswith(SLICE):
        return
    path, content = _path(unit), _content(jail) if jail else None
    if files.read(path) == content:
        return
    files.write(path, content)
    if os.path.isdir(RUNNING):
        _reload()


def placed(unit: str | None, jail: str) -> bool:
    return unit is None or unit.endswith(SLICE) or files.read(_path(unit)) == _content(jail)


def _path(unit: str) -> str:
    return f"{UNITS}/{unit}.d/{DROP_IN}"


def _content(jail: str) -> str:
    """Without the jail the service does not start: it would be free."""
    pin = f"/sys/fs/bpf/weft/{jail}/config".replace("%", "%%")
    lines = ("# Made by weft.netns.", "[Unit]", f"AssertPathExists={pin}", "", "[Service]", f"Slice={slice_of(jail)}")
    return "\n".join(lines) + "\n"


def _reload() -> None:
    """What `systemctl daemon-reload` asks for, by the signal that systemd takes for it (systemd(1), SIGNALS)."""
    try:
        os.kill(SYSTEMD, signal.SIGHUP)
    except OSError as error:
        raise KernelError(error.errno or errno.EIO, f"systemd could not be told to reload: {error.strerror}") from error
