"""The model of the queue where its answer is known."""

from __future__ import annotations

import pytest

from benchmarks.queueing import BatchCurve, carried, latencies


@pytest.mark.parametrize("load", [0.3, 0.6, 0.9])
def test_one_at_a_time_is_an_md1_queue(load: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pollaczek and Khinchine's mean wait: ``load / (2 * (1 - load))`` services."""
    monkeypatch.setattr("benchmarks.queueing.MOST_AT_ONCE", 1)
    found = latencies(BatchCurve({1: 1.0, 2: 2.0}), load, requests=300_000)
    assert sum(found) / len(found) == pytest.approx(1 + load / (2 * (1 - load)), rel=0.05)


def test_batches_carry_more_than_one_at_a_time() -> None:
    together, apart = BatchCurve({1: 0.010, 32: 0.040}), BatchCurve({1: 0.010, 32: 0.320})
    assert 80 < carried(apart, 0.15) < 100
    assert carried(together, 0.15) > 5 * carried(apart, 0.15)
