"""A model of a shared engine: people type, and what each key asks goes from station to station on one machine's cores.

A simulation of events. A request goes through the process that makes the load, the proxy, the replica's own Python, its
model, and back; each station does one thing at a time, and those that are at work share the cores equally. The model
takes all passages that wait together and knows those that it has read. What a station takes for a request is measured
where nobody waits (:mod:`benchmarks.team`); who types, and gives up with each key what the last one asked, is made the
same way here and there.
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
BETWEEN_LETTERS, BETWEEN_WORDS = 0.15, 0.9
"""Seconds: five letters of a word are typed behind each mask."""
PER_PERSON = LETTERS / ((LETTERS - 1) * BETWEEN_LETTERS + BETWEEN_WORDS)
"""Requests a second."""
TOGETHER = 8
"""How many passages the engine reads in one forward."""
REMEMBERED = 64
"""How many it knows."""
ASLEEP = 0.002
"""Seconds of idleness after which a station has to wake up."""


def pauses(dice: random.Random) -> Iterator[float]:
    """The seconds from each letter of a word to the next key."""
    for letter in range(LETTERS):
        yield (BETWEEN_WORDS if letter == LETTERS - 1 else BETWEEN_LETTERS) * dice.uniform(0.7, 1.3)


def quantile(values: list[float], share: float) -> float:
    """0 where there are no two values."""
    return statistics.quantiles(values, n=100)[round(share * 100) - 1] if len(values) > 1 else 0.0


class Answered(Protocol):
    """What came of requests."""

    @property
    def seconds(self) -> list[float]:
        """Of those that were answered."""

    @property
    def asked(self) -> int: ...


def in_time(found: Answered, limit: float) -> float:
    """The share of all requests that were answered within so many seconds: not shed, lost, or given up before."""
    return sum(seconds <= limit for seconds in found.seconds) / max(1, found.asked)


@dataclass(frozen=True)
class Curve:
    """The seconds that forwards take, measured for some numbers of passages; between them a straight line."""

    seconds: Mapping[int, float]

    def __call__(self, passages: int) -> float:
        low, high = next(pair for pair in pairwise(sorted(self.seconds)) if passages <= pair[1])
        slope = (self.seconds[high] - self.seconds[low]) / (high - low)
        return self.seconds[low] + slope * (passages - low)


@dataclass(frozen=True)
class Work:
    """What a station does for a request, in seconds of one core.

    Attributes:
        warm: without a pause.
        waking: beside that, when it was idle before: its memory is no longer in the caches.
    """

    warm: float
    waking: float = 0.0


@dataclass(frozen=True)
class Costs:
    """What was measured where nobody waits.

    Attributes:
        load: of the process that makes the load.
        proxy, replica: of theirs, the replica's without its model.
        known: of the model for a passage that it has read, in seconds of one core.
        forward: of the model for others.
        cores: of the machine, without what others on it take.
        before: how much of the proxy's and the replica's work is done before the answer is out.
        contention: how many times as long as by itself the model takes in a replica.
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
    """Time, and cores: the stations that are at work share them equally, and none has more than one."""

    def __init__(self, cores: float) -> None:
        self.now = 0.0
        self._cores = cores
        self._left: dict[Station, float] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Act when that much time has gone by."""
        heapq.heappush(self._timers, (self.now + seconds, next(self._numbers), act))

    def work(self, station: Station, seconds: float) -> None:
        """Let a station finish what it has begun when it has had that much of a core."""
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
    """Does one thing after the other, but nothing while the one that it yields to is at work."""

    def __init__(self, machine: Machine, yields_to: Station | None = None) -> None:
        self.machine = machine
        self.yields_to = yields_to
        self._waiting: deque[tuple[float, Work, Callable[[], None]]] = deque()
        self._then: list[Callable[[], None]] = []
        self._since = 0.0

    def put(self, share: float, work: Work, then: Callable[[], None]) -> None:
        """Do a share of some work, and ``then`` go on."""
        self._waiting.append((share, work, then))
        self.begin()

    def begin(self) -> None:
        if not self._then:
            slept = self.machine.now - self._since >= ASLEEP
            seconds, self._then = self.next(slept)
            if self._then:
                self.machine.work(self, seconds)

    def finish(self) -> None:
        then, self._then, self._since = self._then, [], self.machine.now
        for go_on in then:
            go_on()
        self.begin()

    def next(self, slept: bool) -> tuple[float, list[Callable[[], None]]]:
        """Take what is done next: how long it takes, and what comes then; nothing if nothing waits."""
        if not self._waiting:
            return 0.0, []
        share, work, then = self._waiting.popleft()
        return share * (work.warm + slept * work.waking), [then]


@dataclass(eq=False)
class Request:
    """What a key asks about a passage."""

    passage: int
    came: float
    given_up: bool = False
    answered: bool = False


class Model(Station):
    """Reads the passages that wait, up to some number together; what it knows or was given up goes first.

    It stands still while the replica's other thread runs Python: between its steps it needs the interpreter's lock.
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
        turn = self._requests[:TOGETHER]
        for each in turn:
            request, then = each
            if request.given_up or request.passage in self._known:
                self._requests.remove(each)
                return 0.0 if request.given_up else self._costs.contention * self._costs.known, [then]
        del self._requests[:TOGETHER]
        read = [partial(self._read, request, then) for request, then in turn]
        return self._costs.contention * self._costs.forward(len(turn)) if turn else 0.0, read

    def _read(self, request: Request, then: Callable[[], None]) -> None:
        self._known[request.passage] = None
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        then()


@dataclass
class Outcome:
    """The seconds of what was answered, and how many requests were given up."""

    seconds: list[float] = field(default_factory=list)
    given_up: int = 0

    @property
    def asked(self) -> int:
        return self.given_up + len(self.seconds)


class Served:
    """The stations between a key and its answer."""

    def __init__(self, costs: Costs) -> None:
        self.machine, self._costs = Machine(costs.cores), costs
        self._load, self._proxy, self._replica = (Station(self.machine) for _ in range(3))
        self._model = Model(self.machine, self._replica, costs)

    def send(self, request: Request, then: Callable[[], None]) -> None:
        """There and back; some work is left when the answer is out."""
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


def closed(costs: Costs, clients: int, *, seconds: float = 30.0) -> float:
    """The answers a second of clients who each ask the next when they have their answer: of a passage as many times as a
    word has letters, and then of another."""
    served, words, answered = Served(costs), itertools.count(), 0

    def ask(letters: Iterator[int]) -> None:
        passage = next(letters, None)
        if passage is None:
            letters = itertools.repeat(next(words), LETTERS)
            passage = next(letters)
        served.send(Request(passage, served.machine.now), lambda: answer(letters))

    def answer(letters: Iterator[int]) -> None:
        nonlocal answered
        answered += 1
        ask(letters)

    for _ in range(clients):
        ask(iter(()))
    served.machine.run(seconds)
    return answered / seconds


def fitted(costs: Costs, clients: int, rate: float) -> Costs:
    """With the ``contention`` at which so many clients get ``rate`` answers a second."""
    low, high = 1.0, 4.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if closed(replace(costs, contention=middle), clients) > rate else (low, middle)
    return replace(costs, contention=low)


def typing(costs: Costs, people: int, *, seconds: float = 120.0, seed: int = 0) -> Outcome:
    """What comes of ``people`` who type that long."""
    served, outcome, dice = Served(costs), Outcome(), random.Random(seed)
    machine, passages = served.machine, itertools.count()

    def send(request: Request) -> None:
        def arrived() -> None:
            request.answered = not request.given_up
            if request.answered:
                outcome.seconds.append(machine.now - request.came)

        served.send(request, arrived)

    def person(dice: random.Random) -> None:
        def word() -> None:
            passage, keys = next(passages), pauses(dice)

            def key(last: Request | None = None) -> None:
                if last is not None and not last.answered:
                    last.given_up = True
                    outcome.given_up += 1
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


def carried(in_time: Mapping[int, float], share: float = 0.95) -> float:
    """The number of people of whose requests that share is answered in time; the most that were tried, where it is more.

    Args:
        in_time: the share for some numbers of people; between them a straight line, and all where nobody types.
    """
    points = sorted({0: 1.0, **in_time}.items())
    for (few, before), (many, after) in pairwise(points):
        if after < share:
            return few + (many - few) * (before - share) / (before - after)
    return points[-1][0]
