"""Timings in turns against a peer, so that the machine's moods meet both; only ratios of medians are judged."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

Run = Callable[[], float]
"""Runs once and returns the seconds that counted."""


def timed(call: Callable[[], object]) -> Run:
    def run() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return run


def medians(ours: Run, theirs: Run, *, rounds: int, warm_up: int = 1) -> tuple[float, float]:
    """The median milliseconds of both, run in turns."""
    for _ in range(warm_up):
        ours()
        theirs()
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    mine, peer = (statistics.median(times) * 1e3 for times in zip(*pairs, strict=True))
    return mine, peer


def compare(name: str, ours: Run, theirs: Run, *, rounds: int, warm_up: int = 1) -> float:
    """Run both in turns; print both medians and return the ratio of ours to theirs."""
    mine, peer = medians(ours, theirs, rounds=rounds, warm_up=warm_up)
    print(f"\n{name}: ours {mine:.1f} ms, theirs {peer:.1f} ms, ratio {mine / peer:.2f} ({rounds} pairs)")
    return mine / peer
