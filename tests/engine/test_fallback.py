"""Which engine answers, remote or local, and the background tasks that look for an unavailable engine."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest

from fillmask_ls.engine.api import EngineError, PredictQuestion, Priority, Question
from fillmask_ls.engine.fallback import FallbackEngine
from fillmask_ls.engine.http_client import RefusedError, UnavailableError

TEA = PredictQuestion("A cup of [MASK].", ((9, 15),), 3)


class StubEngine:
    """Takes the place of a local or remote engine.

    Attributes:
        received: the questions so far, each with its priority.
        error: raised by every call, if there is one.
    """

    def __init__(self, name: str) -> None:
        self.model_name: str | None = name
        self.received: list[tuple[Question, Priority]] = []
        self.error: Exception | None = None
        self.connections = 0

    def answers(self, question_type: type[Question]) -> bool:
        return True

    async def answer(
        self, question: Question, priority: Priority = Priority.INTERACTIVE, *, on_progress: object = None
    ) -> Any:
        self.received.append((question, priority))
        if self.error is not None:
            raise self.error
        return self.model_name

    async def connect(self) -> None:
        self.connections += 1
        if self.error is not None:
            raise self.error

    reconnect = connect

    async def close(self) -> None:
        if self.error is not None:
            raise self.error


@pytest.fixture
def local() -> StubEngine:
    return StubEngine("local")


@pytest.fixture
def remote() -> StubEngine:
    return StubEngine("remote")


@pytest.fixture
def make_engine(local: StubEngine) -> Callable[..., FallbackEngine]:
    def make(
        need_local: Callable[[], None] = lambda: None, changed: Callable[[], None] = lambda: None
    ) -> FallbackEngine:
        return FallbackEngine(local, need_local=need_local, changed=changed)  # type: ignore[arg-type]

    return make


async def run_ready_tasks(count: int = 10) -> None:
    """Let every task that can run do so."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_remote_engine_answers_with_the_priority_of_the_question(
    make_engine: Callable[..., FallbackEngine], remote: StubEngine, local: StubEngine
) -> None:
    engine = make_engine()
    engine.use(remote)  # type: ignore[arg-type]
    assert await engine.predict(TEA, Priority.HINT) == "remote"
    assert remote.received == [(TEA, Priority.HINT)]
    assert local.received == []


async def test_local_engine_answers_if_the_remote_one_refuses_or_is_unavailable(
    make_engine: Callable[..., FallbackEngine], remote: StubEngine
) -> None:
    needed: list[int] = []
    engine = make_engine(need_local=lambda: needed.append(1))
    engine.use(remote)  # type: ignore[arg-type]
    remote.error = RefusedError("too long")
    assert await engine.predict(TEA) == "local"
    assert engine.is_remote
    remote.error = UnavailableError("gone")
    assert await engine.predict(TEA) == "local"
    assert not engine.is_remote
    assert needed
    engine.use(None)


async def test_without_fallback_the_error_says_why(
    make_engine: Callable[..., FallbackEngine], remote: StubEngine, local: StubEngine
) -> None:
    engine = make_engine()
    engine.use(remote, falls_back=False)  # type: ignore[arg-type]
    remote.error = UnavailableError("gone")
    for _ in range(2):
        with pytest.raises(EngineError, match="gone"):
            await engine.predict(TEA)
    assert local.received == []
    engine.use(None)


async def test_failures_of_background_tasks_are_logged_once_by_type(
    make_engine: Callable[..., FallbackEngine], remote: StubEngine, caplog: pytest.LogCaptureFixture
) -> None:
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: problems.append(context))
    engine = make_engine()
    remote.error = ValueError("secret")
    engine.use(remote)  # type: ignore[arg-type]
    await run_ready_tasks()
    engine.use(None)  # closing fails, too
    await run_ready_tasks()
    gc.collect()
    await run_ready_tasks()
    assert [record.getMessage() for record in caplog.records] == 2 * ["a background task failed with ValueError"]
    assert problems == []


async def test_replacing_the_remote_engine_leaves_no_task_behind(
    make_engine: Callable[..., FallbackEngine], remote: StubEngine
) -> None:
    engine = make_engine()
    engine.use(remote)  # type: ignore[arg-type]
    remote.error = UnavailableError("gone")
    await engine.predict(TEA)
    remote.error = None
    engine.use(None)
    await run_ready_tasks()
    assert asyncio.all_tasks() == {asyncio.current_task()}
