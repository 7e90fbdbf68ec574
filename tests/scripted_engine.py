"""A deterministic engine for tests, which can hold its answers back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

from fillmask_ls.engine import api
from fillmask_ls.engine.api import EngineError
from fillmask_ls.mlm.results import (
    Candidate,
    Inspection,
    JointFill,
    Prediction,
    Score,
    TokenScore,
    WordSurprisal,
)
from fillmask_ls.spans import replace_spans
from fillmask_ls.words import find_words

WORDS = (
    "house",
    "river",
    "garden",
    "street",
    "winter",
    "summer",
    "morning",
    "evening",
    "window",
    "table",
    "letter",
    "paper",
    "bridge",
    "forest",
    "mountain",
    "village",
    "elephant",
    "eleven",
    "east",
    "earth",
    "hospital",
    "kitchen",
    "station",
    "school",
    "church",
    "market",
    "island",
    "harbour",
)


class ScriptedEngine(api.Engine):
    """Takes the place of the local engine.

    Attributes:
        words: the candidates at every mask, the best first; each is half as probable as the one before.
        unlikely: words whose surprisal is high.
        received: the questions so far, each with its priority.
        answered: the questions that were answered: neither held nor cancelled.
        load_requests: the names of the models to load so far.
        load_errors: for each model that can't be loaded, the reason.
        error: raised by every answer, if there is one.
        model_name: the name of the loaded model; None while there is none.
        notes: where the loaded model differs from the settings.
    """

    def __init__(self, words: Sequence[str] = WORDS) -> None:
        self.words = tuple(words)
        self.unlikely: set[str] = set()
        self.received: list[tuple[api.Question, Any]] = []
        self.answered: list[api.Question] = []
        self.load_requests: list[str] = []
        self.load_errors: dict[str, str] = {}
        self.error: EngineError | None = None
        self.model_name: str | None = None
        self.notes: tuple[str, ...] = ()
        self._held: set[type[Any]] = set()
        self._loading_held = False
        self._changed = asyncio.Condition()

    def questions(self, question_type: type[Any]) -> list[Any]:
        """Return the questions of a type so far."""
        return [question for question, _ in self.received if isinstance(question, question_type)]

    def hold(self, *question_types: type[Any]) -> None:
        """Hold the answers to questions of these types, by default of all types, until :meth:`release`."""
        self._held |= set(question_types or (object,))

    def hold_loading(self) -> None:
        """Hold the loading of models until :meth:`release`."""
        self._loading_held = True

    async def release(self) -> None:
        """Answer the held questions, and load the held models."""
        self._held.clear()
        self._loading_held = False
        await self._notify()

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition of the received and answered questions or the loaded model is true."""
        async with self._changed:
            await self._changed.wait_for(condition)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    # The interface of the local engine.

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        pass

    def count_tokens(self, text: str) -> int:
        return len(text.split()) if self.model_name else 0

    async def load(self, model: str, device: str, dtype: str = "auto", runtime: str = "torch") -> str:
        self.load_requests.append(model)
        number = len(self.load_requests)
        await self._notify()
        await self.wait_until(lambda: not self._loading_held)
        if number != len(self.load_requests):
            raise api.SupersededError("another model was chosen")
        if model in self.load_errors:
            raise EngineError(self.load_errors[model])
        self.model_name = "embedded" if model == "auto" else model
        await self._notify()
        return self.model_name

    def count_work(self, question: api.ScoreQuestion | api.InspectQuestion) -> int:
        return self.count_tokens(question.text)

    async def answer(
        self, question: api.Question, priority: Any = None, *, on_progress: Callable[[int], None] | None = None
    ) -> Any:
        self.received.append((question, priority))
        await self._notify()
        await self.wait_until(lambda: self.model_name is not None and not isinstance(question, tuple(self._held)))
        if self.error is not None:
            raise self.error
        for _ in question.text.split() if on_progress else ():
            on_progress(1)
            await asyncio.sleep(0)  # as a real engine, which computes on a thread of its own
        self.answered.append(question)
        await self._notify()
        return self._answer(question)

    async def predict_early(self, question: api.PredictQuestion) -> Any:
        return await self.answer(question)

    # The script.

    def candidates(self, top_k: int, prefix: str = "") -> tuple[Candidate, ...]:
        """Return the best candidates that begin with a prefix."""
        fitting = [word for word in self.words if word.startswith(prefix.lower())][:top_k]
        ranked = {word: rank for rank, word in enumerate(self.words)}
        return tuple(
            Candidate(prefix + word[len(prefix) :], 0.5 ** (ranked[word] + 1), ((word, ranked[word]),))
            for word in fitting
        )

    def _answer(self, question: api.Question) -> Any:
        match question:
            case api.PredictQuestion():
                return self._predictions(question)
            case api.FillQuestion():
                return self._fills(question)
            case api.LossQuestion():
                return 1.25
            case api.SubstitutesQuestion():
                return list(self.candidates(question.top_k))
            case api.RankTargetsQuestion():
                return [Candidate(target, 1 / len(question.targets)) for target in question.targets]
            case api.SurprisalQuestion():
                return self._surprisals(question)
            case api.ScoreQuestion():
                spans = find_words(question.text)
                return Score(question.text, tuple(TokenScore(question.text[slice(*at)], at, -1.0) for at in spans))
            case api.InspectQuestion():
                return Inspection(str(self.model_name), question.seed, question.rate, (), 0.0, None, 1, 1)
            case api.SampleMaskQuestion():
                spans = find_words(question.text)
                chosen = random.Random(question.seed).sample(spans, round(question.rate * len(spans)))
                return sorted(chosen)
        raise AssertionError(question)

    def _predictions(self, question: api.PredictQuestion) -> api.Predictions:
        return api.Predictions(
            str(self.model_name),
            tuple(
                Prediction(
                    span,
                    self.candidates(question.top_k, question.prefix if number == question.focus else ""),
                    2.0,
                )
                for number, span in enumerate(question.masks)
            ),
        )

    def _fills(self, question: api.FillQuestion) -> list[JointFill]:
        masks = question.masks[slice(*question.to_fill)] if question.to_fill else question.masks
        fills = []
        for rank in range(question.top_k):
            words = tuple(self.words[(rank + number) % len(self.words)] for number in range(len(masks)))
            text = replace_spans(question.text, list(zip(masks, words, strict=True)))
            fills.append(JointFill(words, -float(rank + 1), text))
        return fills

    def _surprisals(self, question: api.SurprisalQuestion) -> list[WordSurprisal]:
        spans = find_words(question.text)
        if question.spans is not None:
            spans = [at for at in spans if any(low <= at[0] and at[1] <= high for low, high in question.spans)]
        surprisals = []
        for at in spans:
            word = question.text[slice(*at)]
            log_likelihood = -20.0 if word in self.unlikely else -1.0
            expected = self.candidates(question.top_k)
            surprisals.append(WordSurprisal(word, at, log_likelihood, expected, ((word.lower(), 7),)))
        return surprisals
