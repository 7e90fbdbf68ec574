"""The engine's thread: newest first, cancelled work dropped, one model after another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from mmap import PAGESIZE
from types import SimpleNamespace
from typing import Any

import pytest
from torch import Tensor

from fillmask_ls import mlm
from fillmask_ls.engine import cache, local, scheduler
from fillmask_ls.engine.api import EngineError, PredictQuestion, Priority, Question, SurprisalQuestion
from fillmask_ls.engine.local import LocalEngine
from fillmask_ls.mlm import forward_steps

QUERY = PredictQuestion("a [MASK]", ((2, 8),), 3)


def query(text: str) -> PredictQuestion:
    return PredictQuestion(f"{text} [MASK]", ((len(text) + 1, len(text) + 7),), 3)


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    """An engine without a model, ended afterwards."""
    engine = LocalEngine()
    yield engine
    engine.close()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[threading.Event, list[str]]]:
    """Predictions that wait until they are let go, and a note of each that ran. The model itself is not what is tested."""

    def install() -> tuple[threading.Event, list[str]]:
        go, ran = threading.Event(), []

        def ranking(_self: LocalEngine, query: PredictQuestion, _priority: Priority) -> str:
            go.wait(10)
            ran.append(query.text.split()[0])
            return query.text

        monkeypatch.setattr(LocalEngine, "_begin", ranking)
        monkeypatch.setattr(local, "_load", lambda model, device, dtype, runtime: SimpleNamespace(name=model))
        return go, ran

    return install


async def test_a_real_model_answers(engine: LocalEngine) -> None:
    waiting = asyncio.ensure_future(engine.predict(QUERY))
    assert await engine.load("embedded", "cpu") == "embedded"
    ranking = await waiting
    assert ranking.model == engine.model_name == "embedded"
    assert len(ranking.predictions[0].candidates) == 3


async def test_memory_goes_back_to_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    trimmed: list[int] = []
    monkeypatch.setattr(local, "_STEPS_PER_TRIM", 2)
    monkeypatch.setattr(local, "trim", lambda: trimmed.append(1))
    engine = LocalEngine()
    await engine.load("embedded", "cpu")
    for name in ("first", "second", "third", "fourth"):
        await engine.predict(query(name))
    engine.close()
    assert len(trimmed) == 2
    kept = [engine._memory[key] for key in list(engine._memory)]
    assert len(kept) == 4
    assert all(found.data_ptr() % PAGESIZE == 0 for found in kept)  # what lies on the heap doesn't begin with a page


@pytest.mark.parametrize(
    ("oldest_first", "priority", "in_time", "order"),
    [
        (False, Priority.INTERACTIVE, 9, ["first", "fourth", "second"]),
        (True, Priority.INTERACTIVE, 9, ["first", "second", "fourth"]),
        (False, Priority.HINT, 9, ["first", "second", "fourth"]),
        (False, Priority.HINT, 0, ["first", "fourth", "second"]),
    ],
)
async def test_the_newest_is_answered_first_of_hints_in_time_the_oldest_and_the_cancelled_never(
    gate: Callable[..., tuple[threading.Event, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
    oldest_first: bool,
    priority: Priority,
    in_time: float,
    order: list[str],
) -> None:
    monkeypatch.setattr(scheduler, "_IN_TIME", in_time)
    go, ran = gate()
    engine = LocalEngine(oldest_first=oldest_first)
    await engine.load("x", "cpu")
    tasks = {}
    for name in ("first", "second", "third", "fourth"):
        tasks[name] = asyncio.ensure_future(engine.predict(query(name), priority))
        await asyncio.sleep(0.02)
    tasks["third"].cancel()
    await asyncio.sleep(0.02)
    assert tasks["third"].cancelled()  # at once, though the thread is busy
    go.set()
    await asyncio.gather(*(tasks[name] for name in ("first", "second", "fourth")))
    engine.close()
    assert ran == order


@pytest.fixture
def forwards(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The first words of the passages that met a model, forward by forward."""
    met: list[list[str]] = []
    whole = forward_steps.logits

    def logits(
        model: mlm.MaskedLM, batches: Sequence[forward_steps.ForwardStep], *yield_point: Callable[[], None]
    ) -> list[Tensor]:
        met.append([model.tokenizer.vocabulary[batch.rows[0][1]] for batch in batches])
        return whole(model, batches, *yield_point)

    def load(*args: str) -> mlm.MaskedLM:
        model = real_load(*args)
        met.clear()  # a model is tried when it is loaded
        return model

    real_load = local._load
    monkeypatch.setattr(local, "_load", load)
    monkeypatch.setattr(forward_steps, "logits", logits)
    return met


async def test_a_passage_meets_the_model_once(engine: LocalEngine, forwards: list[list[str]]) -> None:
    await engine.load("embedded", "cpu")
    asked = PredictQuestion("She drank a cup of [MASK] with milk.", ((19, 25),), 10)
    first = await engine.predict(asked)
    assert await engine.predict(asked) == first
    hovered = await engine.predict(replace(asked, top_k=5))
    assert hovered.predictions[0].candidates == first.predictions[0].candidates[:5]
    letter = await engine.predict(replace(asked, prefix="t"))
    assert all(word.text.startswith("t") for word in letter.predictions[0].candidates)
    assert forwards == [["she"]]
    await engine.predict(query("another"))
    assert forwards == [["she"], ["another"]]
    await engine.load("embedded", "cpu")
    await engine.predict(asked)
    assert forwards == [["she"]]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Callable[[LocalEngine], threading.Event]:
    """Keeps an engine's thread busy until it is let go."""

    def hold(engine: LocalEngine) -> threading.Event:
        go = threading.Event()
        engine._submit(Priority.LOADING, lambda: go.wait(10))
        return go

    return hold


async def test_passages_of_like_length_that_wait_together_share_a_forward(
    engine: LocalEngine, forwards: list[list[str]], held: Callable[[LocalEngine], threading.Event]
) -> None:
    await engine.load("embedded", "cpu", "float32")
    alone = [await engine.predict(query(name)) for name in ("one", "two", "three")]
    await engine.load("embedded", "cpu", "float32")
    go = held(engine)
    long = query("four and many words more that make a passage longer than any of the others")
    asked = [asyncio.ensure_future(engine.predict(each)) for each in (query("one"), query("two"), long, query("three"))]
    await asyncio.sleep(0.02)
    go.set()
    one, two, _, three = await asyncio.gather(*asked)
    assert forwards == [["three", "two", "one"], ["four"]]
    for together, before in zip((one, two, three), alone, strict=True):
        assert [word.text for word in together.predictions[0].candidates] == [
            word.text for word in before.predictions[0].candidates
        ]


async def test_interactive_question_runs_before_a_hint(
    engine: LocalEngine, forwards: list[list[str]], held: Callable[[LocalEngine], threading.Event]
) -> None:
    await engine.load("embedded", "cpu")
    go = held(engine)
    hint = asyncio.ensure_future(engine.predict(replace(query("hints"), max_subwords=4), Priority.HINT))
    await asyncio.sleep(0.02)
    go.set()
    while not forwards:
        await asyncio.sleep(0)
    await engine.predict(query("urgent"))
    assert not hint.done()  # its search of several forwards makes room
    await hint
    assert ["urgent"] in forwards[1:3]


async def test_who_waits_is_answered_in_the_midst_of_a_forward_for_hints(
    engine: LocalEngine, forwards: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.load("embedded", "cpu")
    alone = await engine.predict(query("hints"), Priority.HINT)
    await engine.load("embedded", "cpu")
    come, whole, answered = threading.Event(), forward_steps.logits, []
    monkeypatch.setattr(
        forward_steps,
        "logits",
        lambda model, batches, between: whole(model, batches, lambda: come.wait(10) and between()),
    )
    hint = asyncio.ensure_future(engine.predict(query("hints"), Priority.HINT))
    while not forwards:
        await asyncio.sleep(0.01)
    later = asyncio.ensure_future(engine.predict(query("later"), Priority.HINT))
    hover = asyncio.ensure_future(engine.predict(query("hover")))
    for asked in (hint, later, hover):
        asked.add_done_callback(answered.append)
    await asyncio.sleep(0.02)
    come.set()
    await asyncio.gather(hint, later, hover)
    assert answered == [hover, hint, later]
    assert await hint == alone  # what went between has left no trace in it


async def test_who_waits_is_answered_before_words_are_made_of_a_hints_forward(
    engine: LocalEngine, forwards: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.load("embedded", "cpu")
    come, whole, answered = threading.Event(), forward_steps.logits, []

    def logits(
        model: mlm.MaskedLM, batches: Sequence[forward_steps.ForwardStep], _: Callable[[], None]
    ) -> list[Tensor]:
        found = whole(model, batches)
        come.wait(10)
        return found

    monkeypatch.setattr(forward_steps, "logits", logits)
    hint = asyncio.ensure_future(engine.predict(query("hints"), Priority.HINT))
    while not forwards:
        await asyncio.sleep(0.01)
    hover = asyncio.ensure_future(engine.predict(query("hover")))
    for asked in (hint, hover):
        asked.add_done_callback(answered.append)
    await asyncio.sleep(0.02)
    come.set()
    await asyncio.gather(hint, hover)
    assert answered == [hover, hint]


async def test_who_waits_is_answered_before_the_next_hint_is_begun(
    engine: LocalEngine, held: Callable[[LocalEngine], threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.load("embedded", "cpu")
    asked = [query("first"), query("second"), query("hover")]
    come, begun, whole = threading.Event(), [], LocalEngine._begin

    def begin(engine: LocalEngine, question: Question, priority: Priority) -> Any:
        begun.append(question)
        assert question is not asked[0] or come.wait(10)
        return whole(engine, question, priority)

    monkeypatch.setattr(LocalEngine, "_begin", begin)
    go = held(engine)
    hints = [asyncio.ensure_future(engine.predict(hint, Priority.HINT)) for hint in asked[:2]]
    await asyncio.sleep(0.02)
    go.set()
    while not begun:
        await asyncio.sleep(0.01)
    hover = asyncio.ensure_future(engine.predict(asked[2]))
    await asyncio.sleep(0.02)
    come.set()
    await asyncio.gather(*hints, hover)
    assert begun == [asked[0], asked[2], asked[1]]


async def test_hints_go_before_what_is_foreseen_and_diagnostics_that_came_later(
    engine: LocalEngine,
    gate: Callable[..., tuple[threading.Event, list[str]]],
) -> None:
    go, ran = gate()
    await engine.load("x", "cpu")
    asked: list[asyncio.Future[Any]] = []
    for call in (
        engine.predict(query("running")),
        engine.predict(replace(query("foreseen"), max_subwords=4), Priority.BACKGROUND),
        engine.predict(query("hint"), Priority.HINT),
        engine.word_surprisals(SurprisalQuestion("diagnostics for a document", 3), Priority.BACKGROUND),
        engine.predict(query("hover")),
    ):
        asked.append(asyncio.ensure_future(call))
        await asyncio.sleep(0.02)
    go.set()
    await asyncio.gather(*asked)
    assert ran == ["running", "hover", "hint", "diagnostics", "foreseen"]


async def test_what_is_cancelled_stops_at_its_next_step(engine: LocalEngine, forwards: list[list[str]]) -> None:
    await engine.load("embedded", "cpu")
    search = asyncio.ensure_future(engine.predict(replace(query("long"), max_subwords=4)))
    while not forwards:
        await asyncio.sleep(0)
    search.cancel()
    await engine.predict(query("next"))
    await asyncio.sleep(0.2)
    assert len(forwards) <= 3


async def test_only_the_last_passages_are_remembered(
    engine: LocalEngine, forwards: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_MASKS", 2)
    await engine.load("embedded", "cpu")
    for name in ("one", "two", "one", "three", "one", "two"):
        await engine.predict(query(name))
    assert forwards == [["one"], ["two"], ["three"], ["two"]]
    many = PredictQuestion("[MASK] " * 5, tuple((7 * i, 7 * i + 6) for i in range(5)), 3)
    assert await engine.predict(many) == await engine.predict(many)
    assert forwards[4:] == [["[MASK]"]]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
async def test_the_weights_have_the_precision_that_was_chosen(engine: LocalEngine, dtype: str) -> None:
    await engine.load("embedded", "cpu", dtype)
    assert engine._model is not None
    assert str(engine._model.dtype) == f"torch.{dtype}"
    ranking = await engine.predict(PredictQuestion("She drank a cup of [MASK] with milk.", ((19, 25),), 5))
    assert {"coffee", "tea"} <= {word.text for word in ranking.predictions[0].candidates}


async def test_a_model_that_can_not_be_loaded_leaves_the_one_before(engine: LocalEngine) -> None:
    await engine.load("embedded", "cpu")
    with pytest.raises(EngineError, match="/no/such"):
        await engine.load("/no/such", "cpu")
    assert (await engine.predict(QUERY)).model == "embedded"


async def test_without_any_model_the_query_says_why(engine: LocalEngine) -> None:
    waiting = asyncio.ensure_future(engine.predict(QUERY))
    with pytest.raises(EngineError, match="/no/such"):
        await engine.load("/no/such", "cpu")
    with pytest.raises(EngineError, match="/no/such"):
        await waiting


async def test_of_two_loads_the_later_holds(
    engine: LocalEngine, gate: Callable[..., tuple[threading.Event, list[str]]]
) -> None:
    gate()
    block = threading.Event()
    engine._submit(Priority.LOADING, lambda: block.wait(10))
    first = asyncio.ensure_future(engine.load("first", "cpu"))
    second = asyncio.ensure_future(engine.load("second", "cpu"))
    await asyncio.sleep(0.02)
    block.set()
    assert await second == "second"
    with pytest.raises(EngineError, match="another model"):
        await first
    assert engine.model_name == "second"


async def test_a_failing_forward_tells_nothing_of_the_document(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_self: LocalEngine, query: PredictQuestion, _priority: Priority) -> None:
        raise RuntimeError(f"secret: {query.text}")

    monkeypatch.setattr(LocalEngine, "_begin", fail)
    monkeypatch.setattr(local, "_load", lambda model, device, dtype, runtime: SimpleNamespace(name=model))
    await engine.load("x", "cpu")
    with pytest.raises(EngineError) as error:
        await engine.predict(query("secret"))
    assert "secret" not in str(error.value)
    assert "secret" not in caplog.text


async def test_an_engine_that_is_closed_ends_and_nobody_waits_for_it(
    engine: LocalEngine, forwards: list[list[str]]
) -> None:
    await engine.load("embedded", "cpu")
    search = asyncio.ensure_future(engine.predict(replace(query("long"), max_subwords=4)))
    while not forwards:
        await asyncio.sleep(0)
    engine.close()
    later = asyncio.ensure_future(engine.predict(query("later")))
    for asked in (search, later):
        with pytest.raises(asyncio.CancelledError):
            await asked
    assert len(forwards) <= 2
    assert not engine._thread.is_alive()
