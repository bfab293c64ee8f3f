# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ifb: an intermediate device for traffic control."""

from __future__ import annotations

from .base import Kind

IFB = Kind("ifb")
