"""A model of a shared engine's queue: requests come by chance, and all that wait are served at once, as a batch.

So the server is a bulk queue (Bailey 1954): at the end of each batch it takes what has come, up to a limit, and a batch of
``n`` takes as long as was measured for ``n`` clients who each ask again as soon as they have their answer.
"""

from __future__ import annotations

import random
import statistics
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

MOST_AT_ONCE = 32


@dataclass(frozen=True)
class BatchCurve:
    """The seconds that batches take, measured at some sizes; between them a straight line, beyond the last one too."""

    seconds: Mapping[int, float]

    def __call__(self, size: int) -> float:
        low, high = next(
            (pair for pair in pairwise(sorted(self.seconds)) if size <= pair[1]), sorted(self.seconds)[-2:]
        )
        slope = (self.seconds[high] - self.seconds[low]) / (high - low)
        return self.seconds[low] + slope * (size - low)


def latencies(curve: BatchCurve, rate: float, *, requests: int = 20_000, seed: int = 0) -> list[float]:
    """The seconds from coming to answer of that many requests, which come by chance, ``rate`` a second."""
    dice = random.Random(seed)
    came, now = [], 0.0
    for _ in range(requests):
        now += dice.expovariate(rate)
        came.append(now)
    found: list[float] = []
    free = 0.0
    while len(found) < requests:
        first = len(found)
        start = max(free, came[first])
        batch = came[first : min(first + MOST_AT_ONCE, bisect_right(came, start))]
        free = start + curve(len(batch))
        found += [free - each for each in batch]
    return found


def quantile(values: list[float], share: float) -> float:
    """0 where there are no two values."""
    return statistics.quantiles(values, n=100)[round(share * 100) - 1] if len(values) > 1 else 0.0


def carried(curve: BatchCurve, p95: float) -> float:
    """The most requests a second at which 95 % are answered within ``p95`` seconds; 0 if none are."""
    low, high = 0.0, MOST_AT_ONCE / curve(MOST_AT_ONCE)
    for _ in range(20):
        rate = (low + high) / 2
        if quantile(latencies(curve, rate), 0.95) <= p95:
            low = rate
        else:
            high = rate
    return low
