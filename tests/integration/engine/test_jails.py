# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jails as objects of the host: made, changed, taken apart by hand, taken away; and the ways round them, which are closed."""

from __future__ import annotations

import copy
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cells import CGROUPS, cell
from hosts import Host

import _engine
from _engine import bpf, jail_kernel, systemd
from _engine.engine import converge, show
from _engine.errors import NetnsError
from _engine.jail import Jail

TWO: dict[str, Any] = {
    "jails": {
        "one": {"addresses": ["192.0.2.1", "fd00::1"]},
        "two": {"addresses": ["192.0.2.2", "fd00::2"], "loopback": "host", "ports": [80, "8000-8010"]},
    }
}
NOBODY = 65534


@pytest.fixture
def two(host: Host) -> Iterator[None]:
    before = host.digest()
    host.apply(TWO)
    yield
    host.apply(None, state="absent")
    assert host.since(before) == []


def _changed(**keys: Any) -> dict[str, Any]:
    document = copy.deepcopy(TWO)
    document["jails"]["one"].update(keys)
    return document


def _pins(jail: str) -> list[Path]:
    return sorted(path for path in Path(jail_kernel.PINS, jail).iterdir() if path.name != jail_kernel.CONFIG)


# -- as objects of the host


def test_steps_say_what_is_made(host: Host) -> None:
    steps = converge(TWO, check=True).steps
    assert steps[-2:] == [
        "create jail one 192.0.2.1, fd00::1 around weft/one",
        "create jail two 192.0.2.2, fd00::2 ports 80, 8000-8010 around weft/two",
    ]
    assert "create address host/lo 192.0.2.1/32" in steps


@pytest.mark.usefixtures("two")
def test_what_is_shown_can_be_declared(host: Host) -> None:
    with cell("weft/one") as inside:
        shown = show()["jails"]
        assert shown["one"].pop("processes") == [inside.pid]
        assert shown["two"].pop("processes") == []
    assert shown["one"] == {"addresses": ["192.0.2.1", "fd00::1"], "loopback": "own", "cgroup": "weft/one", "link": "lo"}
    assert converge({"jails": shown}, check=True).steps == []


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    "keys",
    [{"addresses": ["192.0.2.9"]}, {"ports": [443]}, {"loopback": "host"}, {"cgroup": "weft/elsewhere"}, {"addresses": ["192.0.2.1"]}],
    ids=str,
)
def test_a_change_and_back(host: Host, keys: dict[str, Any]) -> None:
    before = _lasting(host)
    host.apply(_changed(**keys))
    host.apply(TWO)
    assert _lasting(host) == before


def _lasting(host: Host) -> tuple[set[str], set[str]]:
    """All but the order of addresses."""
    lines = {line for line in host.digest() if not line.startswith("host addresses")}
    return lines, {each["local"] for link in host.ip("address") for each in link["addr_info"]}


@pytest.mark.usefixtures("two")
def test_programs_are_replaced_in_place(host: Host) -> None:
    """A socket of the jail is held all the time: the links stay, and get other programs."""
    links = {path.name: _link_id(path) for path in _pins("one")}
    host.apply(_changed(addresses=["192.0.2.9", "fd00::1"]))
    assert {path.name: _link_id(path) for path in _pins("one")} == links


def _link_id(path: Path) -> int:
    descriptor = bpf.get(str(path))
    try:
        return int.from_bytes(bpf._info(descriptor, 8)[4:8], "little")
    finally:
        os.close(descriptor)


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("damage", ["rm {pins}/one/bind4", "rm {pins}/one/config", "rmdir {cgroups}/weft/one", "rm -r {pins}/one"])
def test_damage_is_seen_and_repaired(host: Host, damage: str) -> None:
    host.sh(damage.format(pins=jail_kernel.PINS, cgroups=CGROUPS))
    assert host.apply(TWO).changed
    with cell("weft/one") as inside:
        assert inside.ask("AF_INET", "SOCK_STREAM", ["bind", "192.0.2.2", 80]) == "EPERM"


def test_a_cgroup_that_was_there_stays(host: Host) -> None:
    path = Path(CGROUPS, f"weft-test-{os.getpid()}", "inner")
    path.mkdir(parents=True)
    try:
        document = {"jails": {"one": {"addresses": ["192.0.2.1"], "cgroup": f"{path.parent.name}/inner"}}}
        host.apply(document)
        host.apply(None, state="absent")
        assert path.is_dir()
    finally:
        path.rmdir()
        path.parent.rmdir()


def test_a_refused_step_is_undone(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel refuses one program after the other; each time the host is as it was."""
    for former in (None, _changed(ports=[443])):
        converge(former or {})
        before = _lasting(host)
        number = 0
        while _fails_at(number, monkeypatch):
            number += 1
            assert _lasting(host) == before, f"program {number}"
            assert converge(former or {}, check=True).steps == []
        assert number >= 14
        converge(None, state="absent")


def _fails_at(number: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    with monkeypatch.context() as patch:
        _spoil(patch, number)
        try:
            converge(TWO)
        except NetnsError as error:
            assert " jail " in str(error) and "R5 !read_ok" in str(error)
            return True
    return False


def _spoil(patch: pytest.MonkeyPatch, number: int) -> None:
    """The program of this number has an instruction that the verifier refuses: it reads what was never written."""
    load, left = bpf.load, number

    def spoilt(name: str, hook: bpf.Hook, code: bytes) -> int:
        nonlocal left
        left -= 1
        return load(name, hook, b"\xbf\x50\0\0\0\0\0\0" + code if left == -1 else code)

    patch.setattr(bpf, "load", spoilt)


def test_the_verifier_is_quoted() -> None:
    with pytest.raises(NetnsError, match=r"bpf: load nonsense: Permission denied; .*R5 !read_ok"):
        bpf.load("nonsense", bpf.Hook(18, 8), b"\xbf\x50\0\0\0\0\0\0\x95\0\0\0\0\0\0\0")


def test_a_service_gets_a_drop_in_and_loses_it(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "UNITS", str(tmp_path))
    host.apply({"jails": {"web-1": {"addresses": ["192.0.2.1"], "unit": "nginx.service"}}})
    assert "Slice=weft-web\\x2d1.slice" in (tmp_path / "nginx.service.d/50-weft-jail.conf").read_text().splitlines()
    assert Path(CGROUPS, "weft.slice", "weft-web\\x2d1.slice").is_dir()
    (tmp_path / "nginx.service.d/50-weft-jail.conf").unlink()
    assert host.apply({"jails": {"web-1": {"addresses": ["192.0.2.1"], "unit": "nginx.service"}}}).changed
    host.apply(None, state="absent")
    assert list(tmp_path.iterdir()) == []
    assert not Path(CGROUPS, "weft.slice").exists()


def test_documents_share_a_host(host: Host) -> None:
    first, second = ({"jails": {name: TWO["jails"][name]}} for name in ("one", "two"))
    host.apply(first, name="first")
    host.apply(second, name="second")
    with pytest.raises(NetnsError, match=r"exists already and belongs to the document 'first'"):
        converge({"jails": {**second["jails"], "one": {"addresses": ["192.0.2.7"]}}}, name="second")
    host.apply(None, name="first", state="absent")
    assert list(show()["jails"]) == ["two"]
    host.apply(None, name="second", state="absent")


# -- what holds a socket


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("family", "kind", "protocol"),
    [
        ("AF_INET", "SOCK_RAW", socket.IPPROTO_ICMP),
        ("AF_INET", "SOCK_RAW", socket.IPPROTO_TCP),
        ("AF_INET6", "SOCK_RAW", socket.IPPROTO_ICMPV6),
        ("AF_INET", "SOCK_DGRAM", socket.IPPROTO_ICMP),
        ("AF_INET6", "SOCK_DGRAM", socket.IPPROTO_ICMPV6),
        ("AF_INET", "SOCK_STREAM", 262),  # MPTCP
        ("AF_INET", "SOCK_DGRAM", 136),  # UDP-Lite
    ],
)
def test_only_tcp_and_udp_sockets_are_made(host: Host, family: str, kind: str, protocol: int) -> None:
    host.sh("sysctl -qw net.ipv4.ping_group_range='0 2147483647'")
    with cell("weft/one") as inside, cell("") as outside:
        question = {"protocol": protocol}
        assert inside.ask(family, kind, **question) == "EPERM"
        assert outside.ask(family, kind, **question) is None


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("family", "addresses"), [("AF_INET", ["192.0.2.1", "192.0.2.2", "127.0.0.1"]), ("AF_INET6", ["fd00::1", "::1", "192.0.2.2"])]
)
@pytest.mark.parametrize("user", [0, NOBODY])
def test_who_listens_without_a_bind_hears_nothing(host: Host, family: str, addresses: list[str], user: int) -> None:
    with cell("weft/one", user) as inside, cell("") as outside:
        for each, heard in ((outside, True), (inside, False)):
            port = each.ask(family, "SOCK_STREAM", ["listen"], ["port"], hold=True)
            for address in addresses:
                with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as client:
                    client.settimeout(1)
                    assert (client.connect_ex((address, port)) == 0) == heard, (address, port)


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("family", "own", "foreign", "target"),
    [
        ("AF_INET", "192.0.2.1", "192.0.2.2", "192.0.2.2"),
        ("AF_INET6", "fd00::1", "fd00::2", "fd00::2"),
        ("AF_INET6", "::ffff:192.0.2.1", "::ffff:192.0.2.2", "::ffff:192.0.2.2"),
    ],
)
def test_a_packet_names_no_source_of_others(host: Host, family: str, own: str, foreign: str, target: str) -> None:
    with cell("weft/one", NOBODY) as inside:
        assert inside.ask(family, "SOCK_DGRAM", ["sendmsg", own, 0, target, 9]) == 1
        assert inside.ask(family, "SOCK_DGRAM", ["sendmsg", foreign, 0, target, 9]) == "EPERM"
        assert inside.ask(family, "SOCK_DGRAM", ["connect", target, 9], ["sendmsg", foreign, 0]) == "EPERM"


@pytest.mark.usefixtures("two")
def test_a_port_that_the_kernel_chose_gives_no_source_later(host: Host) -> None:
    with cell("weft/one") as inside:
        assert inside.ask("AF_INET", "SOCK_DGRAM", ["sendto", "192.0.2.2", 9], ["connect", "192.0.2.2", 9]) == "EPERM"
        assert inside.ask("AF_INET", "SOCK_DGRAM", ["bind", "224.0.0.77", 9], ["connect", "192.0.2.2", 9]) == "EPERM"
        assert inside.ask("AF_INET", "SOCK_DGRAM", ["bind", "0.0.0.0", 0], ["connect", "192.0.2.2", 9], ["getsockname"]) == "192.0.2.1"


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(("family", "localhost"), [("AF_INET", "127.0.0.1"), ("AF_INET6", "::1"), ("AF_INET6", "::ffff:127.0.0.1")])
def test_localhost_is_the_jails_own(host: Host, family: str, localhost: str) -> None:
    """Both sides are told 127.0.0.1; the other jail's is another, though it is the same port."""
    converge({"jails": {name: {**jail, "loopback": "own"} for name, jail in TWO["jails"].items()}})
    with cell("weft/one") as server, cell("weft/one") as client, cell("weft/two") as other:
        assert server.ask(family, "SOCK_STREAM", ["bind", localhost, 7000], ["listen"], hold=True) is None
        assert other.ask(family, "SOCK_STREAM", ["connect", localhost, 7000]) == "ECONNREFUSED"
        assert other.ask(family, "SOCK_STREAM", ["bind", localhost, 7000], ["listen"], hold=True) is None
        assert client.ask(family, "SOCK_STREAM", ["connect", localhost, 7000], ["getpeername"], hold=True) == localhost
        assert client.ask("held", "", ["getsockname"]) == localhost
        assert server.ask("held", "", ["accept"]) == [localhost, localhost]
        assert server.ask(family, "SOCK_DGRAM", ["bind", localhost, 7000], hold=True) is None
        assert client.ask(family, "SOCK_DGRAM", ["sendto", localhost, 7000]) == 1
        assert server.ask("held", "", ["recvfrom"]) == localhost


@pytest.mark.usefixtures("two")
def test_the_hosts_loopback_by_choice(host: Host) -> None:
    """Its services are reached; ports there are as limited as elsewhere, and other jails' loopbacks are not reached."""
    loopback = str(Jail("one").loopbacks[0])
    with cell("") as outside, cell("weft/one") as one, cell("weft/two", NOBODY) as two_:
        assert outside.ask("AF_INET", "SOCK_STREAM", ["bind", "127.0.0.1", 7001], ["listen"], hold=True) is None
        assert one.ask("AF_INET", "SOCK_STREAM", ["bind", "127.0.0.1", 7002], ["listen"], hold=True) is None
        assert two_.ask("AF_INET", "SOCK_STREAM", ["connect", "127.0.0.1", 7001], ["getsockname"]) == "127.0.0.1"
        assert two_.ask("AF_INET", "SOCK_STREAM", ["connect", loopback, 7002]) == "EPERM"
        assert two_.ask("AF_INET", "SOCK_DGRAM", ["sendto", loopback, 7002]) == "EPERM"
        assert two_.ask("AF_INET", "SOCK_STREAM", ["bind", loopback, 8000]) == "EPERM"
        assert two_.ask("AF_INET", "SOCK_STREAM", ["bind", "127.0.0.1", 9]) == "EPERM"
        assert two_.ask("AF_INET", "SOCK_STREAM", ["bind", "127.0.0.1", 8000], ["getsockname"]) == "127.0.0.1"
        assert one.ask("AF_INET", "SOCK_STREAM", ["connect", "127.0.0.1", 7001]) == "ECONNREFUSED"


@pytest.mark.parametrize(
    ("addresses", "told"),
    [(["192.0.2.1", "192.0.2.2"], "::ffff:192.0.2.1"), (["192.0.2.1", "fd00::2", "fd00::1"], "fd00::2"), (["fd00::1"], "fd00::1")],
)
def test_who_listens_on_every_address_of_both_families(host: Host, addresses: list[str], told: str) -> None:
    """`[::]` is the first IPv6 address; in a jail that has none, the first IPv4 address."""
    host.apply({"jails": {"one": {"addresses": addresses}}})
    with cell("weft/one", NOBODY) as inside:
        assert inside.ask("AF_INET6", "SOCK_STREAM", ["bind", "::", 8080], ["listen"], ["getsockname"], hold=True) == told
        family = socket.AF_INET6 if told.startswith("fd") else socket.AF_INET
        with socket.socket(family) as client:
            assert client.connect_ex((told.replace("::ffff:", ""), 8080)) == 0
        with_ipv4 = [each for each in addresses if ":" not in each]
        if with_ipv4 and told.startswith("fd"):  # both at once, by two sockets
            assert inside.ask("AF_INET", "SOCK_STREAM", ["bind", "0.0.0.0", 8080], ["getsockname"]) == with_ipv4[0]
    host.apply(None, state="absent")


def test_a_family_without_an_address_is_closed(host: Host) -> None:
    host.apply({"jails": {"four": {"addresses": ["192.0.2.4"]}, "six": {"addresses": ["fd00::6"]}}})
    with cell("weft/four") as four, cell("weft/six") as six:
        assert four.ask("AF_INET6", "SOCK_STREAM", ["connect", "fd00::6", 9]) == "EPERM"
        assert four.ask("AF_INET6", "SOCK_DGRAM", ["sendto", "fd00::6", 9]) == "EPERM"
        assert four.ask("AF_INET6", "SOCK_STREAM", ["bind", "::1", 9]) == "EPERM"
        assert six.ask("AF_INET", "SOCK_STREAM", ["connect", "192.0.2.4", 9]) == "EPERM"
        assert six.ask("AF_INET", "SOCK_DGRAM", ["sendto", "192.0.2.4", 9]) == "EPERM"
        assert six.ask("AF_INET", "SOCK_STREAM", ["bind", "0.0.0.0", 9]) == "EPERM"
        assert six.ask("AF_INET", "SOCK_STREAM", ["bind", "127.0.0.1", 9], ["getsockname"]) == "127.0.0.1"
    host.apply(None, state="absent")


def test_ports_of_one_address(host: Host) -> None:
    """Two jails with one address: each has its ports, and neither the other's."""
    document = {"jails": {"web": {"addresses": ["192.0.2.1"], "ports": [80]}, "dns": {"addresses": ["192.0.2.1"], "ports": [53]}}}
    host.apply(document)
    with cell("weft/web") as web, cell("weft/dns") as dns:
        assert [each.ask("AF_INET", "SOCK_STREAM", ["bind", "0.0.0.0", 80]) for each in (web, dns)] == [None, "EPERM"]
        assert [each.ask("AF_INET", "SOCK_DGRAM", ["bind", "0.0.0.0", 53]) for each in (web, dns)] == ["EPERM", None]
    del document["jails"]["dns"]
    host.apply(document)
    assert [each["local"] for each in host.ip("address", "show", "lo")[0]["addr_info"] if each["local"] == "192.0.2.1"] == ["192.0.2.1"]
    host.apply(None, state="absent")


# -- what it costs


@pytest.mark.usefixtures("two")
def test_no_packet_of_a_stream_passes_a_program(host: Host) -> None:
    """Run counts of all programs are the same before and after 64 MiB."""
    host.sh("sysctl -qw kernel.bpf_stats_enabled=1")
    try:
        with cell("weft/one") as inside, socket.create_server(("192.0.2.2", 7003)) as server:
            assert inside.ask("AF_INET", "SOCK_STREAM", ["connect", "192.0.2.2", 7003], hold=True) is None
            connection, _peer = server.accept()
            before = _runs("one")
            assert sum(before.values()) > 0
            with connection:
                reader = threading.Thread(target=_drain, args=(connection, 64 << 20))
                reader.start()
                assert inside.ask("held", "", ["pour", 64 << 20]) == 64 << 20
                reader.join()
            assert _runs("one") == before
    finally:
        host.sh("sysctl -qw kernel.bpf_stats_enabled=0")


def _drain(connection: socket.socket, left: int) -> None:
    while left > 0:
        left -= len(connection.recv(1 << 20))


def _runs(jail: str) -> dict[str, int]:
    """How often each program was run, by the kernel's own count (proc(5), fdinfo of a program)."""
    found = {}
    for path in _pins(jail):
        link = bpf.get(str(path))
        program = bpf.program_of(bpf.look(link).program)
        text = Path(f"/proc/self/fdinfo/{program}").read_text()
        found[path.name] = int(next(line.split()[1] for line in text.splitlines() if line.startswith("run_cnt:")))
        os.close(link)
        os.close(program)
    return found


def test_restarting_what_is_inside_loses_nothing(host: Host) -> None:
    host.apply(TWO)
    for _turn in range(2):
        with cell("weft/one") as inside:
            assert inside.ask("AF_INET", "SOCK_STREAM", ["bind", "0.0.0.0", 80], ["getsockname"]) == "192.0.2.1"
            assert inside.ask("AF_INET", "SOCK_STREAM", ["bind", "192.0.2.2", 80]) == "EPERM"
        assert converge(TWO, check=True).steps == []
    host.apply(None, state="absent")


def test_a_jail_with_processes_is_not_taken_away(host: Host) -> None:
    host.apply(TWO)
    with cell("weft/one") as inside:
        with pytest.raises(NetnsError, match=f"processes live in the jail one \\(pid {inside.pid}\\)"):
            converge(None, state="absent")
        assert inside.ask("AF_INET", "SOCK_STREAM", ["bind", "192.0.2.2", 80]) == "EPERM"
    host.apply(None, state="absent")


def test_children_are_held_too(host: Host) -> None:
    host.apply(TWO)
    inner = Path(CGROUPS, "weft/one/inner")
    inner.mkdir()
    with cell("weft/one/inner") as inside:
        assert inside.ask("AF_INET", "SOCK_STREAM", ["bind", "0.0.0.0", 80], ["getsockname"]) == "192.0.2.1"
    inner.rmdir()
    host.apply(None, state="absent")


def test_a_command_is_run_in_a_jail(host: Host) -> None:
    host.apply(TWO)
    command = [sys.executable, "-m", "_engine.cli", "jail", "exec"]
    environment = {**os.environ, "PYTHONPATH": str(Path(_engine.__path__[0]).parent)}

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    assert run("one", "--", "grep", "^0::", "/proc/self/cgroup") == (0, "0::/weft/one\n")
    assert run("one", "sh", "-c", "exit 7") == (7, "")
    assert run("one", "no-such-command") == (127, "no-such-command: No such file or directory\n")
    assert run("three", "true") == (1, "there is no jail three\n")
    Path(jail_kernel.PINS, "one", "bind4").unlink()
    assert run("one", "true") == (1, "the jail one is not as it was made, and would hold nothing: apply its document again\n")
    host.apply(None, state="absent")


def test_bpftool_tells_whose_a_program_is(host: Host) -> None:
    if not shutil.which("bpftool"):
        pytest.skip("bpftool is not there")
    host.apply(TWO)
    names = host.run("bpftool", "cgroup", "show", f"{CGROUPS}/weft/one")
    assert {"bind4_one", "connect6_one", "sock_create_one"} <= set(names.split())
    host.apply(None, state="absent")
