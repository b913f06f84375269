# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether memory stays as it is: a robust line through samples, and bounds for its slope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

MIB = 2**20
HOUR = 3600.0
# (seconds since the beginning, bytes)
Sample = tuple[float, float]


@dataclass(frozen=True)
class Bounds:
    """What counts as flat. Both bounds must be exceeded for growth to count."""

    warm_up: float = 900.0
    """Seconds at the beginning that do not count: caches fill, modules are imported."""
    absolute: float = 8 * MIB
    """Bytes an hour."""
    relative: float = 0.05
    """Share of the level, an hour."""
    span: float = 1200.0
    """Seconds that the samples after the warm-up must cover. Over less, noise looks like a slope."""
    window: float = 300.0
    """Seconds of which only the lowest sample counts. A container has processes that come and go, such as those that parse DAG files: on a
    busier machine they live longer, and more of them stand in a sample. What lasts shows while they are away."""


@dataclass(frozen=True)
class Trend:
    level: float
    """Median of the samples that count, in bytes."""
    slope: float
    """Bytes an hour."""
    flat: bool | None
    """None where the samples do not suffice to say."""


def slope(samples: Sequence[Sample]) -> float:
    """Theil-Sen estimate in bytes an hour: the median of the slopes between all pairs, which single peaks do not move.

    Of more than 240 samples equidistant ones are taken, for the pairs grow as the square. 0 for fewer than two.
    """
    step = max(1, len(samples) // 240)
    pairs = combinations(samples[::step], 2)
    slopes = [(later[1] - first[1]) / (later[0] - first[0]) for first, later in pairs if later[0] > first[0]]
    return median(slopes) * HOUR if slopes else 0.0


def lowest(samples: Sequence[Sample], window: float) -> list[Sample]:
    """The lowest sample of each window of so many seconds."""
    found: dict[int, Sample] = {}
    for sample in samples:
        number = int(sample[0] // window)
        found[number] = min(sample, found.get(number, sample), key=lambda item: item[1])
    return list(found.values())


def judge(samples: Sequence[Sample], bounds: Bounds) -> Trend:
    """The trend after the warm-up. Memory that shrinks is flat."""
    counted = [sample for sample in samples if sample[0] >= bounds.warm_up]
    if len(counted) < 3 or counted[-1][0] - counted[0][0] < bounds.span:
        return Trend(median(size for _when, size in samples) if samples else 0.0, slope(samples), None)
    low = lowest(counted, bounds.window)
    level, found = median(size for _when, size in low), slope(low)
    return Trend(level, found, found <= max(bounds.absolute, bounds.relative * level))
