# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bound that the benchmark of jails judges by."""

from __future__ import annotations

import random

import pytest

from ansible_collections.weft.netns.benchmarks import jails


def test_ratios_that_are_all_the_same_leave_nothing_open():
    assert jails.lower_bound([0.97] * 20) == pytest.approx(0.97)


def test_the_mean_is_that_of_ratios():
    assert jails.mean([0.5, 2.0]) == pytest.approx(1.0)


def test_what_is_true_is_above_the_bound_nineteen_times_of_twenty(monkeypatch):
    monkeypatch.setattr(jails, "DRAWS", 400)
    chosen = random.Random(1)
    bounds = [jails.lower_bound([chosen.lognormvariate(0, 0.1) for _round in range(20)]) for _time in range(200)]
    assert 0.90 < sum(bound < 1 for bound in bounds) / len(bounds) < 0.98
