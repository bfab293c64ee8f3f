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

from . import chart, registry, report
from .peers.base import Peer
from .report import Findings
from .samples import Sample, Samples
from .schedule import Bench, turns

WARM_UP = 2
LARGE = 5000


def main() -> int:
    options = _parser().parse_args()
    output = Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as directory:
        bench = Bench(os.path.abspath(options.python), Path(directory))
        peers = _chosen(registry.peers(bench.python, bench.folder), options.peers)
        missing = {peer.name: why for peer in peers for why in [peer.missing()] if why}
        present = [peer for peer in peers if peer.name not in missing]
        machine = _machine(bench.python)
        sizes = sorted({*options.sizes, *([LARGE] if options.large else [])})
        sys.stderr.write("bench: everybody once, to warm up\n")
        list(bench.run([(peer, min(peer.sizes or (WARM_UP,))) for peer in present], 1))
        samples: list[Sample] = []
        try:
            for each in bench.run(turns(present, sizes), options.rounds):
                samples.append(each)  # one by one: an interrupted run reports what it has
        except KeyboardInterrupt:
            bench.failures["all"] = "interrupted"
    findings = Findings(Samples(samples), {peer.key: peer.name for peer in present}, machine, missing, bench.failures)
    text = report.text(findings)
    (output / "results.json").write_text(json.dumps(report.data(findings), indent=1), encoding="utf-8")
    (output / "results.svg").write_text(chart.draw(findings.samples, findings.names), encoding="utf-8")
    (output / "results.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 1 if bench.failures else 0


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


def _chosen(peers: dict[str, Peer], keys: list[str] | None) -> list[Peer]:
    unknown = {*(keys or ())} - peers.keys()
    if unknown:
        raise SystemExit(f"bench: no such peer: {', '.join(sorted(unknown))}; there are {', '.join(peers)}")
    return [peer for key, peer in peers.items() if keys is None or key in keys]


def _machine(python: str) -> dict[str, str]:
    """Where it was measured; ``load`` is what was there besides, before it began."""
    versions = "import platform, pyroute2; print(platform.python_version(), pyroute2.__version__)"
    found = subprocess.run([python, "-c", versions], capture_output=True, text=True, check=True).stdout.split()
    return {
        "kernel": platform.release(),
        "processors": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
        "engine's Python": found[0],
        "engine's pyroute2": found[1],
    }


if __name__ == "__main__":
    raise SystemExit(main())
