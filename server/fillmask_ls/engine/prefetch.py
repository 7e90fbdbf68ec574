"""Prefetching for completions: answer early, and compute what will probably be asked next.

Candidates of one subword (whole words) take one forward step; candidates of several subwords take a search of some ten.
So a completion gets whole words at once, and the search runs in the background while the user reads the list: the
search's result is in the engine's cache when the user types a letter or asks again.

A prefetch is stale as soon as the user asks about another mask, or asks for its result directly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from fillmask_ls.background import run_in_background

from .api import EngineError, Predictions, PredictQuestion, Priority

PAUSE = 0.2
"""Seconds before a prefetch begins: longer than the time between two keystrokes."""

_LIKELY = 0.001
"""Whole words that continue the typed letters are shown at once if their probabilities add up to this much."""


class Prefetcher:
    """Answers the predictions of completions, with at most one prefetch at a time."""

    def __init__(
        self, predict: Callable[[PredictQuestion, Priority], Awaitable[Predictions]], *, pause: float = PAUSE
    ) -> None:
        """Create a prefetcher.

        Args:
            predict: answers a question; it calls :meth:`cancel_stale` for interactive ones.
            pause: the seconds before a prefetch begins.
        """
        self._predict = predict
        self._pause = pause
        self._question: PredictQuestion | None = None
        self._task: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def predict_early(self, question: PredictQuestion) -> Predictions:
        """Answer with whole-word candidates, and longer ones that are cached; prefetch the longer ones.

        If letters were typed that hardly any whole word continues, search for longer words before answering.
        """
        whole_words = await self._predict(replace(question, max_subwords=1), Priority.INTERACTIVE)
        if question.max_subwords == 1:
            return whole_words
        if not question.prefix:
            self._prefetch(question)
        elif sum(candidate.probability for candidate in whole_words.predictions[question.focus].candidates) < _LIKELY:
            return await self._predict(question, Priority.INTERACTIVE)
        return whole_words

    def cancel_stale(self, question: PredictQuestion) -> None:
        """Cancel the prefetch if an interactive question is about another mask, or will compute the same itself."""
        if self._question is not None and (question.max_subwords > 1 or not _same_mask(question, self._question)):
            self.cancel()

    def cancel(self) -> None:
        """Cancel the prefetch, if there is one."""
        if self._task is not None:
            self._task.cancel()
        self._task = self._question = None

    def _prefetch(self, question: PredictQuestion) -> None:
        if question == self._question:  # another request asked the same; one prefetch serves both
            return
        self.cancel()
        self._question = question
        self._task = run_in_background(self._tasks, self._run(question))

    async def _run(self, question: PredictQuestion) -> None:
        try:
            await asyncio.sleep(self._pause)
            with suppress(EngineError):
                await self._predict(question, Priority.BACKGROUND)
        finally:
            if self._task is asyncio.current_task():
                self._task = self._question = None


def _same_mask(one: PredictQuestion, other: PredictQuestion) -> bool:
    return (one.text, one.masks, one.focus) == (other.text, other.masks, other.focus)
