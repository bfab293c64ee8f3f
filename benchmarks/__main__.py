# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command: ``make bench ARGS="--sizes 10,100 --rounds 3 --peers floor,engine"``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from . import registry, report
from .host import Failed
from .peers.base import Peer
from .samples import Sample, Samples
from .schedule import measure, run

WARM_UP = 2
LARGE = 5000


def main() -> int:
    options = _parser().parse_args()
    output = Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as directory:
        peers = _peers(options, Path(directory))
        missing = {peer.name: why for peer in peers for why in [peer.missing()] if why}
        present = [peer for peer in peers if peer.name not in missing]
        sizes = sorted({*options.sizes, *([LARGE] if options.large else [])})
        turns = [(peer, size) for size in sizes for peer in present if peer.takes(size)]
        samples: list[Sample] = []
        try:
            for peer in present:
                list(measure(peer, WARM_UP, 0))
            samples.extend(run(turns, options.rounds))
        except Failed as error:
            sys.stderr.write(f"\nbench: {error}\n")
            return 1
    names = {peer.key: peer.name for peer in present}
    results = Samples(samples)
    (output / "results.json").write_text(json.dumps(report.data(results, _machine(options.python), names, missing), indent=1))
    text = report.text(results, names, missing)
    (output / "results.md").write_text(text)
    sys.stdout.write(text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--sizes", type=_sizes, default=[10, 100, 1000], metavar="N,N", help="containers (default: 10,100,1000)")
    parser.add_argument("--large", action="store_true", help=f"also {LARGE} containers")
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--peers", type=lambda text: text.split(","), metavar="KEY,KEY", help="only these (default: all)")
    parser.add_argument("--python", default=sys.executable, help="runs the engine (default: the one that runs this)")
    parser.add_argument("--output", default="benchmarks/results", metavar="FOLDER", help="(default: %(default)s)")
    return parser


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",")]


def _peers(options: argparse.Namespace, directory: Path) -> list[Peer]:
    peers = registry.peers(os.path.abspath(options.python), directory)
    unknown = {*(options.peers or ())} - {peer.key for peer in peers}
    if unknown:
        raise SystemExit(f"bench: no such peer: {', '.join(sorted(unknown))}; there are {', '.join(peer.key for peer in peers)}")
    return [peer for peer in peers if options.peers is None or peer.key in options.peers]


def _machine(python: str) -> dict[str, Any]:
    versions = "import platform, pyroute2; print(platform.python_version(), pyroute2.__version__)"
    found = subprocess.run([python, "-c", versions], capture_output=True, text=True, check=False).stdout.split()
    return {"kernel": platform.release(), "processors": os.cpu_count(), "load": os.getloadavg(), "python": found[:1], "pyroute2": found[1:]}


if __name__ == "__main__":
    raise SystemExit(main())
