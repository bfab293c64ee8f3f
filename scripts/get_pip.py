# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for the get-pip.py that ansible-test downloads: installs pip from the wheel that lies beside this file.

scripts/sanity puts it where ansible-test looks, on machines that reach a package index but not ansible-test's own server.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

wheel = next(Path(__file__).parent.glob(Path(__file__).stem.replace("get_pip_", "pip-").replace("_", ".") + "-*.whl"))
sys.path.insert(0, str(wheel))
sys.argv = ["pip", "install", *(argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel"))]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
