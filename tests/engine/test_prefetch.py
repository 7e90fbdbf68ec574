"""Completion answers with whole words first, and prefetches those of several subwords in the background."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest

from fillmask_ls.engine.api import Candidate, EngineError, Prediction, Predictions, PredictQuestion, Priority
from fillmask_ls.engine.prefetch import Prefetcher

QUESTION = PredictQuestion("a [MASK]", ((2, 8),), 3, max_subwords=4)
OTHER_MASK = PredictQuestion("another [MASK]", ((8, 14),), 3, max_subwords=4)
WHOLE_WORDS = replace(QUESTION, max_subwords=1)


class Recorder:
    """Answers questions, those with priority BACKGROUND when released, and records them."""

    def __init__(self, likelihood: float = 0.5) -> None:
        self.received: list[tuple[PredictQuestion, Priority]] = []
        self.background_started = asyncio.Event()
        self.background_released = asyncio.Event()
        self.background_released.set()
        self.cancelled: list[PredictQuestion] = []
        self.error: Exception | None = None
        self._likelihood = likelihood
        self.prefetcher = Prefetcher(self.predict, pause=0)

    async def predict(self, question: PredictQuestion, priority: Priority) -> Predictions:
        if priority is Priority.INTERACTIVE:
            self.prefetcher.cancel_stale(question)
        self.received.append((question, priority))
        if priority is Priority.BACKGROUND:
            self.background_started.set()
            try:
                await self.background_released.wait()
            except asyncio.CancelledError:
                self.cancelled.append(question)
                raise
            if self.error is not None:
                raise self.error
        candidates = (Candidate("word", self._likelihood / question.max_subwords),)
        return Predictions("x", tuple(Prediction(mask, candidates, None) for mask in question.masks))

    @property
    def prefetched(self) -> list[PredictQuestion]:
        return [question for question, priority in self.received if priority is Priority.BACKGROUND]


async def run_ready_tasks() -> None:
    """Let every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_completion_gets_whole_words_first_and_the_rest_is_prefetched() -> None:
    recorder = Recorder()
    answer = await recorder.prefetcher.predict_early(QUESTION)
    assert answer == await recorder.predict(WHOLE_WORDS, Priority.HINT)
    await recorder.background_started.wait()
    assert recorder.prefetched == [QUESTION]
    assert recorder.received[0] == (WHOLE_WORDS, Priority.INTERACTIVE)


async def test_search_runs_first_if_whole_words_are_unlikely() -> None:
    recorder = Recorder(likelihood=0.0001)
    typed = replace(QUESTION, prefix="zyg")
    await recorder.prefetcher.predict_early(typed)
    await run_ready_tasks()
    assert recorder.received == [
        (replace(typed, max_subwords=1), Priority.INTERACTIVE),
        (typed, Priority.INTERACTIVE),
    ]


async def test_nothing_is_prefetched_if_only_whole_words_are_wanted() -> None:
    recorder = Recorder()
    await recorder.prefetcher.predict_early(WHOLE_WORDS)
    await run_ready_tasks()
    assert recorder.received == [(WHOLE_WORDS, Priority.INTERACTIVE)]


async def test_completion_and_inline_completion_share_one_prefetch() -> None:
    recorder = Recorder()
    await asyncio.gather(recorder.prefetcher.predict_early(QUESTION), recorder.prefetcher.predict_early(QUESTION))
    await run_ready_tasks()
    assert recorder.prefetched == [QUESTION]


async def test_prefetches_of_two_requests_are_both_cancelled_by_a_question_about_another_mask() -> None:
    recorder = Recorder()
    recorder.background_released.clear()
    await asyncio.gather(recorder.prefetcher.predict_early(QUESTION), recorder.prefetcher.predict_early(QUESTION))
    await recorder.background_started.wait()
    await recorder.prefetcher.predict_early(OTHER_MASK)
    await run_ready_tasks()
    assert recorder.cancelled == [QUESTION]
    assert recorder.prefetched == [QUESTION, OTHER_MASK]


async def test_prefetch_continues_while_letters_are_typed_at_its_mask() -> None:
    recorder = Recorder()
    recorder.background_released.clear()
    await recorder.prefetcher.predict_early(QUESTION)
    await recorder.background_started.wait()
    await recorder.prefetcher.predict_early(replace(QUESTION, prefix="wo"))
    await run_ready_tasks()
    assert recorder.cancelled == []


async def test_prefetch_is_cancelled_by_the_same_question() -> None:
    recorder = Recorder()
    recorder.background_released.clear()
    await recorder.prefetcher.predict_early(QUESTION)
    await recorder.background_started.wait()
    await recorder.predict(QUESTION, Priority.INTERACTIVE)
    await run_ready_tasks()
    assert recorder.cancelled == [QUESTION]


async def test_cancelled_completion_computes_nothing_and_prefetches_nothing() -> None:
    recorder = Recorder()
    request = asyncio.ensure_future(recorder.prefetcher.predict_early(QUESTION))
    request.cancel()
    await run_ready_tasks()
    assert request.cancelled()
    assert recorder.received == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_prefetch_leaves_no_task_behind() -> None:
    recorder = Recorder()
    await recorder.prefetcher.predict_early(QUESTION)
    recorder.prefetcher.cancel()
    await run_ready_tasks()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert recorder.prefetched == []


@pytest.mark.parametrize(("error", "logged"), [(EngineError("no model"), []), (ValueError("secret"), ["ValueError"])])
async def test_failed_prefetch_is_logged_by_type_and_tried_again(
    error: Exception, logged: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder()
    recorder.error = error
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            await recorder.prefetcher.predict_early(QUESTION)
            await run_ready_tasks()
    assert recorder.prefetched == [QUESTION, QUESTION]
    assert [record.getMessage().rpartition(" ")[2] for record in caplog.records] == 2 * logged
    assert "secret" not in caplog.text
