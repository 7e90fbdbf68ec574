"""Time our side and a peer in turns, so that the load of the machine affects both; compare ratios of medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import chain

Run = Callable[[], float]
"""Runs once and returns the measured seconds."""


def timed(call: Callable[[], object]) -> Run:
    def run() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return run


def medians(
    ours: Run, theirs: Run, *, rounds: int, warm_up: int = 1, block: int = 1, pause: float = 0
) -> tuple[float, float]:
    """Return the median milliseconds of both sides, run in turns of ``block`` runs, each after ``pause`` seconds.

    The first quarter of a block is warm-up.
    """

    def turn(run: Run, count: int) -> list[float]:
        times = []
        for _ in range(count):
            time.sleep(pause)
            times.append(run())
        return times[count // 4 :]

    turn(ours, warm_up)
    turn(theirs, warm_up)
    turns = [(turn(ours, block), turn(theirs, block)) for _ in range(rounds // block)]
    mine, peer = (statistics.median(chain.from_iterable(times)) * 1e3 for times in zip(*turns, strict=True))
    return mine, peer


def compare(name: str, ours: Run, theirs: Run, *, rounds: int, warm_up: int = 1) -> float:
    """Run both sides in turns, print both medians, and return the ratio of ours to theirs."""
    mine, peer = medians(ours, theirs, rounds=rounds, warm_up=warm_up)
    print(f"\n{name}: ours {mine:.1f} ms, theirs {peer:.1f} ms, ratio {mine / peer:.2f} ({rounds} rounds)")
    return mine / peer
