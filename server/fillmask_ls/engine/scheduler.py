"""What waits for the model's thread, and in which order it goes."""

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
    from fillmask_ls.mlm.model import MaskedLM


_IN_TIME = 0.25
"""Seconds: hints that are not begun by then come late. Where the machine can't answer all, half are still answered at
once if the newest goes first, and in order none is."""


_TOKENS_AT_ONCE = {Priority.HINT: 256, Priority.BACKGROUND: 128}


def tokens_at_once(priority: Priority) -> int:
    """Return the maximum number of tokens in a divisible forward step: larger steps delay interactive questions.

    Half as many tokens a step take slightly longer in all, and delay an interactive question half as long.
    """
    return _TOKENS_AT_ONCE.get(priority, 512)


@dataclass(eq=False, slots=True)
class Job:
    """Work for the model's thread.

    Attributes:
        priority: of two with the same priority, the queue's order decides.
        begin: called on the thread when its turn has come.
        future: gets the result; cancelled at any time, the work stops at its next step.
        asking: the work that ``begin`` returned, if it asks the model.
        batch: what that work asks next.
        model: the one that it asks.
        number, came: of its first coming into a queue, and when, by the monotonic clock.
    """

    priority: Priority
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
    """Jobs by priority, for one thread that takes and any that put.

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

    def take_before(self, priority: Priority) -> Job | None:
        """The next job, if it is more urgent than that, and no model's load; doesn't wait."""
        with self._changed:
            job = self._next()
            if job is None or not Priority.LOADING < job.priority < priority:
                return None
            self._jobs.remove(job)
            return job

    def take_others(self, priority: Priority, most: int) -> list[Job]:
        """At most that many of the next jobs, if they are as urgent; none when there are none."""
        with self._changed:
            taken: list[Job] = []
            while len(taken) < most and (job := self._next()) is not None and job.priority == priority:
                self._jobs.remove(job)
                taken.append(job)
            return taken

    def _next(self) -> Job | None:
        """The next job that is not cancelled."""
        self._jobs = [job for job in self._jobs if not job.future.cancelled()]
        oldest = min(self._jobs, key=lambda job: (job.priority, job.number), default=None)
        if oldest is None or self._oldest_first:
            return oldest
        if oldest.priority is Priority.HINT and time.monotonic() - oldest.came <= _IN_TIME:
            return oldest
        return max(self._jobs, key=lambda job: (-job.priority, job.number))
