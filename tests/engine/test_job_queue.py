"""The order of jobs."""

from __future__ import annotations

import pytest

from fillmask_ls.engine.api import Priority
from fillmask_ls.engine.job_queue import Job, JobQueue


def job(name: str, priority: Priority = Priority.INTERACTIVE) -> Job:
    return Job(priority, lambda: name)


def put(queue: JobQueue, *jobs: Job) -> None:
    for each in jobs:
        queue.put(each)


def names(queue: JobQueue) -> list[str]:
    """Take all jobs and return their names."""
    taken: list[Job] = []
    for priority in Priority:
        while jobs := queue.take_same(priority, 1):
            taken += jobs
    return [each.begin() for each in taken]


@pytest.mark.parametrize(
    ("fifo", "order"), [(False, ["third", "second", "first"]), (True, ["first", "second", "third"])]
)
def test_the_newest_job_runs_first_or_the_oldest_with_fifo(fifo: bool, order: list[str]) -> None:
    queue = JobQueue(fifo=fifo)
    put(queue, job("first"), job("second"), job("third"))
    assert names(queue) == order


def test_jobs_run_by_priority() -> None:
    queue = JobQueue()
    put(
        queue,
        job("hover"),
        job("hint", Priority.HINT),
        job("diagnostics", Priority.BACKGROUND),
        job("later hint", Priority.HINT),
    )
    assert names(queue) == ["hover", "hint", "later hint", "diagnostics"]


def test_the_newest_hint_runs_first_once_the_oldest_is_late() -> None:
    queue = JobQueue()
    late, second, third = (job(name, Priority.HINT) for name in ("late", "second", "third"))
    put(queue, late, second, third)
    late.deadline = 0.0
    assert names(queue) == ["third", "second", "late"]


def test_job_with_more_steps_keeps_its_place() -> None:
    queue = JobQueue()
    first, second = job("first"), job("second")
    put(queue, first, second)
    assert queue.take() is second
    put(queue, job("third"), second)
    assert names(queue) == ["third", "second", "first"]


def test_cancelled_jobs_are_never_taken() -> None:
    queue = JobQueue()
    cancelled = job("cancelled")
    put(queue, job("first"), cancelled)
    cancelled.future.cancel()
    assert names(queue) == ["first"]


def test_only_more_urgent_jobs_interrupt_but_never_one_that_loads_a_model() -> None:
    queue = JobQueue()
    put(queue, job("hint", Priority.HINT))
    assert queue.take_more_urgent(Priority.HINT) is None
    put(queue, job("load", Priority.LOADING))
    assert queue.take_more_urgent(Priority.BACKGROUND) is None


def test_jobs_that_share_a_step_have_the_same_priority() -> None:
    queue = JobQueue()
    put(queue, job("hint", Priority.HINT), job("one"), job("two"), job("three"))
    assert [each.begin() for each in queue.take_same(Priority.INTERACTIVE, 2)] == ["three", "two"]
    assert [each.begin() for each in queue.take_same(Priority.INTERACTIVE, 2)] == ["one"]


def test_closed_queue_cancels_all_jobs() -> None:
    queue = JobQueue()
    before, after = job("before"), job("after")
    queue.put(before)
    queue.close()
    queue.put(after)
    assert before.future.cancelled()
    assert after.future.cancelled()
    assert queue.take() is None
