"""What the campaigns share: chance that can be played again, servers that are sabotaged, and what a process costs."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Sequence

import psutil


def chance(seed: int) -> random.Random:
    """The dice of a campaign; a failing test shows what was printed. ``FILLMASK_SEED`` plays another campaign."""
    seed = int(os.environ.get("FILLMASK_SEED", seed))
    print(f"played from FILLMASK_SEED={seed}")
    return random.Random(seed)


def sabotaged(bug: str) -> list[str]:
    """The server with a bug planted: source that runs before it starts."""
    return [sys.executable, "-c", f"{bug}\nfrom fillmask_ls.cli import main\nraise SystemExit(main())"]


def resident(process_id: int) -> int:
    """Bytes of memory that a process holds."""
    return int(psutil.Process(process_id).memory_info().rss)


def busy(process_id: int, seconds: float) -> float:
    """The share of one core that a process uses."""
    process = psutil.Process(process_id)
    before, since = sum(process.cpu_times()[:2]), time.perf_counter()
    time.sleep(seconds)
    return float(sum(process.cpu_times()[:2]) - before) / (time.perf_counter() - since)


def slope(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The least-squares slope of (x, y), and its standard error."""
    count = len(points)
    mean_x, mean_y = (sum(each) / count for each in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    found = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    residual = sum((y - mean_y - found * (x - mean_x)) ** 2 for x, y in points)
    return found, (residual / max(1, count - 2) / spread) ** 0.5
