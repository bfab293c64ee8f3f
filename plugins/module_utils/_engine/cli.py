# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine by hand and at boot: apply, plan, show and down, without Ansible."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from .engine import Outcome, converge, show
from .errors import NetnsError


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
    parser = argparse.ArgumentParser(prog="weft-netns", description="Declare the network of containers on this host.")
    commands = parser.add_subparsers(required=True)
    for name, run, summary in (
        ("apply", _apply, "make the host as FILE says"),
        ("plan", _plan, "tell the steps of apply, and take none"),
        ("down", _down, "remove all that documents of this name made"),
    ):
        command = commands.add_parser(name, help=summary)
        command.add_argument("file", metavar="FILE", nargs="?" if name == "down" else None, help="host document, JSON; - is standard input")
        command.add_argument("--name", default="default", help="name of the document (default: %(default)s)")
        command.add_argument("--no-purge", action="store_true", help="keep what the document no longer declares")
        command.add_argument(
            "--lock-timeout", type=float, default=60.0, metavar="SECONDS", help="wait for another run (default: %(default)s)"
        )
        command.set_defaults(run=run)
    command = commands.add_parser("show", help="print what is there, as a host document")
    command.add_argument("namespaces", nargs="*", metavar="NAMESPACE", help="only these; host is the host's own")
    command.set_defaults(run=_show)
    return parser


def _read(path: str | None) -> Mapping[str, Any] | None:
    if path is None:
        return None
    if path == "-":
        return json.load(sys.stdin)  # type: ignore[no-any-return]
    with open(path, encoding="utf-8") as file:
        return json.load(file)  # type: ignore[no-any-return]


def _converge(options: Any, state: str = "present", check: bool = False) -> int:
    purge = not options.no_purge
    document = _read(options.file)
    outcome = converge(document, name=options.name, purge=purge, state=state, check=check, lock_timeout=options.lock_timeout)
    _print(outcome)
    return 0


def _apply(options: Any) -> int:
    return _converge(options)


def _plan(options: Any) -> int:
    return _converge(options, check=True)


def _down(options: Any) -> int:
    return _converge(options, state="absent")


def _print(outcome: Outcome) -> None:
    for warning in outcome.warnings:
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
