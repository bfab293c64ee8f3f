# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jails in the kernel: a folder of pins for each, below /sys/fs/bpf/weft.

A pin for each hook is the link of its program to the jail's cgroup; ``config`` is a map that nobody can change any more, with the
jail as it was declared. So what is there is read from the kernel, and is gone with it after a reboot.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from . import bpf, systemd
from .digest import sha256
from .errors import EnvironmentMissing, KernelError, NetnsError
from .jail import PLACES, Jail
from .jail_programs import HOOKS, programs
from .model import HOST, Desired, replace
from .netns import mount
from .parse_jails import addresses_of, with_addresses

BPFFS = "/sys/fs/bpf"
PINS = f"{BPFFS}/weft"
CONFIG = "config"
EXEC = "exec"  # cgroup below a jail's, for commands
DRAFT = "-new"  # names there have no dots (bpf_lookup() in kernel/bpf/inode.c)
TOLD = ("addresses", "ports", "loopback", "cgroup", "unit", "link", "made")


def observe() -> list[Jail]:
    """All jails of this host. What an interrupted run has left behind is one that is not intact."""
    return [_observed(name) for name in (sorted(os.listdir(PINS)) if os.path.isdir(PINS) else ())]


def change(before: Jail | None, after: Jail | None) -> None:
    """Make, change or remove a jail. After an error it is as it was before."""
    try:
        _become(before, after)
    except (KernelError, OSError) as error:
        with contextlib.suppress(KernelError, OSError):
            _become(after, before)
        raise (
            error if isinstance(error, KernelError) else KernelError(error.errno or errno.EIO, f"{error.filename}: {error.strerror}")
        ) from error


def _become(was: Jail | None, will: Jail | None) -> None:
    if will is None:
        _remove(was)  # type: ignore[arg-type]
        return
    _check_bpffs()
    known = was is not None and was.cgroup == will.cgroup
    will = replace(will, made=was.made if was and known else not os.path.isdir(cgroup_path(will.cgroup)))
    if was is None:
        os.makedirs(_path(will), mode=0o700, exist_ok=True)
        _keep(will)  # before all else: a run that is killed leaves something to be found
    os.makedirs(cgroup_path(will.cgroup), exist_ok=True)
    _attach(will)
    _keep(will)
    if was and was.unit != will.unit:
        systemd.place(was.unit, None)
    systemd.place(will.unit, will.name)
    if was and was.cgroup != will.cgroup:
        _remove_cgroup(was)


def _remove(jail: Jail) -> None:
    systemd.place(jail.unit, None)
    pins = os.listdir(_path(jail)) if os.path.isdir(_path(jail)) else []
    for pin in sorted(pins, key=CONFIG.__eq__):  # that last
        os.unlink(_path(jail, pin))
    for folder in (_path(jail), PINS):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    _remove_cgroup(jail)


def enter(name: str) -> None:
    """This process is in the jail from here on, and so are its children."""
    jail = next((each for each in observe() if each.name == name), None)
    if jail is None:
        raise NetnsError.of(f"there is no jail {name}")
    if not jail.intact:
        raise NetnsError.of(f"the jail {name} is not as it was made, and would hold nothing: apply its document again")
    try:
        _join(cgroup_path(jail.cgroup))
    except OSError as error:
        raise NetnsError.of(f"the jail {name} cannot be entered: {jail.cgroup}: {error.strerror}") from error


def _join(path: str) -> None:
    """A cgroup that has controllers turned on for those below it, as systemd does in slices, has no processes itself (cgroups(7))."""
    for place in (path, f"{path}/{EXEC}"):
        os.makedirs(place, exist_ok=True)
        try:
            with open(f"{place}/cgroup.procs", "w", encoding="ascii") as file:
                file.write("0")
            return
        except OSError as error:
            if error.errno != errno.EBUSY or place != path:
                raise


def as_made(desired: Desired) -> Desired:
    """A document of what is to go, with all that the jails in it have; but addresses that another jail has as well stay."""
    host = desired.namespaces[HOST]
    seen = {each.name: each for each in observe()} if host.jails else {}
    kept = {each.key for jail in seen.values() if jail.name not in host.jails for each in addresses_of(jail)}
    filled = with_addresses(host, {name: seen.get(name, jail) for name, jail in host.jails.items()})
    left = {key: each for key, each in filled.addresses.items() if key not in kept or key in host.addresses}
    return Desired({**desired.namespaces, HOST: replace(filled, addresses=left)})


def processes(cgroup: str) -> Iterator[int]:
    """Of a cgroup and those below it."""
    for folder, _folders, _files in os.walk(cgroup_path(cgroup)):
        with contextlib.suppress(OSError), open(f"{folder}/cgroup.procs", encoding="ascii") as file:
            yield from map(int, file)


def cgroup_path(cgroup: str) -> str:
    """In the file system. The last mount hides those before it, and one may be hidden by something else."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        mounts = [line.split()[1] for line in file if line.split()[2] == "cgroup2"]
    for root in reversed(mounts):
        if os.path.exists(f"{root}/cgroup.procs"):
            return f"{root}/{cgroup}"
    raise EnvironmentMissing.of("jails need cgroup v2, which is not mounted on this host (mount -t cgroup2 cgroup2 /sys/fs/cgroup)")


def _observed(name: str) -> Jail:
    text = _config(f"{PINS}/{name}/{CONFIG}")
    told: dict[str, Any] = json.loads(text) if text else {}
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in told.items() if key in TOLD}
    jail = Jail(name, **values)
    return replace(jail, intact=bool(told) and _is_intact(jail, told["programs"]), processes=tuple(processes(jail.cgroup)) if told else ())


def _config(path: str) -> str | None:
    try:
        descriptor = bpf.get(path)
    except KernelError as error:
        if error.errno == errno.ENOENT:
            return None
        raise
    with _closing(descriptor):
        return bpf.kept_text(descriptor)


def _is_intact(jail: Jail, digest: str) -> bool:
    wanted = programs(jail)
    identity = _identity(jail)
    if digest != _digest(wanted) or {*os.listdir(_path(jail))} != {*wanted, CONFIG} or not systemd.placed(jail.unit, jail.name):
        return False
    return all(_looked(_path(jail, hook)) == identity for hook in wanted)


def _looked(path: str) -> int:
    """The cgroup for which a pinned link runs its program."""
    descriptor = bpf.get(path)
    with _closing(descriptor):
        return bpf.look(descriptor).cgroup


def _identity(jail: Jail) -> int:
    try:
        return os.stat(cgroup_path(jail.cgroup)).st_ino
    except FileNotFoundError:
        return -1


def _digest(wanted: dict[str, bytes]) -> str:
    return sha256(b"".join(hook.encode() + code for hook, code in sorted(wanted.items())))


def _attach(jail: Jail) -> None:
    """A program that is there is replaced in place: there is no moment without one."""
    wanted, identity = programs(jail), _identity(jail)
    with _closing(os.open(cgroup_path(jail.cgroup), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as cgroup:
        for hook, code in wanted.items():
            with _closing(bpf.load(f"{hook}_{jail.name}", HOOKS[hook], code)) as program:
                _run(_path(jail, hook), program, cgroup, identity, HOOKS[hook].attach)
    for pin in {*os.listdir(_path(jail))} - {*wanted, CONFIG}:
        os.unlink(_path(jail, pin))


def _run(pin: str, program: int, cgroup: int, identity: int, attach: int) -> None:
    if os.path.exists(pin):
        with _closing(bpf.get(pin)) as link:
            if bpf.look(link).cgroup == identity:
                bpf.replace(link, program)
                return
    with _closing(bpf.link(program, cgroup, attach)) as link:
        _pin(link, pin)


def _keep(jail: Jail) -> None:
    told = {key: value for key, value in asdict(jail).items() if key in TOLD}
    text = json.dumps({**told, "programs": _digest(programs(jail))}, sort_keys=True)
    with _closing(bpf.keep_text(f"jail_{jail.name}", text)) as map_:
        _pin(map_, _path(jail, CONFIG))


def _pin(descriptor: int, path: str) -> None:
    """In place of what is pinned there. The old link runs until the new one does."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path + DRAFT)
    bpf.pin(descriptor, path + DRAFT)
    os.rename(path + DRAFT, path)


def _path(jail: Jail, *more: str) -> str:
    return "/".join((PINS, jail.name, *more))


def _remove_cgroup(jail: Jail) -> None:
    """If it was made here or is in a place of ours, and the folders above it as far as nothing else is in them."""
    path = cgroup_path(jail.cgroup)
    with contextlib.suppress(OSError):
        os.rmdir(f"{path}/{EXEC}")
    with contextlib.suppress(OSError):
        for _part in jail.cgroup.split("/") if jail.made or jail.cgroup.startswith(PLACES) else ():
            os.rmdir(path)
            path = os.path.dirname(path)


def _check_bpffs() -> None:
    """systemd mounts it at boot; elsewhere nobody may have."""
    if not os.path.isdir(BPFFS):
        raise EnvironmentMissing.of(f"jails need a kernel with CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF: there is no {BPFFS}")
    if os.stat(BPFFS).st_dev == os.stat(os.path.dirname(BPFFS)).st_dev:
        mount("bpf", BPFFS)


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)
