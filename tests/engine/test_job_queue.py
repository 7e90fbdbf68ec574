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
    ("fair", "order"), [(False, ["third", "second", "first"]), (True, ["first", "second", "third"])]
)
def test_the_newest_job_runs_first_or_the_oldest_if_fair(fair: bool, order: list[str]) -> None:
    queue = JobQueue(fair=fair)
    put(queue, job("first"), job("second"), job("third"))
    assert names(queue) == order


def test_clients_take_turns_if_fair() -> None:
    queue = JobQueue(fair=True)
    many, one, cheap = (
        [Job(Priority.HINT, lambda name=f"{client} {number}": name, client) for number in range(count)]
        for client, count in (("many", 4), ("one", 1), ("cheap", 2))
    )
    put(queue, *many, *one)
    assert queue.take() is many[0]
    put(queue, *cheap)
    assert names(queue) == ["one 0", "cheap 0", "many 1", "cheap 1", "many 2", "many 3"]


def test_long_job_takes_turns_with_jobs_of_others() -> None:
    queue = JobQueue(fair=True)
    long, short = Job(Priority.HINT, lambda: "long", "a"), [Job(Priority.HINT, lambda: "short", "b") for _ in range(2)]
    put(queue, long)
    order = []
    for _ in range(4):
        job = queue.take()
        assert job is not None
        order.append(job.begin())
        if job is long:
            job.turn = None  # another step
            put(queue, *short, long)
            short = []
    assert order == ["long", "short", "long", "short"]


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
