"""A discrete-event simulation of a shared engine: people type, and each key's request passes several stations.

A request passes the load generator, the proxy, the replica's Python code and its model, and returns the same way. A
station does one thing at a time, and busy stations share the machine's cores equally. The model reads waiting passages in
batches and caches their answers. :mod:`benchmarks.team` measures each station's time without a queue. People type as in
that benchmark, and each key cancels the request of the key before.
"""

from __future__ import annotations

import heapq
import itertools
import random
import statistics
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from math import inf
from typing import Protocol

LETTERS = 5
"""Letters that people type after each mask."""
BETWEEN_LETTERS, BETWEEN_WORDS = 0.15, 0.9
"""Mean seconds between letters, and from the last letter of a word to the next word."""
BATCH_SIZE = 8
"""Passages that the engine reads in one forward step."""
CACHE_SIZE = 64
"""Passages that the engine caches."""
SLEEP_AFTER = 0.002
"""Seconds without work after which a station has to wake up."""


def pauses(dice: random.Random) -> Iterator[float]:
    """Yield the seconds from each letter of a word to the next key."""
    for letter in range(LETTERS):
        yield (BETWEEN_WORDS if letter == LETTERS - 1 else BETWEEN_LETTERS) * dice.uniform(0.7, 1.3)


def quantile(values: list[float], share: float) -> float:
    """Return a quantile of ``values``; 0 for fewer than two values."""
    return statistics.quantiles(values, n=100)[round(share * 100) - 1] if len(values) > 1 else 0.0


class Responses(Protocol):
    """The outcome of requests."""

    @property
    def seconds(self) -> list[float]:
        """The response times of the answered requests."""

    @property
    def requests(self) -> int: ...


def in_time(responses: Responses, limit: float) -> float:
    """Return the share of all requests that were answered within ``limit`` seconds."""
    return sum(seconds <= limit for seconds in responses.seconds) / max(1, responses.requests)


@dataclass(frozen=True)
class Curve:
    """The seconds of a forward step by the number of passages, interpolated linearly between measurements."""

    seconds: Mapping[int, float]

    def __call__(self, passages: int) -> float:
        low, high = next(pair for pair in pairwise(sorted(self.seconds)) if passages <= pair[1])
        slope = (self.seconds[high] - self.seconds[low]) / (high - low)
        return self.seconds[low] + slope * (passages - low)


@dataclass(frozen=True)
class Work:
    """A station's work for a request, in seconds of one core.

    Attributes:
        warm: without a pause before.
        waking: additional work after a pause, when the processor's caches no longer hold its memory.
    """

    warm: float
    waking: float = 0.0


@dataclass(frozen=True)
class Costs:
    """Costs measured without a queue.

    Attributes:
        load: the load generator's work.
        proxy, replica: the work of the proxy, and of the replica without its model.
        known: the model's seconds for a cached passage.
        forward: the model's seconds for other passages.
        cores: the machine's cores, without other programs' share.
        before: the share of the proxy's and the replica's work before the answer is sent.
        contention: the factor by which the model is slower in a replica than alone.
    """

    load: Work
    proxy: Work
    replica: Work
    known: float
    forward: Curve
    cores: float
    before: float = 1.0
    contention: float = 1.0


class Machine:
    """Time and cores: busy stations share the cores equally, at most one core each."""

    def __init__(self, cores: float) -> None:
        self.now = 0.0
        self._cores = cores
        self._left: dict[Station, float] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Call ``act`` after some seconds."""
        heapq.heappush(self._timers, (self.now + seconds, next(self._numbers), act))

    def work(self, station: Station, seconds: float) -> None:
        """Let a station work for some seconds of one core."""
        self._left[station] = seconds

    def run(self, until: float) -> None:
        while self.now < until and (self._left or self._timers):
            running = [station for station in self._left if station.yields_to not in self._left]
            speed = min(1.0, self._cores / max(1, len(running)))
            first = min(running, key=self._left.__getitem__, default=None)
            done = self.now + self._left[first] / speed if first else inf
            due = self._timers[0][0] if self._timers else inf
            then = min(done, due)
            for station in running:
                self._left[station] -= (then - self.now) * speed
            self.now = then
            if first and done <= due:
                del self._left[first]
                first.finish()
            else:
                heapq.heappop(self._timers)[2]()


class Station:
    """Does one thing at a time, and nothing while the station that it yields to is busy."""

    def __init__(self, machine: Machine, yields_to: Station | None = None) -> None:
        self.machine = machine
        self.yields_to = yields_to
        self._waiting: deque[tuple[float, Work, Callable[[], None]]] = deque()
        self._then: list[Callable[[], None]] = []
        self._since = 0.0

    def put(self, share: float, work: Work, then: Callable[[], None]) -> None:
        """Do a share of some work, then call ``then``."""
        self._waiting.append((share, work, then))
        self.begin()

    def begin(self) -> None:
        if not self._then:
            slept = self.machine.now - self._since >= SLEEP_AFTER
            seconds, self._then = self.next(slept)
            if self._then:
                self.machine.work(self, seconds)

    def finish(self) -> None:
        then, self._then, self._since = self._then, [], self.machine.now
        for go_on in then:
            go_on()
        self.begin()

    def next(self, slept: bool) -> tuple[float, list[Callable[[], None]]]:
        """Return the seconds of the next work and the calls after it; no calls if nothing waits."""
        if not self._waiting:
            return 0.0, []
        share, work, then = self._waiting.popleft()
        return share * (work.warm + slept * work.waking), [then]


@dataclass(eq=False)
class Request:
    """The request of one key about a passage."""

    passage: int
    arrived_at: float
    cancelled: bool = False
    answered: bool = False


class Model(Station):
    """Reads waiting passages in batches. Cached passages and cancelled requests need no reading.

    It pauses while the replica's other thread runs Python code, which holds the interpreter's lock.
    """

    def __init__(self, machine: Machine, replica: Station, costs: Costs) -> None:
        super().__init__(machine, replica)
        self._costs = costs
        self._requests: list[tuple[Request, Callable[[], None]]] = []
        self._known: dict[int, None] = {}

    def ask(self, request: Request, then: Callable[[], None]) -> None:
        self._requests.append((request, then))
        self.begin()

    def next(self, slept: bool) -> tuple[float, list[Callable[[], None]]]:
        turn = self._requests[:BATCH_SIZE]
        for each in turn:
            request, then = each
            if request.cancelled or request.passage in self._known:
                self._requests.remove(each)
                return 0.0 if request.cancelled else self._costs.contention * self._costs.known, [then]
        del self._requests[:BATCH_SIZE]
        read = [partial(self._read, request, then) for request, then in turn]
        return self._costs.contention * self._costs.forward(len(turn)) if turn else 0.0, read

    def _read(self, request: Request, then: Callable[[], None]) -> None:
        self._known[request.passage] = None
        if len(self._known) > CACHE_SIZE:
            del self._known[next(iter(self._known))]
        then()


@dataclass
class Outcome:
    """The response times of answered requests, and the number of cancelled ones."""

    seconds: list[float] = field(default_factory=list)
    cancelled: int = 0

    @property
    def requests(self) -> int:
        return self.cancelled + len(self.seconds)


class System:
    """The stations between a key and its response."""

    def __init__(self, costs: Costs) -> None:
        self.machine, self._costs = Machine(costs.cores), costs
        self._load, self._proxy, self._replica = (Station(self.machine) for _ in range(3))
        self._model = Model(self.machine, self._replica, costs)

    def send(self, request: Request, then: Callable[[], None]) -> None:
        """Send a request through all stations and back. Some work of the proxy and the replica follows the response."""
        costs, way, after = self._costs, self._costs.before / 2, 1 - self._costs.before

        def at_proxy() -> None:
            self._proxy.put(way, costs.proxy, lambda: self._replica.put(way, costs.replica, at_model))

        def at_model() -> None:
            self._model.ask(request, lambda: self._replica.put(way, costs.replica, from_replica))

        def from_replica() -> None:
            self._proxy.put(way, costs.proxy, from_proxy)
            self._replica.put(after, costs.replica, lambda: None)

        def from_proxy() -> None:
            self._load.put(0.5, costs.load, then)
            self._proxy.put(after, costs.proxy, lambda: None)

        self._load.put(0.5, costs.load, at_proxy)


def closed_loop(costs: Costs, clients: int, *, seconds: float = 30.0) -> float:
    """Return the answers a second of clients that each send a request when they get a response (a closed loop).

    A client sends as many requests about one passage as a word has letters, then continues with another passage.
    """
    system, words, answered = System(costs), itertools.count(), 0

    def send(letters: Iterator[int]) -> None:
        passage = next(letters, None)
        if passage is None:
            letters = itertools.repeat(next(words), LETTERS)
            passage = next(letters)
        system.send(Request(passage, system.machine.now), lambda: receive(letters))

    def receive(letters: Iterator[int]) -> None:
        nonlocal answered
        answered += 1
        send(letters)

    for _ in range(clients):
        send(iter(()))
    system.machine.run(seconds)
    return answered / seconds


def fit_contention(costs: Costs, clients: int, rate: float) -> Costs:
    """Return ``costs`` with the contention at which ``clients`` clients get ``rate`` answers a second."""
    low, high = 1.0, 4.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if closed_loop(replace(costs, contention=middle), clients) > rate else (low, middle)
    return replace(costs, contention=low)


def typing(costs: Costs, people: int, *, seconds: float = 120.0, seed: int = 0) -> Outcome:
    """Return the outcome of ``people`` who type for some seconds."""
    system, outcome, dice = System(costs), Outcome(), random.Random(seed)
    machine, passages = system.machine, itertools.count()

    def send(request: Request) -> None:
        def respond() -> None:
            request.answered = not request.cancelled
            if request.answered:
                outcome.seconds.append(machine.now - request.arrived_at)

        system.send(request, respond)

    def person(dice: random.Random) -> None:
        def word() -> None:
            passage, keys = next(passages), pauses(dice)

            def key(last: Request | None = None) -> None:
                if last is not None and not last.answered:
                    last.cancelled = True
                    outcome.cancelled += 1
                pause = next(keys, None)
                if pause is None:
                    word()
                    return
                request = Request(passage, machine.now)
                send(request)
                machine.after(pause, lambda: key(request))

            key()

        machine.after(dice.uniform(0, BETWEEN_WORDS), word)

    for _ in range(people):
        person(random.Random(dice.random()))
    machine.run(seconds)
    return outcome


def capacity(in_time: Mapping[int, float], share: float = 0.95) -> float:
    """Return the number of people for which a share of all requests is answered in time, at most the largest one tried.

    Args:
        in_time: the share by the number of people, interpolated linearly; 1 for nobody.
    """
    points = sorted({0: 1.0, **in_time}.items())
    for (few, before), (many, after) in pairwise(points):
        if after < share:
            return few + (many - few) * (before - share) / (before - after)
    return points[-1][0]
