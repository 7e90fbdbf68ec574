"""Measure a shared engine under load, and compare it with transformers' pipeline behind a FastAPI route.

    PYTHONPATH=tests python tests/benchmarks/team.py peer [MODEL]               requests per second and p95, in turns
    PYTHONPATH=tests python tests/benchmarks/team.py editors PICTURE [MODEL]    people who type
    PYTHONPATH=tests python tests/benchmarks/team.py slow [MODEL]               the same with 1,000 slow clients, in turns

Needs the extras ``serve`` and ``training`` (for matplotlib), and ``fastapi`` for the first.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.load_generator import Load, closed_loop, our_body, ours, slow_clients, their_body, theirs, typing
from fillmask_ls.mlm.checkpoint import resolve
from fillmask_ls.mlm.export import export

TURNS = int(os.environ.get("TURNS", "3"))
CLIENTS = (1, 2, 4, 8, 16, 32)
PEOPLE = tuple(map(int, os.environ.get("PEOPLE", "10,20,30,40,50,60,80,100,120").split(",")))
SLOW_CLIENTS = 1000
TIME_LIMIT = 0.15
"""Seconds within which a response feels immediate while typing."""
IN_TIME = 0.95
"""The share of requests that must be answered within the limit."""
_UNSERVED = ("cancelled", "shed", "lost")


def peer(model: str) -> None:
    """Measure both sides with several numbers of clients, in turns; print our rate at the pipeline's p95, and the ratio."""
    with TemporaryDirectory() as parent:
        export(resolve(model), folder := Path(parent, "model"))
        _peer(model, str(folder))


def _peer(model: str, folder: str) -> None:
    sides: dict[str, tuple[Callable[[], AbstractContextManager[str]], Callable[[int], bytes]]] = {
        "pipeline behind FastAPI": (lambda: theirs(folder), their_body),
        "ours": (lambda: ours(model), our_body),
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
    theirs_points, our_points = ([_middle(turns) for turns in measured.values()] for measured in loads.values())
    print("\nmaximum answers per second with p95 within a limit, medians of the turns:")
    for limit in sorted({TIME_LIMIT, *(p95 for _, p95 in theirs_points)}):
        theirs_rate, our_rate = (
            max((rate for rate, p95 in points if p95 <= limit), default=0.0) for points in (theirs_points, our_points)
        )
        ratio = f" ({our_rate / theirs_rate:.1f} times)" if theirs_rate else ""
        print(f"p95 <= {1000 * limit:6.0f} ms: pipeline {theirs_rate:.1f}, ours {our_rate:.1f}{ratio}")


def _middle(turns: Sequence[Load]) -> tuple[float, float]:
    """Return the median rate and p95 of some turns."""
    return median(load.rate for load in turns), median(load.quantile(0.95) for load in turns)


def editors(model: str, picture: str) -> None:
    """Measure how many typing people this machine serves in time."""
    loads: dict[int, list[Load]] = {people: [] for people in PEOPLE}
    with ours(model) as url:
        asyncio.run(closed_loop(url, our_body, 4))
        for _ in range(TURNS):
            for people in PEOPLE:
                loads[people].append(asyncio.run(typing(url, people)))
    for people, turns in loads.items():
        print(f"{people:>4} people, medians of {TURNS} turns: {_summary(turns)}")
    capacities = [
        capacity({people: turns[turn].in_time(TIME_LIMIT) for people, turns in loads.items()}) for turn in range(TURNS)
    ]
    print(
        f"{IN_TIME:.0%} of all requests are answered within {1000 * TIME_LIMIT:.0f} ms with up to "
        f"{median(capacities):.1f} people ({min(capacities):.1f} to {max(capacities):.1f})"
    )
    draw(loads, picture)


def slow(model: str) -> None:
    """Measure the response times of typing people in turns: alone, and beside slow clients of nobody and of this server.

    The slow clients take a part of the same cores, so those of nobody show what the server has to do with the effect.
    """
    people = PEOPLE[0]
    p95: dict[str, list[float]] = {"alone": [], "beside slow clients of nobody": [], "beside slow clients": []}
    with ours(model) as url:
        asyncio.run(closed_loop(url, our_body, 4))
        attacks = dict(zip(p95, (None, "", url), strict=True))
        for _ in range(TURNS):
            for name, attacked in attacks.items():
                with nullcontext() if attacked is None else slow_clients(attacked, SLOW_CLIENTS):
                    load = asyncio.run(typing(url, people))
                p95[name].append(load.quantile(0.95))
                print(f"{people} people {name}: {load}", flush=True)
    alone, nobody, ours_ = map(median, p95.values())
    print(
        f"p95 {1000 * alone:.1f} ms alone, {1000 * nobody:.1f} and {1000 * ours_:.1f} ms beside {SLOW_CLIENTS} slow clients"
    )
    print(f"ratio to alone {ours_ / alone:.2f}, to slow clients of nobody {ours_ / nobody:.2f}")


def capacity(in_time: Mapping[int, float]) -> float:
    """Return the number of people at which the share of requests in time falls below :data:`IN_TIME`.

    Between two measured numbers the share is interpolated.
    """
    points = [(0, 1.0), *sorted(in_time.items())]
    for (people, share), (more, less) in pairwise(points):
        if less < IN_TIME:
            return people + (more - people) * (share - IN_TIME) / (share - less)
    return points[-1][0]


def _summary(turns: Sequence[Load]) -> str:
    parts = []
    for share in (0.5, 0.95):
        each = sorted(1000 * turn.quantile(share) for turn in turns)
        parts.append(f"p{100 * share:.0f} {median(each):.0f} ms ({each[0]:.0f} to {each[-1]:.0f})")
    parts.append(f"in time {median(100 * turn.in_time(TIME_LIMIT) for turn in turns):.1f} %")
    shares = {kind: median(100 * getattr(load, kind) / load.requests for load in turns) for kind in _UNSERVED}
    return ", ".join([*parts, *(f"{kind} {share:.0f} %" for kind, share in shares.items())])


def draw(loads: Mapping[int, Sequence[Load]], picture: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for share, color in ((0.5, "tab:blue"), (0.95, "tab:orange")):
        for turn in zip(*loads.values(), strict=True):
            axes.plot(list(loads), [1000 * load.quantile(share) for load in turn], ".", color=color)
        middle = [median(1000 * load.quantile(share) for load in turns) for turns in loads.values()]
        axes.plot(list(loads), middle, color=color, label=f"p{100 * share:.0f} of answered requests")
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
    elif what == "slow":
        slow(rest[0] if rest else "embedded")
    else:
        editors(rest[1] if rest[1:] else "embedded", rest[0])
