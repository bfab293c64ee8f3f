# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host may lack is told before anything is tried."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

UTILS = Path(__file__).resolve().parents[3] / "plugins" / "module_utils"
SHOW = f"import sys; sys.path.insert(0, {str(UTILS)!r}); from _engine.cli import main; sys.exit(main(['show']))"


def test_without_pyroute2() -> None:
    """A Python with nothing but its standard library."""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", SHOW], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("pyroute2 cannot be imported (No module named 'pyroute2'): install python3-pyroute2")
