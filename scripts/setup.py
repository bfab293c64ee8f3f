# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up what the demonstration (``setup.py run``), the tests (``test``), the virtual machines (``molecule``) or the
benchmark (``bench``) need, and only what is missing.

Debian packages come from apt-get; Python packages go into virtual environments below .venv/:

controller   python3, the newest ansible-core that it can run, the newest pyroute2
other        ansible-core's other end of the supported range, on the newest Python found; tests only
oldest       the oldest Python found, the oldest pyroute2, no ansible-core; tests only
ifstate      python3 and ifstate; the benchmark only
molecule     python3, ansible-core as in controller, Molecule and testinfra; the virtual machines only

.venv/wheels/ has a pyroute2 for the test of role prepare, which runs where there is no network.
.venv/pythons/ has a link to every Python found, for ansible-test, which would take a broken shim on PATH for a Python.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
VENVS = CHECKOUT / ".venv"
RUN_COMMANDS = {"ip": "iproute2", "ping": "iputils-ping", "unshare": "util-linux", "nft": "nftables"}
COMMANDS = {
    "run": {},
    "test": {
        "git": "git",
        "shellcheck": "shellcheck",
        "bpftool": "bpftool",
        "iptables-legacy": "iptables",
        "nginx": "nginx-light",
        "lighttpd": "lighttpd",
        "haproxy": "haproxy",
        "redis-server": "redis-server",
        "memcached": "memcached",
        "dnsmasq": "dnsmasq-base",
        "iperf3": "iperf3",
        "dropbear": "dropbear-bin",
        "socat": "socat",
    },
    "molecule": {
        "qemu-system-x86_64": "qemu-system-x86",
        "qemu-img": "qemu-utils",
        "mmdebstrap": "mmdebstrap",
        "mke2fs": "e2fsprogs",
        "ssh": "openssh-client",
    },
    "bench": {"gcc": "build-essential", "/usr/lib/cni/bridge": "containernetworking-plugins"},
}
OLDEST_TARGET = (3, 9)
OLDEST_CONTROLLER = (3, 11)
# A Python below this one runs ansible-core 2.19 only, one from it on 2.20 and later.
NEWER_CORE_FROM = (3, 12)
NEWEST_KNOWN = (3, 14)

Version = tuple[int, int]


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def version_of(python: str) -> Version | None:
    """Major and minor version, or None where it does not run or cannot make a virtual environment (broken shims are common)."""
    code = "import ensurepip, sys, venv; print(*sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    major, minor = done.stdout.split()
    return int(major), int(minor)


def interpreters() -> dict[Version, str]:
    """Every usable Python on PATH and among pyenv's versions, by version; PATH wins."""
    found: dict[Version, str] = {}
    places = [Path(directory) for directory in os.environ.get("PATH", "").split(os.pathsep) if directory]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    places += sorted(pyenv.glob("versions/*/bin"))
    for place in places:
        if not place.is_dir():
            continue
        for candidate in sorted(place.iterdir()):
            if re.fullmatch(r"python3\.\d+", candidate.name):
                version = version_of(str(candidate))
                if version:
                    found.setdefault(version, str(candidate))
    return found


def link_interpreters(found: dict[Version, str]) -> None:
    links = VENVS / "pythons"
    shutil.rmtree(links, ignore_errors=True)
    links.mkdir(parents=True)
    for (major, minor), python in found.items():
        links.joinpath(f"python{major}.{minor}").symlink_to(python)


def install_packages(commands: dict[str, str]) -> None:
    """Install the Debian packages of the commands that are missing, and python3-venv where python3 cannot make a virtual environment."""
    missing = [package for command, package in commands.items() if not shutil.which(command)]
    if version_of("python3") is None:
        missing.append("python3-venv")
    if not missing:
        return
    say(f"installing {', '.join(missing)}")
    if not shutil.which("apt-get"):
        sys.exit(f"setup: no apt-get here; install these with your package manager: {', '.join(missing)}")
    if os.geteuid() != 0:
        sys.exit(f"setup: not root; run: apt-get install {' '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment, stdin=subprocess.DEVNULL)
    install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing]
    subprocess.run(install, check=True, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def text_of(requirements: str) -> str:
    """The requirements file with the ones it refers to."""
    text = (CHECKOUT / "requirements" / requirements).read_text(encoding="utf-8")
    return text + "".join(text_of(name) for name in re.findall(r"^-r (\S+)", text, re.MULTILINE))


def make_venv(name: str, python: str, requirements: list[str], extra: list[str]) -> None:
    """Make a virtual environment, or leave it where its stamp says that it was made of the same things."""
    directory = VENVS / name
    stamp = directory / "stamp"
    version = version_of(python)
    things = "\n".join([f"{directory} {version}", *extra, *map(text_of, requirements)])
    digest = hashlib.sha256(things.encode()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest and version_of(str(directory / "bin/python")) == version:
        return
    say(f".venv/{name}: Python {'.'.join(map(str, version or ()))}, {', '.join([*requirements, *extra])}")
    if not stamp.is_file() or version_of(str(directory / "bin/python")) != version:
        shutil.rmtree(directory, ignore_errors=True)
        subprocess.run([python, "-m", "venv", str(directory)], check=True)
    stamp.unlink(missing_ok=True)
    command = [str(directory / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", *extra]
    for file in requirements:
        command += ["--requirement", str(CHECKOUT / "requirements" / file)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    stamp.write_text(digest, encoding="utf-8")


def make_controller(everything: bool) -> Version:
    """The environment of python3; the tools of the tests join it only when the tests are wanted, and then stay."""
    version = version_of("python3")
    if version is None or version < OLDEST_CONTROLLER:
        sys.exit("setup: python3 must be Python 3.11 or later to run ansible-core 2.19")
    requirements = ["controller.txt", "test.txt", "lint.txt"]
    has_tools = (VENVS / "controller" / "bin" / "ansible-lint").exists()
    make_venv("controller", "python3", requirements if everything or has_tools else requirements[:1], [])
    return version


def make_other(primary: Version, found: dict[Version, str]) -> None:
    """ansible-core at the other end of its range: 2.19 where python3 runs a later one, else the latest on a later Python."""
    newer = [version for version in found if NEWER_CORE_FROM <= version <= NEWEST_KNOWN]
    if primary >= NEWER_CORE_FROM:
        make_venv("other", "python3", ["controller.txt", "test.txt"], ["ansible-core<2.20"])
    elif newer:
        make_venv("other", found[max(newer)], ["controller.txt", "test.txt"], ["ansible-core>=2.21"])
    else:
        shutil.rmtree(VENVS / "other", ignore_errors=True)
        say("no Python 3.12 or later found: the tests run with ansible-core 2.19 only")


def fetch_wheel() -> None:
    wheels = VENVS / "wheels"
    if any(wheels.glob("pyroute2-*.whl")):
        return
    say(".venv/wheels: pyroute2")
    command = [str(VENVS / "controller/bin/python"), "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--dest", str(wheels), "pyroute2>=0.9.7,<0.10"], check=True, stdin=subprocess.DEVNULL)


def main() -> None:
    purpose = sys.argv[1]
    install_packages({**RUN_COMMANDS, **COMMANDS[purpose]})
    primary = make_controller(purpose == "test")
    if purpose == "bench":
        make_venv("ifstate", "python3", ["ifstate.txt"], [])
    if purpose == "molecule":
        make_venv("molecule", "python3", ["molecule.txt"], [])
    if purpose != "test":
        return
    found = interpreters()
    link_interpreters(found)
    fetch_wheel()
    make_other(primary, found)
    oldest = min(version for version in [primary, *found] if version >= OLDEST_TARGET)
    make_venv("oldest", found.get(oldest, "python3"), ["oldest.txt"], [])


if __name__ == "__main__":
    main()
