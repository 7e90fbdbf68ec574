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


def compare(name: str, ours: Run, theirs: Run, *, rounds: int, warm_up: int = 1) -> float:
    """Run both in turns; print both medians and return the ratio of ours to theirs."""
    for _ in range(warm_up):
        ours()
        theirs()
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    mine, peer = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"\n{name}: ours {mine * 1e3:.1f} ms, theirs {peer * 1e3:.1f} ms, ratio {mine / peer:.2f} ({rounds} pairs)")
    return mine / peer
