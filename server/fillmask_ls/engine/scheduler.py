"""What waits for the model's thread, and in which order it goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fillmask_ls.mlm.forward_steps import ForwardStep, ForwardSteps
    from fillmask_ls.mlm.model import MaskedLM


_IN_TIME = 0.25
"""Seconds: hints that are not begun by then come late. Where the machine can't answer all, half are still answered at
once if the newest goes first, and in order none is."""


class Priority(IntEnum):
    """The lower goes first."""

    LOADING = 0
    """A model: nothing can be answered before."""
    INTERACTIVE = 1
    """Someone waits for it: a completion, a hover."""
    HINT = 2
    """Nobody waits: hints."""
    BACKGROUND = 3
    """Nobody waits, and it is much: diagnostics, which look at each word of a document, and what may be asked next."""

    @property
    def tokens_at_once(self) -> int:
        """In a forward that can be divided: of more, who comes meanwhile would feel the weight.

        Half as many at once take somewhat longer in all, and half as long for who comes.
        """
        return {Priority.HINT: 256, Priority.BACKGROUND: 128}.get(self, 512)


@dataclass(eq=False, slots=True)
class Job:
    """Work for the model's thread.

    Attributes:
        urgency: of two that are as urgent, the queue's order decides.
        begin: called on the thread when its turn has come.
        future: gets the result; cancelled at any time, the work stops at its next step.
        asking: the work that ``begin`` returned, if it asks the model.
        batch: what that work asks next.
        model: the one that it asks.
        number, came: of its first coming into a queue, and when, by the monotonic clock.
    """

    urgency: Priority
    begin: Callable[[], Any]
    future: Future[Any] = field(default_factory=Future)
    asking: ForwardSteps[Any] | None = None
    batch: ForwardStep | None = None
    model: MaskedLM | None = None
    number: int = 0
    came: float = 0.0

    def succeed(self, result: object) -> None:
        with suppress(InvalidStateError):  # it was cancelled meanwhile
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        with suppress(InvalidStateError):
            self.future.set_exception(error)


class JobQueue:
    """Jobs by urgency, for one thread that takes and any that put.

    Of those that are as urgent the newest goes first: what one person asks, and typed on since. Where many people ask,
    it is the oldest, so that nobody's waits for all that come behind it. So it is with hints, of many documents, as long
    as that is not too late for all.
    """

    def __init__(self, *, oldest_first: bool = False) -> None:
        self._jobs: list[Job] = []
        self._changed = threading.Condition()
        self._numbers = count(1)
        self._oldest_first = oldest_first
        self._closed = False

    def close(self) -> None:
        """Cancel what waits, and what still comes."""
        with self._changed:
            self._closed = True
            for job in self._jobs:
                job.future.cancel()
            self._changed.notify_all()

    def put(self, job: Job) -> None:
        """Add a job, or one again that was taken and has more to do."""
        with self._changed:
            if self._closed:
                job.future.cancel()
            if not job.number:
                job.number, job.came = next(self._numbers), time.monotonic()
            self._jobs.append(job)
            self._changed.notify()

    def take(self) -> Job | None:
        """The next job that is not cancelled; waits for one. None when the queue is closed."""
        with self._changed:
            while (job := self._next()) is None and not self._closed:
                self._changed.wait()
            if job is not None:
                self._jobs.remove(job)
            return job

    def take_before(self, urgency: Priority) -> Job | None:
        """The next job, if it is more urgent than that, and no model's load; doesn't wait."""
        with self._changed:
            job = self._next()
            if job is None or not Priority.LOADING < job.urgency < urgency:
                return None
            self._jobs.remove(job)
            return job

    def take_others(self, urgency: Priority, most: int) -> list[Job]:
        """At most that many of the next jobs, if they are as urgent; none when there are none."""
        with self._changed:
            taken: list[Job] = []
            while len(taken) < most and (job := self._next()) is not None and job.urgency == urgency:
                self._jobs.remove(job)
                taken.append(job)
            return taken

    def _next(self) -> Job | None:
        """The next job that is not cancelled."""
        self._jobs = [job for job in self._jobs if not job.future.cancelled()]
        oldest = min(self._jobs, key=lambda job: (job.urgency, job.number), default=None)
        if oldest is None or self._oldest_first:
            return oldest
        if oldest.urgency is Priority.HINT and time.monotonic() - oldest.came <= _IN_TIME:
            return oldest
        return max(self._jobs, key=lambda job: (-job.urgency, job.number))
