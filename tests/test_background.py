"""Background tasks: kept until done, failures logged once by type."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from fillmask_ls.background import run_in_background


async def test_failure_is_logged_once_by_type(caplog: pytest.LogCaptureFixture) -> None:
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: problems.append(context))
    tasks: set[asyncio.Task[None]] = set()

    async def fail() -> None:
        raise ValueError("secret")

    run_in_background(tasks, fail())
    while tasks:
        await asyncio.sleep(0)
    gc.collect()
    await asyncio.sleep(0)
    assert [record.getMessage() for record in caplog.records] == ["a background task failed with ValueError"]
    assert problems == []


async def test_cancelled_task_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    tasks: set[asyncio.Task[None]] = set()
    task = run_in_background(tasks, asyncio.sleep(10))
    assert tasks == {task}
    task.cancel()
    await asyncio.wait({task})
    await asyncio.sleep(0)
    assert tasks == set()
    assert caplog.records == []
