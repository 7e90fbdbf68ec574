"""The model's thread: runs forward steps of many questions, the most urgent first.

This is cooperative scheduling. A question is a generator (:mod:`fillmask_ls.mlm.forward_steps`) that yields the forward
steps it needs and is sent the logits. The generator never calls the model, so the scheduler decides which step runs
next and which steps run together:

- **Priorities.** Before each step the scheduler takes the most urgent job of the queue.
- **Preemption at yield points.** Between two layers of a step, and between two generators that share one, the scheduler
  runs whatever became more urgent meanwhile. An interactive question waits for one layer, not for a whole step.
- **Batching.** Jobs of one priority whose steps have rows of similar length share one forward pass.
- **Cancellation.** A job whose future is cancelled is dropped before its next step.

A completion that arrives while two hints share a forward pass::

    time ---------------------------------------------------------------->
    hints 1, 2   [layers 1-4]                [layers 5-8] -> two answers
    completion         |     [layers 1-8] -> answer
                    arrives  ^ yield point

There is one thread, because each thread that computes with torch starts OpenMP threads of its own, and these compete for
the cores. It is a daemon: neither importing torch nor a forward pass delays the end of the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from .api import Priority
from .job_queue import Job, JobQueue, ModelSteps

if TYPE_CHECKING:
    from torch import Tensor

    from fillmask_ls.mlm.model import LoadedModel

_JOBS_PER_STEP = 8
_TOKENS_PER_STEP = {Priority.HINT: 256, Priority.BACKGROUND: 128}


def tokens_per_step(priority: Priority) -> int:
    """Return the maximum tokens per forward step, unless one row is longer: larger steps delay interactive questions."""
    return _TOKENS_PER_STEP.get(priority, 512)


class ModelPanicError(RuntimeError):
    """A native extension failed with something other than an ``Exception``, such as pyo3's ``PanicException``."""


class Scheduler:
    """Runs jobs on the model's thread, which starts at once."""

    def __init__(self, *, fair: bool = False) -> None:
        """Start the thread; ``fair`` is as for :class:`~fillmask_ls.engine.job_queue.JobQueue`."""
        self._fair = fair
        self._queue = JobQueue(fair=fair)
        self._thread = threading.Thread(target=self._run, name="fillmask-model", daemon=True)
        self._thread.start()

    def submit(self, priority: Priority, begin: Callable[[], Any], client: str = "") -> Future[Any]:
        """Queue a job.

        Args:
            client: whose work it is, see :class:`~fillmask_ls.engine.job_queue.JobQueue`.
            begin: called on the thread; returns the result, or :class:`~fillmask_ls.engine.job_queue.ModelSteps`.

        Returns:
            A future of the result. Cancel it to drop the job before its next step.
        """
        job = Job(priority, begin, client)
        self._queue.put(job)
        return job.future

    def close(self) -> None:
        """Cancel all jobs and wait until the thread has ended, after its current step."""
        self._queue.close()
        self._thread.join()

    def _run(self) -> None:
        while (job := self._queue.take()) is not None:
            self._step(job)

    def _step(self, job: Job) -> None:
        """Run one forward step of a job, together with jobs that can share it."""
        jobs = [job]
        if job.priority is not Priority.LOADING:
            jobs += self._queue.take_same(job.priority, _JOBS_PER_STEP - 1)
        batch: list[Job] = []
        for job in jobs:
            self._run_more_urgent(job.priority)
            if job.future.cancelled() or not _begin(job):
                continue
            if _can_share(batch, job):
                batch.append(job)
            else:
                self._queue.put(job)
        if batch:
            self._forward(batch)

    def _run_more_urgent(self, priority: Priority) -> None:
        """Run steps of more urgent jobs; called at the yield points of a step.

        If the queue is fair, also begin the new jobs of the same priority: a question that a cache answers doesn't wait for
        the forward pass of others.
        """
        while (job := self._queue.take_more_urgent(priority)) is not None:
            self._step(job)
        for job in self._queue.take_new(priority) if self._fair else ():
            if not job.future.cancelled() and _begin(job):
                self._queue.put(job)

    def _forward(self, batch: Sequence[Job]) -> None:
        """Compute one forward pass for all jobs, and advance each to its next step or its end."""
        from fillmask_ls.mlm.forward_steps import logits

        priority = batch[0].priority
        steps = [job.next_step for job in batch if job.next_step is not None]
        try:
            results = logits(_model(batch[0]), steps, lambda: self._run_more_urgent(priority))
        except BaseException as error:
            if len(batch) == 1:
                _fail(batch[0], error)
            else:
                for job in batch:  # the failure of one job must not reach the others
                    self._forward([job])
            return
        for job, result in zip(batch, results, strict=True):
            self._run_more_urgent(priority)
            _advance(job, result)
            if job.next_step is not None:
                job.turn = None
                self._queue.put(job)


def _begin(job: Job) -> bool:
    """Begin a job if it is new; return whether it now needs a forward step."""
    if job.next_step is None:
        try:
            result = job.begin()
        except BaseException as error:
            _fail(job, error)
            return False
        if isinstance(result, ModelSteps):
            job.model_steps = result
            _advance(job, None)
        else:
            job.succeed(result)
    return job.next_step is not None


def _model(job: Job) -> LoadedModel:
    assert job.model_steps is not None  # noqa: S101 - only begun jobs have steps
    return job.model_steps.model


def _advance(job: Job, logits: Tensor | None) -> None:
    """Send a job's generator its logits, or None to start it; store its next step, or its result if it is finished."""
    from fillmask_ls.mlm.forward_steps import Finished, advance

    assert job.model_steps is not None  # noqa: S101 - only begun jobs have steps
    job.next_step = None
    try:
        yielded = advance(job.model_steps.steps, logits)
    except BaseException as error:
        _fail(job, error)
        return
    if isinstance(yielded, Finished):
        job.succeed(yielded.result)
    else:
        job.next_step = yielded


def _fail(job: Job, error: BaseException) -> None:
    """Let a job's future raise an error, wrapped if it is a native panic: that would end the loop that awaits it."""
    if not isinstance(error, (Exception, KeyboardInterrupt, SystemExit)):
        panic = ModelPanicError(f"{type(error).__name__}: {error}")
        panic.__cause__ = error
        error = panic
    job.fail(error)


def _can_share(batch: Sequence[Job], other: Job) -> bool:
    """Return whether a job can join a shared step: same model, rows of similar length, not too many tokens in all."""
    if not batch:
        return True
    rows = [[len(row) for row in job.next_step.rows] for job in (*batch, other) if job.next_step is not None]
    longest = [max(lengths) for lengths in rows]
    return (
        _model(batch[0]) is _model(other)
        and max(longest) <= 1.25 * min(longest)
        and sum(map(len, rows)) * max(longest) <= tokens_per_step(other.priority)
    )
