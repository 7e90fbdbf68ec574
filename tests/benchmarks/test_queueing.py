"""The simulation of a shared engine in cases with known results."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from benchmarks.queueing import (
    LETTERS,
    Costs,
    Curve,
    Machine,
    Station,
    Work,
    capacity,
    closed_loop,
    fit_contention,
    in_time,
    quantile,
    typing,
)

COSTS = Costs(
    load=Work(0.001),
    proxy=Work(0.004),
    replica=Work(0.003),
    known=0.002,
    forward=Curve({1: 0.020, 8: 0.020}),
    cores=2,
)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.9])
def test_single_station_is_an_md1_queue(load: float) -> None:
    """The mean wait is ``load / (2 * (1 - load))`` service times (Pollaczek and Khinchine)."""
    machine, dice = Machine(1), random.Random(0)
    station, times = Station(machine), []

    def arrive() -> None:
        arrived_at = machine.now
        station.put(1.0, Work(1.0), lambda: times.append(machine.now - arrived_at))
        machine.after(dice.expovariate(load), arrive)

    arrive()
    machine.run(300_000)
    assert sum(times) / len(times) == pytest.approx(1 + load / (2 * (1 - load)), rel=0.05)


@pytest.mark.parametrize(("cores", "second"), [(1, 3.0), (2, 2.0)])
def test_stations_share_the_cores(cores: int, second: float) -> None:
    machine, done = Machine(cores), []
    for seconds in (1.0, 2.0):
        Station(machine).put(1.0, Work(seconds), lambda: done.append(machine.now))
    machine.run(10)
    assert done == pytest.approx([min(2.0, second - 1), second])


def test_yielding_station_continues_when_the_other_is_idle() -> None:
    machine, done = Machine(2), []
    first = Station(machine)
    Station(machine, first).put(1.0, Work(1.0), lambda: done.append(machine.now))
    machine.after(0.5, lambda: first.put(1.0, Work(2.0), lambda: done.append(machine.now)))
    machine.run(10)
    assert done == [2.5, 3.0]


def test_single_typist_never_waits() -> None:
    outcome = typing(COSTS, 1)
    assert outcome.cancelled == 0
    assert quantile(outcome.seconds, 0.5) == pytest.approx(0.010)
    assert quantile(outcome.seconds, 0.95) == pytest.approx(0.028)


def test_every_request_is_cancelled_if_a_forward_step_outlasts_a_word() -> None:
    outcome = typing(replace(COSTS, forward=Curve({1: 3.0, 8: 3.0})), 1)
    assert outcome.requests > 100
    assert in_time(outcome, 100) == 0


def test_waiting_passages_are_read_together() -> None:
    """The model reads one of eight clients' passages, then the other seven together; known passages take no time."""
    free = replace(COSTS, known=0, load=Work(0), proxy=Work(0), replica=Work(0), forward=Curve({1: 1.0, 8: 1.0}))
    assert closed_loop(free, 8, seconds=1000) == pytest.approx(4 * LETTERS, rel=0.01)


def test_fit_recovers_the_contention() -> None:
    rate = closed_loop(replace(COSTS, contention=1.5), 4)
    assert fit_contention(COSTS, 4, rate).contention == pytest.approx(1.5, rel=0.05)


def test_faster_forward_steps_serve_more_people() -> None:
    slow = replace(COSTS, forward=Curve({1: 0.1, 8: 0.8}))
    people = (5, 10, 20, 40, 80)
    some, more = (capacity({n: in_time(typing(costs, n), 0.15) for n in people}) for costs in (slow, COSTS))
    assert 0 < some < more < 80


def test_capacity_is_where_the_share_falls_below_the_limit() -> None:
    assert capacity({10: 0.97, 20: 0.93, 30: 0.5}) == pytest.approx(15)
    assert capacity({10: 0.9}) == pytest.approx(5)
    assert capacity({10: 0.97}) == 10
