# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine by hand and at boot: apply, plan, show and down, without Ansible."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

from . import keep
from .engine import Outcome, converge, repeat, show
from .errors import NetnsError

PROG = "weft-netns"
RETRY = 1.0  # seconds until what the host was not ready for is tried again


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: done; 1: refused, with every fault on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except NetnsError as error:
        sys.stderr.write(f"{error}\n")
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{getattr(options, 'file', '')}: {error}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROG, description="Declare the network of containers on this host.")
    commands = parser.add_subparsers(required=True, prog=PROG)  # argparse would import much to find it out
    for name, run, summary in (
        ("apply", _apply, "make the host as FILE says, or as the documents say that are kept for boot"),
        ("plan", _plan, "tell the steps of apply, and take none"),
        ("down", _down, "remove all that documents of this name made"),
    ):
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument("file", metavar="FILE", nargs="?", help="host document, JSON; - is standard input")
        command.add_argument("--name", help="name of the document (default: default; without FILE, all that are kept)")
        command.add_argument("--no-purge", action="store_true", help="keep what the document no longer declares")
        command.add_argument(
            "--lock-timeout", type=float, default=60.0, metavar="SECONDS", help="wait for another run (default: %(default)s)"
        )
        command.set_defaults(run=run, wait=0.0)
        if name == "apply":
            command.add_argument(
                "--wait", type=float, metavar="SECONDS", help="without FILE: how long to try again what the host is not ready for"
            )
    jails = commands.add_parser("jail", help="run a command in a jail").add_subparsers(required=True, prog=f"{PROG} jail")
    command = jails.add_parser("exec", help="run a command in a jail", description="Run a command in a jail, in place of this one.")
    command.add_argument("name", metavar="NAME")
    command.add_argument("command", metavar="COMMAND", nargs=argparse.REMAINDER, help="and its arguments; -- may stand before it")
    command.set_defaults(run=_jail_exec)
    command = commands.add_parser("show", help="print what is there, as a host document")
    command.add_argument("namespaces", nargs="*", metavar="NAMESPACE", help="only these; host is the host's own")
    command.set_defaults(run=_show)
    return parser


def _jail_exec(options: Any) -> int:
    """The shell's exit code for what cannot be run: 127."""
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise NetnsError.of("which command? weft-netns jail exec NAME -- COMMAND …")
    from . import jail_kernel  # with bpf(2), and a language for it

    jail_kernel.enter(options.name)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return 127


def _read(path: str | None) -> Mapping[str, Any] | None:
    if path is None:
        return None
    if path == "-":
        return json.load(sys.stdin)  # type: ignore[no-any-return]
    with open(path, encoding="utf-8") as file:
        return json.load(file)  # type: ignore[no-any-return]


def _apply(options: Any) -> int:
    return _one(options) if options.file else _all_kept(options)


def _plan(options: Any) -> int:
    return _one(options, check=True) if options.file else _all_kept(options, check=True)


def _down(options: Any) -> int:
    return _one(options, state="absent")


def _one(options: Any, state: str = "present", check: bool = False) -> int:
    name = options.name or "default"
    _print(converge(_read(options.file), name=name, state=state, check=check, kept_in=keep.folder(), **_common(options)))
    return 0


def _all_kept(options: Any, check: bool = False) -> int:
    """What is kept for boot, each document by itself. What the host is not ready for is tried again, as long as the options say."""
    folder = keep.folder()
    if folder is None:
        raise NetnsError.of(f"nothing is kept here: there is no {keep.FOLDER}, or this is not the host's own network namespace")
    names = [options.name] if options.name else keep.names(folder)
    deadline = time.monotonic() + options.wait
    faults = _faults(options, folder, names, check)
    while faults and time.monotonic() < deadline:
        time.sleep(RETRY)
        faults = _faults(options, folder, list(faults), check)
    for name, messages in faults.items():
        sys.stderr.write("".join(f"{name}: {message}\n" for message in messages))
    return int(bool(faults))


def _faults(options: Any, folder: str, names: Iterable[str], check: bool) -> dict[str, list[str]]:
    """Apply these documents; what is wrong, by their names."""
    tried = {name: _try(options, folder, name, check) for name in names}
    return {name: messages for name, messages in tried.items() if messages}


def _try(options: Any, folder: str, name: str, check: bool) -> list[str]:
    try:
        outcome, left_out = repeat(folder, name, check=check, **_common(options))
    except (NetnsError, OSError) as error:
        return str(error).splitlines()
    missing = [warning for warning in outcome.warnings if warning not in left_out]
    if outcome.changed or not missing:
        _print(outcome)
    return missing


def _common(options: Any) -> dict[str, Any]:
    return {"purge": not options.no_purge, "lock_timeout": options.lock_timeout}


def _print(outcome: Outcome) -> None:
    for warning in (*outcome.warnings, *outcome.obstacles):
        sys.stderr.write(f"warning: {warning}\n")
    for step in outcome.steps:
        sys.stdout.write(f"{step}\n")
    timing = ", ".join(f"{part} {spent:.0f} ms" for part, spent in outcome.timing.items())
    sys.stderr.write(f"{len(outcome.steps)} steps; {timing}\n")


def _show(options: Any) -> int:
    known = show()
    unknown = [name for name in options.namespaces if name != "host" and name not in known["namespaces"]]
    if unknown:
        raise NetnsError.of("there is no namespace " + ", ".join(unknown))
    sys.stdout.write(json.dumps(show(options.namespaces) if options.namespaces else known, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
