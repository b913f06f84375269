# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F16, F23: whether memory stays as it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from trend import HOUR, MIB, Bounds, judge, slope

BOUNDS = Bounds(warm_up=900, absolute=8 * MIB, relative=0.05, span=1200)
Curve = Callable[[float], float]


def samples(curve: Curve, seconds: float = HOUR, every: float = 30.0) -> list[tuple[float, float]]:
    return [(number * every, curve(number * every)) for number in range(int(seconds / every) + 1)]


def growing(mib_an_hour: float, level: float = 100.0) -> Curve:
    return lambda when: (level + mib_an_hour * when / HOUR) * MIB


def sawtooth(when: float) -> float:
    """What a garbage collector makes."""
    return (100 + when % 300 / 10) * MIB


def peak(when: float) -> float:
    return (500 if 1800 <= when <= 1900 else 100) * MIB


def step_up(when: float) -> float:
    """Twice as much for good, in the middle of what counts: half of the pairs have no slope."""
    return (100 if when < 2250 else 200) * MIB


def children(when: float) -> float:
    """Processes that come and go, of which more and more stand in a sample."""
    return (300 + when % 150 * 2 * when / HOUR) * MIB


def warm(when: float) -> float:
    return min(100 + when / 3, 300) * MIB


@pytest.mark.parametrize(
    ("curve", "flat"),
    [
        (growing(0), True),
        (growing(7.9), True),
        (growing(8.1), False),
        (growing(-50), True),
        (growing(100), False),
        # Of 1000 MiB the relative bound is 50 MiB an hour.
        (growing(45, 1000), True),
        (growing(60, 1000), False),
        (sawtooth, True),
        (peak, True),
        (children, True),
        (lambda when: children(when) + growing(40, 0)(when), False),
        (step_up, False),
        (warm, True),
    ],
)
def test_flat_memory(curve: Curve, flat: bool) -> None:
    assert judge(samples(curve), BOUNDS).flat is flat


def test_growth_is_told_in_bytes_an_hour() -> None:
    assert slope(samples(growing(12))) == pytest.approx(12 * MIB)
    assert slope(samples(growing(12), every=1)) == pytest.approx(12 * MIB)
    assert judge(samples(growing(0)), BOUNDS).level == 100 * MIB


@pytest.mark.parametrize("seconds", [0, 30, 900, 2000])
def test_too_short_to_say(seconds: float) -> None:
    assert judge(samples(growing(1000), seconds), BOUNDS).flat is None


def test_nothing_sampled() -> None:
    assert judge([], BOUNDS).flat is None
    assert slope([(1.0, 5.0)]) == 0.0
