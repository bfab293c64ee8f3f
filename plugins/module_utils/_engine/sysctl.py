# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and side effects of sysctls (sysctl(8), ip-sysctl.rst)."""

from __future__ import annotations

# Writing one of these makes the kernel write others. What those were before is kept with the
# former value, as far as the kernel would not restore it by itself.
FORWARDING = {
    "net.ipv4.ip_forward": "net/ipv4/conf",
    "net.ipv4.conf.all.forwarding": "net/ipv4/conf",
    "net.ipv6.conf.all.forwarding": "net/ipv6/conf",
}
REDIRECTS = "net.ipv4.conf.all.accept_redirects"


def path(name: str) -> str:
    """Path below /proc/sys. A `/` in a component stands for a dot (an interface called eth0.5)."""
    return "/".join(part.replace("/", ".") for part in name.split("."))


def component(name: str) -> str:
    """A plain name as a component of a sysctl's name."""
    return name.replace(".", "/")


def about_link(name: str, link: str) -> bool:
    """Whether the sysctl belongs to this link and goes with it."""
    parts = name.split(".")
    return len(parts) > 3 and parts[2] in ("conf", "neigh") and parts[3] == component(link)


def rename_link(name: str, link: str, real: str) -> str:
    """The same sysctl of another link."""
    parts = name.split(".")
    parts[3] = component(real)
    return ".".join(parts)


def echo_names(name: str, devices: list[str]) -> list[str]:
    """Sysctls that change when ``name`` is written, for these entries of its conf directory."""
    family = FORWARDING[name].split("/")[1]
    names = [f"net.{family}.conf.{component(device)}.forwarding" for device in devices]
    return [echo for echo in names if echo != name] + ([REDIRECTS] if family == "ipv4" else [])


def echo_value(echo: str, value: str) -> str:
    """What the kernel sets ``echo`` to when forwarding becomes ``value`` (inet_forward_change() in devinet.c)."""
    return str(int(value == "0")) if echo == REDIRECTS else value


def overwrites(name: str, other: str) -> bool:
    """Whether writing ``name`` makes the kernel write ``other``."""
    if name not in FORWARDING or name == other:
        return False
    folder = FORWARDING[name].replace("/", ".")
    return (other.startswith(folder + ".") and other.endswith(".forwarding")) or (other == REDIRECTS and ".ipv4." in name)


def order(name: str) -> tuple[int, bool, str]:
    """Forwarding late: what guards against its side effects (accept_ra) must stand before; what it overwrites comes after.
    All and default before links."""
    overwritten = name == REDIRECTS or (name.endswith(".forwarding") and name not in FORWARDING)
    return (2 if overwritten else int(name in FORWARDING), not any(part in name for part in (".all.", ".default.")), name)
