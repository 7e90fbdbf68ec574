"""The local engine: loading, answers, caches and errors."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from torch import Tensor

from fillmask_ls import mlm
from fillmask_ls.engine.api import (
    EngineError,
    InspectQuestion,
    PredictQuestion,
    Priority,
    ScoreQuestion,
    SurprisalQuestion,
)
from fillmask_ls.engine.local import LocalEngine

TEA = PredictQuestion("She drank a cup of [MASK] with milk.", ((19, 25),), 10)


def about(word: str) -> PredictQuestion:
    """Return a question about a passage that begins with a word."""
    return PredictQuestion(f"{word} [MASK] here.", ((len(word) + 1, len(word) + 7),), 3)


class PanicException(BaseException):
    """Like pyo3's class of this name, not a subclass of ``Exception``."""


class ObservedModel:
    """A real model whose forward passes are recorded.

    Attributes:
        passes: the first words of the rows of each forward pass.
        failure: raised by every forward pass, if there is one.
        started: set when a forward pass begins; it then waits for ``released``.
    """

    def __init__(self, model: mlm.MaskedLM, name: str = "embedded") -> None:
        self.name = name
        self.passes: list[list[str]] = []
        self.failure: BaseException | None = None
        self.started, self.released = threading.Event(), threading.Event()
        self.released.set()
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def logits(self, rows: Sequence[Sequence[int]], *rest: Any) -> Tensor:
        self.passes.append([self._model.tokenizer.vocabulary[row[1]] for row in rows])
        self.started.set()
        self.released.wait(10)
        if self.failure is not None:
            raise self.failure
        return self._model.logits(rows, *rest)


class Loader:
    """Loads observed models, or fails.

    Attributes:
        loaded: the names of the models so far.
        failure: raised instead, if there is one.
        observed: the model that was loaded last.
    """

    def __init__(self, model: mlm.MaskedLM) -> None:
        self.loaded: list[str] = []
        self.failure: BaseException | None = None
        self.observed = ObservedModel(model)
        self._model = model

    def __call__(self, name: str, device: str, dtype: str, runtime: str) -> mlm.MaskedLM:
        if self.failure is not None:
            raise self.failure
        self.loaded.append(name)
        self.observed = ObservedModel(self._model, name)
        return self.observed  # type: ignore[return-value]


@pytest.fixture
def loader(model: mlm.MaskedLM) -> Loader:
    return Loader(model)


@pytest.fixture
def make_engine(loader: Loader) -> Iterator[Callable[..., LocalEngine]]:
    """Return a function that makes engines without a model, and close them afterwards."""
    engines: list[LocalEngine] = []

    def make(**how: Any) -> LocalEngine:
        engines.append(LocalEngine(**{"load_model": loader, **how}))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


@pytest.fixture
def engine(make_engine: Callable[..., LocalEngine]) -> LocalEngine:
    return make_engine()


async def test_question_waits_for_the_first_model(engine: LocalEngine) -> None:
    waiting = asyncio.ensure_future(engine.predict(TEA))
    assert await engine.load("embedded", "cpu") == "embedded"
    predictions = await waiting
    assert predictions.model == engine.model_name == "embedded"
    assert len(predictions.predictions[0].candidates) == 10


async def test_repeated_questions_about_a_passage_take_one_forward_pass(engine: LocalEngine, loader: Loader) -> None:
    await engine.load("embedded", "cpu")
    completion = await engine.predict(TEA)
    assert await engine.predict(TEA) == completion
    hover = await engine.predict(replace(TEA, top_k=5))
    assert hover.predictions[0].candidates == completion.predictions[0].candidates[:5]
    letter = await engine.predict(replace(TEA, prefix="t"))
    assert all(candidate.text.startswith("t") for candidate in letter.predictions[0].candidates)
    assert loader.observed.passes == [["she"]]
    await engine.predict(about("another"))
    assert loader.observed.passes == [["she"], ["another"]]


async def test_answers_of_a_replaced_model_are_forgotten(engine: LocalEngine, loader: Loader) -> None:
    await engine.load("first", "cpu")
    await engine.predict(TEA)
    assert await engine.word_surprisals(SurprisalQuestion("a text", 3))
    await engine.load("second", "cpu")
    assert (await engine.predict(TEA)).model == "second"
    assert await engine.word_surprisals(SurprisalQuestion("a text", 3))
    assert len(loader.observed.passes) >= 2


async def test_answers_other_than_predictions_are_cached(engine: LocalEngine, loader: Loader) -> None:
    await engine.load("embedded", "cpu")
    question = SurprisalQuestion("It was a good day.", 3)
    first = await engine.word_surprisals(question, Priority.BACKGROUND)
    passes = len(loader.observed.passes)
    assert await engine.word_surprisals(question) == first
    assert len(loader.observed.passes) == passes


async def test_candidates_of_several_subwords_are_returned_after_an_earlier_answer_without_them(
    engine: LocalEngine,
) -> None:
    await engine.load("embedded", "cpu")
    await engine.predict(TEA)
    searched = await engine.predict(replace(TEA, max_subwords=4))
    assert await engine.predict(TEA) == searched


async def test_completion_does_not_wait_for_a_long_inspection(engine: LocalEngine) -> None:
    await engine.load("embedded", "cpu")
    loop, begun = asyncio.get_running_loop(), asyncio.Event()
    inspection = InspectQuestion("The cat sat on the mat. " * 150)
    inspecting = asyncio.create_task(
        engine.answer(inspection, on_progress=lambda _tokens: loop.call_soon_threadsafe(begun.set))
    )
    await begun.wait()
    await engine.predict(TEA)
    assert not inspecting.done()
    await inspecting


@pytest.mark.parametrize(
    "question", [ScoreQuestion("The cat sat on the mat."), InspectQuestion("The cat sat on the mat. " * 90)]
)
async def test_work_is_counted_before_it_is_computed(
    engine: LocalEngine, question: ScoreQuestion | InspectQuestion
) -> None:
    assert engine.count_work(question) == 0
    await engine.load("embedded", "cpu")
    steps: list[int] = []
    await engine.answer(question, on_progress=steps.append)
    assert engine.count_work(question) == pytest.approx(sum(steps), rel=0.3)


async def test_failed_load_keeps_the_previous_model(engine: LocalEngine, loader: Loader) -> None:
    await engine.load("embedded", "cpu")
    loader.failure = OSError("no such folder")
    with pytest.raises(EngineError, match="no such folder"):
        await engine.load("/no/such", "cpu")
    assert (await engine.predict(TEA)).model == "embedded"


async def test_question_fails_with_the_reason_if_no_model_can_be_loaded(engine: LocalEngine, loader: Loader) -> None:
    loader.failure = OSError("no such folder")
    waiting = asyncio.ensure_future(engine.predict(TEA))
    with pytest.raises(EngineError, match="no such folder"):
        await engine.load("/no/such", "cpu")
    with pytest.raises(EngineError, match="no such folder"):
        await waiting


async def test_superseded_load_is_never_begun(engine: LocalEngine, loader: Loader) -> None:
    await engine.load("embedded", "cpu")
    observed = loader.observed
    observed.released.clear()
    running = asyncio.ensure_future(engine.predict(TEA))
    await asyncio.to_thread(observed.started.wait, 10)
    loads = [asyncio.ensure_future(engine.load(name, "cpu")) for name in ("first", "second")]
    await asyncio.sleep(0)
    observed.released.set()
    assert await loads[1] == "second"
    with pytest.raises(EngineError, match="another model was chosen before 'first'"):
        await loads[0]
    await running
    assert loader.loaded == ["embedded", "second"]


@pytest.mark.parametrize("failure", [RuntimeError("secret"), PanicException("secret")])
async def test_failed_forward_pass_is_reported_by_type_without_document_text(
    engine: LocalEngine, loader: Loader, failure: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    await engine.load("embedded", "cpu")
    loader.observed.failure = failure
    with pytest.raises(EngineError, match=f"the model failed with {type(failure).__name__}") as raised:
        await engine.predict(TEA)
    assert "secret" not in str(raised.value)
    assert "secret" not in caplog.text
    assert type(failure).__name__ in caplog.text


async def test_panic_while_loading_becomes_an_engine_error(engine: LocalEngine, loader: Loader) -> None:
    loader.failure = PanicException("called `Option::unwrap()` on a `None` value")
    waiting = asyncio.ensure_future(engine.predict(TEA))
    with pytest.raises(EngineError, match=r"PanicException: called `Option::unwrap\(\)`"):
        await engine.load("broken", "cpu")
    with pytest.raises(EngineError, match="PanicException"):
        await waiting


async def test_questions_cancelled_before_their_first_step_compute_nothing(engine: LocalEngine, loader: Loader) -> None:
    await engine.load("embedded", "cpu")
    questions = [asyncio.ensure_future(engine.predict(about(f"word{number}"))) for number in range(21)]
    for question in questions:
        question.cancel()
    await asyncio.wait(questions)
    await engine.predict(TEA)
    assert loader.observed.passes == [["she"]]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_question_cancelled_while_the_thread_is_busy_is_never_computed(
    engine: LocalEngine, loader: Loader
) -> None:
    await engine.load("embedded", "cpu")
    observed = loader.observed
    observed.released.clear()
    running = asyncio.ensure_future(engine.predict(TEA))
    await asyncio.to_thread(observed.started.wait, 10)
    waiting = asyncio.ensure_future(engine.predict(about("cancelled")))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    observed.released.set()
    await running
    await engine.predict(about("next"))
    assert observed.passes == [["she"], ["next"]]


async def test_question_cancelled_while_the_first_model_loads_logs_nothing(
    engine: LocalEngine, loader: Loader, caplog: pytest.LogCaptureFixture
) -> None:
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: problems.append(context))
    loader.failure = OSError("no such folder")
    questions = [asyncio.ensure_future(engine.predict(TEA)) for _ in range(2)]
    load = asyncio.ensure_future(engine.load("/no/such", "cpu"))
    await asyncio.sleep(0)
    questions[0].cancel()
    with pytest.raises(EngineError):
        await load
    await asyncio.wait(questions)
    assert questions[0].cancelled()
    with pytest.raises(EngineError, match="no such folder"):
        await questions[1]
    del questions, load
    gc.collect()
    await asyncio.sleep(0)
    assert problems == []
    assert caplog.records == []


async def test_closed_engine_cancels_its_questions(engine: LocalEngine, loader: Loader) -> None:
    await engine.load("embedded", "cpu")
    observed = loader.observed
    observed.released.clear()
    running = asyncio.ensure_future(engine.predict(replace(TEA, prefix="su", max_subwords=4)))  # several passes
    await asyncio.to_thread(observed.started.wait, 10)
    waiting = asyncio.ensure_future(engine.predict(about("waiting")))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.01, observed.released.set)
    await asyncio.to_thread(engine.close)
    later = asyncio.ensure_future(engine.predict(about("later")))
    for question in (running, waiting, later):
        with pytest.raises(asyncio.CancelledError):
            await question
    assert len(observed.passes) == 1  # one pass of several


async def test_many_users_are_served_in_order_of_arrival(
    make_engine: Callable[..., LocalEngine], loader: Loader
) -> None:
    engine = make_engine(fair=True)
    await engine.load("embedded", "cpu")
    observed = loader.observed
    observed.released.clear()
    answered: list[int] = []
    running = asyncio.ensure_future(engine.predict(TEA))
    await asyncio.to_thread(observed.started.wait, 10)
    # The lengths are very different, so that the texts don't share a forward pass.
    texts = ["[MASK] " + "word " * length for length in (1, 20, 80)]
    questions = [asyncio.ensure_future(engine.predict(PredictQuestion(text, ((0, 6),), 3))) for text in texts]
    for number, question in enumerate(questions):
        question.add_done_callback(lambda _done, number=number: answered.append(number))
    await asyncio.sleep(0)
    observed.released.set()
    await asyncio.gather(running, *questions)
    assert answered == [0, 1, 2]


@pytest.mark.models
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
async def test_weights_have_the_chosen_precision(
    make_engine: Callable[..., LocalEngine], loader: Loader, dtype: str
) -> None:
    engine = make_engine(load_model=None)
    await engine.load("embedded", "cpu", dtype)
    predictions = await engine.predict(replace(TEA, top_k=5))
    assert {"coffee", "tea"} <= {candidate.text for candidate in predictions.predictions[0].candidates}


_USE_ENGINES = """
import asyncio, gc, os
frozen = gc.get_freeze_count()
from fillmask_ls.engine.http_client import Address
from fillmask_ls.engine.local import LocalEngine
from fillmask_ls.engine.remote import RemoteEngine
import huggingface_hub
before = type(huggingface_hub.get_async_session()), huggingface_hub.get_async_session().follow_redirects
async def main():
    engine, remote = LocalEngine(), RemoteEngine(Address("http://127.0.0.1:1"))
    await engine.load("embedded", "cpu")
    engine.close()
    await remote.close()
asyncio.run(main())
after = type(huggingface_hub.get_async_session()), huggingface_hub.get_async_session().follow_redirects
assert before == after, (before, after)
assert "ONEDNN_PRIMITIVE_CACHE_CAPACITY" not in os.environ
assert gc.get_freeze_count() == frozen
"""


@pytest.mark.process
def test_engines_do_not_change_global_state_of_the_process() -> None:
    result = subprocess.run([sys.executable, "-c", _USE_ENGINES], env=dict(os.environ), capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
