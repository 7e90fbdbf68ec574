"""Identical requests in flight share one answer."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from fillmask_ls.engine.api import EngineError
from fillmask_ls.engine.single_flight import SingleFlight


class Work:
    """Work that ends when released.

    Attributes:
        started, finished: how often it started and finished.
    """

    def __init__(self) -> None:
        self.started = self.finished = 0
        self.released = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> str:
        self.started += 1
        await self.released.wait()
        if self.error is not None:
            raise self.error
        self.finished += 1
        return "answer"


async def run_ready_tasks(count: int = 5) -> None:
    """Let every task that can run do so."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_identical_requests_run_once() -> None:
    flights, work = SingleFlight(), Work()
    requests = [asyncio.ensure_future(flights.share("key", work)) for _ in range(3)]
    await run_ready_tasks()
    work.released.set()
    assert await asyncio.gather(*requests) == ["answer"] * 3
    assert work.started == 1


async def test_different_requests_run_separately() -> None:
    flights, work = SingleFlight(), Work()
    work.released.set()
    await asyncio.gather(flights.share("one", work), flights.share("other", work))
    assert work.started == 2


async def test_cancelling_one_request_does_not_cancel_the_others() -> None:
    flights, work = SingleFlight(), Work()
    first, second = (asyncio.ensure_future(flights.share("key", work)) for _ in range(2))
    await run_ready_tasks()
    first.cancel()
    await run_ready_tasks()
    work.released.set()
    assert await second == "answer"
    assert first.cancelled()


async def test_work_is_cancelled_when_all_its_requests_are() -> None:
    flights, work = SingleFlight(), Work()
    requests = [asyncio.ensure_future(flights.share("key", work)) for _ in range(2)]
    await run_ready_tasks()
    for request in requests:
        request.cancel()
    await run_ready_tasks()
    assert (work.started, work.finished) == (1, 0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_request_cancelled_before_its_first_step_starts_no_work() -> None:
    flights, work = SingleFlight(), Work()
    request = asyncio.ensure_future(flights.share("key", work))
    request.cancel()
    await run_ready_tasks()
    assert work.started == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_request_after_a_cancelled_one_runs_again() -> None:
    flights, work = SingleFlight(), Work()
    first = asyncio.ensure_future(flights.share("key", work))
    await run_ready_tasks()
    first.cancel()
    second = asyncio.ensure_future(flights.share("key", work))
    await run_ready_tasks()
    work.released.set()
    assert await second == "answer"


async def test_failure_reaches_all_waiting_requests_and_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: problems.append(context))
    flights, work = SingleFlight(), Work()
    work.error = EngineError("no answer")
    requests = [asyncio.ensure_future(flights.share("key", work)) for _ in range(3)]
    await run_ready_tasks()
    requests[0].cancel()
    work.released.set()
    outcomes = await asyncio.gather(*requests, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError, EngineError, EngineError]
    del requests, outcomes
    gc.collect()
    await run_ready_tasks()
    assert problems == []
    assert caplog.records == []


async def test_closing_fails_waiting_requests() -> None:
    flights, work = SingleFlight(), Work()
    request = asyncio.ensure_future(flights.share("key", work))
    await run_ready_tasks()
    flights.close()
    with pytest.raises(EngineError, match="another engine was chosen"):
        await request
