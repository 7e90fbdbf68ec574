"""Measure a shared engine under load, and compare it with transformers' pipeline behind a FastAPI route.

    PYTHONPATH=tests python tests/benchmarks/team.py peer [MODEL]               requests a second and p95, in turns
    PYTHONPATH=tests python tests/benchmarks/team.py editors PICTURE [MODEL]    people who type, and the simulation

Needs the extras ``cluster`` and ``training`` (for matplotlib), and ``fastapi`` for the first.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from math import ceil
from statistics import median

import psutil

from benchmarks import queueing
from benchmarks.load_generator import (
    WORD,
    Load,
    closed_loop,
    letter,
    our_body,
    ours,
    question,
    their_body,
    theirs,
    typing,
)
from benchmarks.queueing import BATCH_SIZE, LETTERS, Costs, Curve, Responses, Work, capacity, in_time, quantile
from fillmask_ls.engine.local import LocalEngine
from fillmask_ls.mlm.checkpoint import resolve

TURNS = int(os.environ.get("TURNS", "3"))
CLIENTS = (1, 2, 4, 8, 16, 32)
PEOPLE = (10, 20, 30, 40, 50, 60, 80, 200)
TIME_LIMIT = 0.15
"""Seconds within which a response feels immediate while typing."""
_UNSERVED = ("cancelled", "shed", "lost")


def peer(model: str) -> None:
    """Measure all sides with several numbers of clients, in turns; print our rate at the pipeline's p95, and the ratio."""
    folder = str(resolve(model).path)
    sides: dict[str, tuple[Callable[[], AbstractContextManager[str]], Callable[[int], bytes]]] = {
        "pipeline behind FastAPI": (lambda: theirs(folder), their_body),
        "ours, Ray's proxy": (lambda: ours(model, 2), our_body),
        "ours, HAProxy": (lambda: ours(model, 2, haproxy=True), our_body),
    }
    loads: dict[str, dict[int, list[Load]]] = {name: {clients: [] for clients in CLIENTS} for name in sides}
    for turn in range(1, TURNS + 1):
        for name, (starting, body) in sides.items():
            with starting() as url:
                asyncio.run(closed_loop(url, body, 4))  # to warm up
                for clients in CLIENTS:
                    load = asyncio.run(closed_loop(url, body, clients))
                    loads[name][clients].append(load)
                    print(f"{turn} {name:<24} {clients:>3} clients {load}", flush=True)
    points = {name: [_middle(turns) for turns in measured.values()] for name, measured in loads.items()}
    theirs_first, *others = points
    print("\nmaximum answers per second with p95 within a limit, medians of the turns:")
    for limit in sorted({TIME_LIMIT, *(p95 for _, p95 in points[theirs_first])}):
        rates = {
            name: max((rate for rate, p95 in measured if p95 <= limit), default=0.0)
            for name, measured in points.items()
        }
        summary = ", ".join(f"{name} {rates[name]:.1f}{_times(rates[name], rates[theirs_first])}" for name in others)
        print(f"p95 <= {1000 * limit:6.0f} ms: {theirs_first} {rates[theirs_first]:.1f}, {summary}")


def _times(rate: float, other: float) -> str:
    return f" ({rate / other:.1f} times)" if other else ""


def _middle(turns: Sequence[Load]) -> tuple[float, float]:
    """Return the median rate and p95 of some turns."""
    return median(load.rate for load in turns), median(load.quantile(0.95) for load in turns)


def spent() -> Counter[str]:
    """Return the seconds of processor time so far, of this process and its children, by station."""
    seconds: Counter[str] = Counter()
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with suppress(psutil.Error):
            seconds[_station(process)] += sum(process.cpu_times()[:2])
    return seconds


def _station(process: psutil.Process) -> str:
    command = " ".join(process.cmdline())
    if process.pid == os.getpid():
        return "load"
    if "ServeReplica" in command:
        return "replica"
    return "proxy" if "ProxyActor" in command or process.name() == "haproxy" else "else"


async def costs(url: str, model: str) -> Costs:
    """Measure each station's work for a request without a queue: the model in this process, the others on known passages."""
    known, forward = await _costs_of_model(model)
    before, began = spent(), time.perf_counter()
    await asyncio.sleep(5)
    wall = time.perf_counter() - began
    idle = {station: (seconds - before[station]) / wall for station, seconds in spent().items()}

    async def each(clients: int, pause: float) -> tuple[dict[str, float], Load]:
        before = spent()
        load = await closed_loop(url, lambda number: our_body(0, WORD[: number % LETTERS]), clients, pause)
        used = {station: seconds - before[station] - idle[station] * load.wall for station, seconds in spent().items()}
        per_request = {station: max(0.0, seconds) / len(load.seconds) for station, seconds in used.items()}
        per_request["replica"] -= known
        print(f"{clients} clients, a cached passage, pauses of {pause} s: {load}; ms of a core for each:", end=" ")
        print({station: round(1000 * seconds, 2) for station, seconds in per_request.items()}, flush=True)
        return per_request, load

    warm, _ = await each(4, 0.0)
    woken, alone = await each(1, 0.03)
    work = {station: Work(warm[station], max(0.0, woken[station] - warm[station])) for station in warm}
    waited = alone.quantile(0.5) - woken["load"] - known
    return Costs(
        load=work["load"],
        proxy=work["proxy"],
        replica=work["replica"],
        known=known,
        forward=forward,
        cores=(os.cpu_count() or 1) - sum(idle.values()),
        before=min(1.0, waited / (woken["proxy"] + woken["replica"])),
    )


async def _costs_of_model(model: str) -> tuple[float, Curve]:
    """Measure the model's seconds for a known passage, and for several new ones together, on one thread as in a replica."""
    import torch

    torch.set_num_threads(1)
    engine, numbers = LocalEngine(fair=True), itertools.count()
    await engine.load(model, "cpu")

    async def seconds(passages: int) -> float:
        await asyncio.sleep(0.03)
        questions = [question(next(numbers)) for _ in range(passages)]
        began = time.perf_counter()
        await asyncio.gather(*map(engine.answer, questions))
        return time.perf_counter() - began

    async def known() -> float:
        await asyncio.sleep(0.03)
        questions = [question(0, WORD[:letters]) for letters in range(LETTERS)]
        began = time.perf_counter()
        for each in questions:
            await engine.answer(each)
        return (time.perf_counter() - began) / LETTERS

    sizes = (1, 2, 4, BATCH_SIZE)
    for size in sizes:
        await seconds(size)  # the first forward step of a size is slow
    await engine.answer(question(0))
    return (
        median([await known() for _ in range(40)]),
        Curve({size: median([await seconds(size) for _ in range(30)]) for size in sizes}),
    )


def editors(model: str, picture: str) -> None:
    """Measure how many typing people this machine serves in time, and compare with the simulation.

    Each turn measures the simulation's costs again, because the machine's speed varies.
    """
    haproxy = os.environ.get("RAY_SERVE_ENABLE_HA_PROXY") == "1"
    loads: dict[int, list[Load]] = {people: [] for people in PEOPLE}
    expected: dict[int, list[queueing.Outcome]] = {people: [] for people in PEOPLE}
    with ours(model, 1, haproxy=haproxy) as url:
        asyncio.run(closed_loop(url, our_body, 4))
        for _ in range(TURNS):
            station = asyncio.run(costs(url, model))
            station = queueing.fit_contention(
                station, BATCH_SIZE, asyncio.run(closed_loop(url, letter, BATCH_SIZE)).rate
            )
            print("costs of the simulation:", station, flush=True)
            for people in PEOPLE:
                loads[people].append(asyncio.run(typing(url, people)))
                expected[people].append(queueing.typing(station, people))
    for people in PEOPLE:
        turns = loads[people]
        print(f"{people:>4} people, medians of {TURNS} turns: {_summary(turns)}", end="; ")
        shares = [(kind, median(100 * getattr(load, kind) / load.requests for load in turns)) for kind in _UNSERVED]
        print(", ".join(f"{kind} {share:.0f} %" for kind, share in shares))
        print(f"{'simulated:':>12} {_summary(expected[people])}")
    measured, by_model = _capacity(loads), _capacity(expected)
    print(
        f"95 % of all requests are answered within {1000 * TIME_LIMIT:.0f} ms with up to {median(measured):.1f} people"
        f" ({min(measured):.1f} to {max(measured):.1f}); simulated: {median(by_model):.1f}"
        f" ({min(by_model):.1f} to {max(by_model):.1f}), {median(by_model) / median(measured) - 1:+.0%}"
    )
    for people in (1_000, 100_000):
        print(f"{people} people who all type, simulated: {ceil(people / median(by_model))} replicas")
    draw(loads, expected, picture)


def _capacity(responses: Mapping[int, Sequence[Responses]]) -> list[float]:
    """Return the capacity in each turn."""
    return [
        capacity({people: in_time(responses[people][turn], TIME_LIMIT) for people in PEOPLE}) for turn in range(TURNS)
    ]


def _summary(turns: Sequence[Responses]) -> str:
    parts = []
    for share in (0.5, 0.95):
        each = sorted(1000 * quantile(turn.seconds, share) for turn in turns)
        parts.append(f"p{100 * share:.0f} {median(each):.0f} ms ({each[0]:.0f} to {each[-1]:.0f})")
    return f"{', '.join(parts)}, in time {median(100 * in_time(turn, TIME_LIMIT) for turn in turns):.1f} %"


def draw(loads: Mapping[int, Sequence[Load]], expected: Mapping[int, Sequence[queueing.Outcome]], picture: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for share, color in ((0.5, "tab:blue"), (0.95, "tab:orange")):
        for turn in zip(*loads.values(), strict=True):
            axes.plot(list(loads), [1000 * load.quantile(share) for load in turn], ".", color=color)
        middle = [median(1000 * load.quantile(share) for load in turns) for turns in loads.values()]
        axes.plot(list(loads), middle, color=color, label=f"p{100 * share:.0f} of answered requests")
        modelled = [median(1000 * quantile(turn.seconds, share) for turn in turns) for turns in expected.values()]
        axes.plot(list(loads), modelled, color=color, linestyle=":", label=f"p{100 * share:.0f} simulated")
    axes.axhline(1000 * TIME_LIMIT, color="gray", linestyle="--", label=f"{1000 * TIME_LIMIT:.0f} ms")
    axes.set(xlabel="people typing at once", ylabel="milliseconds", yscale="log")
    unserved = axes.twinx()
    shares = [median(100 * load.unserved for load in turns) for turns in loads.values()]
    unserved.plot(list(loads), shares, color="tab:red", marker=".", label="cancelled or refused")
    unserved.set(ylabel="% of requests", ylim=(0, 100))
    axes.grid(visible=True, alpha=0.3)
    figure.legend(loc="outside upper center", ncols=2)
    figure.savefig(picture)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "peer":
        peer(rest[0] if rest else "embedded")
    else:
        editors(rest[1] if rest[1:] else "embedded", rest[0])
