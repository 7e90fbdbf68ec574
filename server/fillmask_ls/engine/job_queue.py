"""Jobs that wait for the model's thread, by priority."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from .api import Priority

if TYPE_CHECKING:
    from fillmask_ls.mlm.forward_steps import ForwardStep, ForwardSteps
    from fillmask_ls.mlm.model import LoadedModel

_SECONDS_IN_ORDER = 0.25
"""Seconds after which a waiting hint counts as late."""

_MAX_REMEMBERED_CLIENTS = 1000
"""Clients above which those without a future turn are forgotten."""


@dataclass(frozen=True, slots=True)
class ModelSteps:
    """A generator of forward steps, and the model that computes them."""

    model: LoadedModel
    steps: ForwardSteps[Any]


@dataclass(eq=False, slots=True)
class Job:
    """Work for the model's thread.

    Attributes:
        priority: jobs of a higher priority run first.
        begin: called on the thread; returns the result, or the steps that lead to it.
        client: whose work it is; with ``fair``, clients take turns.
        future: receives the result; cancelling it stops the job before its next forward step.
        model_steps: what ``begin`` returned, if the job has begun and needs forward steps.
        next_step: the forward step that the generator waits for.
        number: the order of arrival.
        deadline: the time by ``time.monotonic()`` at which a hint counts as late.
        turn: the turn of the client that the next step takes; None until it is known.
    """

    priority: Priority
    begin: Callable[[], Any]
    client: str = ""
    future: Future[Any] = field(default_factory=Future)
    model_steps: ModelSteps | None = None
    next_step: ForwardStep | None = None
    number: int = 0
    deadline: float = 0.0
    turn: int | None = None

    def succeed(self, result: object) -> None:
        with suppress(InvalidStateError):  # cancelled meanwhile
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        with suppress(InvalidStateError):
            self.future.set_exception(error)


class JobQueue:
    """A priority queue for one consumer thread and any number of producers.

    Among jobs of one priority the newest runs first: a user types on, and the newest request is the one that is still
    wanted. Hints run oldest first while they are on time; once the oldest is late, the newest runs first, so that an
    overloaded machine still answers some at once.

    With ``fair``, for an engine of many users, jobs of one priority run oldest first, but clients take turns: each step of
    a client's jobs is a turn, so that one with many jobs or a long one doesn't delay the others (start-time fair queueing,
    Goyal et al. 1997, with steps of equal weight).
    """

    def __init__(self, *, fair: bool = False) -> None:
        self._jobs: list[Job] = []
        self._changed = threading.Condition()
        self._numbers = count(1)
        self._fair = fair
        self._turn = 0
        self._next_turns: dict[str, int] = {}
        self._closed = False

    def close(self) -> None:
        """Cancel all waiting jobs, and every job that is put later."""
        with self._changed:
            self._closed = True
            for job in self._jobs:
                job.future.cancel()
            self._changed.notify_all()

    def put(self, job: Job) -> None:
        """Add a new job, or a job that was taken and has more steps."""
        with self._changed:
            if self._closed:
                job.future.cancel()
            if not job.number:
                job.number, job.deadline = next(self._numbers), time.monotonic() + _SECONDS_IN_ORDER
            if self._fair and job.turn is None:
                job.turn = max(self._turn, self._next_turns.get(job.client, 0))
                self._next_turns[job.client] = job.turn + 1
                if len(self._next_turns) > _MAX_REMEMBERED_CLIENTS:
                    self._next_turns = {client: turn for client, turn in self._next_turns.items() if turn > self._turn}
            self._jobs.append(job)
            self._changed.notify()

    def take(self) -> Job | None:
        """Wait for the next job and remove it; return None if the queue is closed."""
        with self._changed:
            while (job := self._first()) is None and not self._closed:
                self._changed.wait()
            return self._remove(job)

    def take_more_urgent(self, priority: Priority) -> Job | None:
        """Remove and return the next job if its priority is higher, without waiting; never one that loads a model."""
        with self._changed:
            job = self._first()
            return self._remove(job) if job is not None and Priority.LOADING < job.priority < priority else None

    def take_same(self, priority: Priority, limit: int) -> list[Job]:
        """Remove and return up to ``limit`` of the next jobs, as long as they have this priority."""
        with self._changed:
            taken: list[Job] = []
            while len(taken) < limit and (job := self._first()) is not None and job.priority is priority:
                self._remove(job)
                taken.append(job)
            return taken

    def take_new(self, priority: Priority) -> list[Job]:
        """Remove and return the jobs of a priority that have not begun; they keep their turns when they are put again."""
        with self._changed:
            new = [job for job in self._jobs if job.priority is priority and job.model_steps is None]
            self._jobs = [job for job in self._jobs if job not in new]
            return new

    def _first(self) -> Job | None:
        self._jobs = [job for job in self._jobs if not job.future.cancelled()]
        oldest = min(self._jobs, key=lambda job: (job.priority, job.turn or 0, job.number), default=None)
        if oldest is None or self._fair:
            return oldest
        if oldest.priority is Priority.HINT and time.monotonic() <= oldest.deadline:
            return oldest
        return min(self._jobs, key=lambda job: (job.priority, -job.number))

    def _remove(self, job: Job | None) -> Job | None:
        if job is not None:
            self._jobs.remove(job)
            self._turn = max(self._turn, job.turn or 0)
        return job
