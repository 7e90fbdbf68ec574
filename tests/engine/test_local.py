"""The engine's thread: newest first, cancelled work dropped, one model after another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from fillmask_ls.engine import local
from fillmask_ls.engine.local import LocalEngine
from fillmask_ls.engine.query import EngineError, Query

QUERY = Query("a [MASK]", ((2, 8),), 3)


def query(text: str) -> Query:
    return Query(f"{text} [MASK]", ((len(text) + 1, len(text) + 7),), 3)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[threading.Event, list[str]]]:
    """Predictions that wait until they are let go, and a note of each that ran. The model itself is not what is tested."""

    def install() -> tuple[threading.Event, list[str]]:
        go, ran = threading.Event(), []

        def ranking(_self: LocalEngine, query: Query) -> str:
            go.wait(10)
            ran.append(query.text.split()[0])
            return query.text

        monkeypatch.setattr(LocalEngine, "_ranking", ranking)
        monkeypatch.setattr(local, "_load", lambda model, device: SimpleNamespace(name=model))
        return go, ran

    return install


async def test_a_real_model_answers() -> None:
    engine = LocalEngine()
    waiting = asyncio.ensure_future(engine.rank(QUERY))
    assert await engine.load("embedded", "cpu") == "embedded"
    ranking = await waiting
    assert ranking.model == engine.model_name == "embedded"
    assert len(ranking.masks[0].words) == 3


async def test_the_newest_is_answered_first_and_the_cancelled_never(
    gate: Callable[..., tuple[threading.Event, list[str]]],
) -> None:
    go, ran = gate()
    engine = LocalEngine()
    await engine.load("x", "cpu")
    tasks = {}
    for name in ("first", "second", "third", "fourth"):
        tasks[name] = asyncio.ensure_future(engine.rank(query(name)))
        await asyncio.sleep(0.02)
    tasks["third"].cancel()
    await asyncio.sleep(0.02)
    assert tasks["third"].cancelled()  # at once, though the thread is busy
    go.set()
    await asyncio.gather(*(tasks[name] for name in ("first", "second", "fourth")))
    assert ran == ["first", "fourth", "second"]


async def test_a_model_that_can_not_be_loaded_leaves_the_one_before() -> None:
    engine = LocalEngine()
    await engine.load("embedded", "cpu")
    with pytest.raises(EngineError, match="/no/such"):
        await engine.load("/no/such", "cpu")
    assert (await engine.rank(QUERY)).model == "embedded"


async def test_without_any_model_the_query_says_why() -> None:
    engine = LocalEngine()
    waiting = asyncio.ensure_future(engine.rank(QUERY))
    with pytest.raises(EngineError, match="/no/such"):
        await engine.load("/no/such", "cpu")
    with pytest.raises(EngineError, match="/no/such"):
        await waiting


async def test_of_two_loads_the_later_holds(gate: Callable[..., tuple[threading.Event, list[str]]]) -> None:
    gate()
    engine = LocalEngine()
    block = threading.Event()
    engine._submit(lambda: block.wait(10))
    first = asyncio.ensure_future(engine.load("first", "cpu"))
    second = asyncio.ensure_future(engine.load("second", "cpu"))
    await asyncio.sleep(0.02)
    block.set()
    assert await second == "second"
    with pytest.raises(EngineError, match="another model"):
        await first
    assert engine.model_name == "second"


async def test_a_failing_forward_tells_nothing_of_the_document(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_self: LocalEngine, query: Query) -> None:
        raise RuntimeError(f"secret: {query.text}")

    monkeypatch.setattr(LocalEngine, "_ranking", fail)
    monkeypatch.setattr(local, "_load", lambda model, device: SimpleNamespace(name=model))
    engine = LocalEngine()
    await engine.load("x", "cpu")
    with pytest.raises(EngineError) as error:
        await engine.rank(query("secret"))
    assert "secret" not in str(error.value)
    assert "secret" not in caplog.text
