# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jails that go are empty: a process that stays behind would be free."""

from __future__ import annotations

from collections.abc import Iterable

from ..jail import Jail
from ..model import HOST
from ..steps import Step
from .context import Context
from .namespaces import SHOWN_PIDS


def check(ctx: Context, steps: Iterable[Step]) -> None:
    for step in steps:
        jail, after = step.before, step.after
        if not isinstance(jail, Jail) or not jail.processes or (isinstance(after, Jail) and after.cgroup == jail.cgroup):
            continue
        shown = ", ".join(map(str, jail.processes[:SHOWN_PIDS])) + (", …" if len(jail.processes) > SHOWN_PIDS else "")
        ctx.fault(HOST, f"processes live in the jail {jail.name} (pid {shown}) and would be free: end them first")
