# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""libnftables (libnftables(3)) by ctypes: its own Python module belongs to the system's Python, and modules may run with another."""

from __future__ import annotations

import ctypes
import errno
import json
import socket
from typing import Any

from .errors import EnvironmentMissing, KernelError

LIBRARY = "libnftables.so.1"
NETLINK_NETFILTER = 12
STATELESS, JSON, TERSE = 1 << 2, 1 << 4, 1 << 11
NUMERIC = 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10  # protocols, priorities, symbols, times: no table in /etc has a say


class Nftables:
    """A conversation with nf_tables of the network namespace in which it is opened."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL(LIBRARY)
        except OSError as error:
            raise EnvironmentMissing.of(
                f"the filter needs libnftables ({error}): install the package nftables; the role weft.netns.prepare does"
            ) from error
        try:  # the library ends the process where there is no such socket
            socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER).close()
        except OSError as error:
            raise EnvironmentMissing.of(f"the filter needs nf_tables, which this kernel does not have ({error})") from error
        for name in ("nft_ctx_new", "nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
            getattr(self._library, name).restype = ctypes.c_char_p if "buffer" in name else ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.nft_ctx_new(0))
        self._library.nft_ctx_buffer_output(self._context)
        self._library.nft_ctx_buffer_error(self._context)

    def close(self) -> None:
        self._library.nft_ctx_free(self._context)

    def ask(self, command: str) -> list[Any]:
        """What it lists, each thing under its sort; sets without their elements."""
        return list(json.loads(self.run(command, JSON | STATELESS | TERSE) or '{"nftables": []}')["nftables"])

    def families(self, table: str) -> list[str]:
        """Families that have a table of this name."""
        listed = self.ask("list tables")
        return [each["table"]["family"] for each in listed if "table" in each and each["table"]["name"] == table]

    def listing(self, family: str, table: str, as_json: bool = False) -> str:
        """The table, as text that can be loaded again, or as JSON that can be compared."""
        return self.run(f"list table {family} {table}", JSON | STATELESS | NUMERIC if as_json else STATELESS)

    def run(self, commands: str, flags: int = 0) -> str:
        """Carry out commands, all or none of them. Returns the output.

        :raises KernelError: with the library's words.
        """
        self._library.nft_ctx_output_set_flags(self._context, ctypes.c_uint(flags))
        refused = self._library.nft_run_cmd_from_buffer(self._context, commands.encode())
        output = self._library.nft_ctx_get_output_buffer(self._context) or b""
        told = self._library.nft_ctx_get_error_buffer(self._context) or b""
        if refused:
            raise KernelError(errno.EINVAL, "nftables: " + (_first_error(told.decode(errors="replace")) or "refused"))
        return str(output.decode())


def _first_error(told: str) -> str:
    """Without the excerpt of the text that nftables quotes."""
    lines = [line for line in told.splitlines() if "Error: " in line]
    return lines[0].partition("Error: ")[2] if lines else told.strip()
