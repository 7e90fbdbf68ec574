"""Helpers of the campaigns: reproducible randomness, programs with planted bugs, and measurements of a process."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Sequence

import psutil


def seeded(seed: int) -> random.Random:
    """Return a random number generator, and print its seed, which a failing test shows.

    ``FILLMASK_SEED`` in the environment replaces the seed.
    """
    seed = int(os.environ.get("FILLMASK_SEED", seed))
    print(f"run again with FILLMASK_SEED={seed}")
    return random.Random(seed)


def program_with(source: str) -> list[str]:
    """Return a command that runs source code, such as a planted bug, and then the program."""
    return [sys.executable, "-c", f"{source}\nfrom fillmask_ls.cli import main\nraise SystemExit(main())"]


def resident_memory(process_id: int) -> int:
    """Return the resident memory of a process in bytes."""
    return int(psutil.Process(process_id).memory_info().rss)


def processor_share(process_id: int, seconds: float) -> float:
    """Measure the share of one core that a process uses, for some seconds."""
    process = psutil.Process(process_id)
    before, start = sum(process.cpu_times()[:2]), time.perf_counter()
    time.sleep(seconds)
    return float(sum(process.cpu_times()[:2]) - before) / (time.perf_counter() - start)


def slope(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the least-squares slope of (x, y), and its standard error."""
    count = len(points)
    mean_x, mean_y = (sum(each) / count for each in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    residual = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in points)
    return slope, (residual / max(1, count - 2) / spread) ** 0.5
