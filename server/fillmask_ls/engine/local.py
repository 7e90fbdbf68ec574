"""The engine in this process: loads models and answers with the latest one."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .api import (
    Engine,
    EngineError,
    InspectQuestion,
    Predictions,
    PredictQuestion,
    Priority,
    Question,
    ScoreQuestion,
    SupersededError,
)
from .cache import LRUCache
from .job_queue import ModelSteps
from .scheduler import Scheduler, tokens_per_step

if TYPE_CHECKING:
    from fillmask_ls.mlm.forward_steps import ForwardSteps
    from fillmask_ls.mlm.model import LoadedModel

    Loader = Callable[[str, str, str, str], LoadedModel]

logger = logging.getLogger(__name__)


class LocalEngine(Engine):
    """Answers questions with the model that was loaded last. Until the first model is loaded, questions wait.

    All torch code runs on one thread, see :mod:`~fillmask_ls.engine.scheduler`. Results are cached per model, so that a
    hover after a completion, or another letter typed after a mask, needs no forward step.
    """

    def __init__(
        self,
        *,
        fair: bool = False,
        owns_process: bool = False,
        cached_masks: int = 64,
        load_model: Loader | None = None,
    ) -> None:
        """Start an engine without a model.

        Args:
            fair: whether the clients with equally urgent questions take turns, see
                :class:`~fillmask_ls.engine.job_queue.JobQueue`; by default the newest question runs first.
            owns_process: whether the process runs for this engine only. Objects that exist when a model is loaded are
                then exempt from garbage collection.
            cached_masks: the number of masks whose distributions are cached: 0.12 MB each with BERT's vocabulary.
            load_model: loads a model given its name, device, dtype and runtime, on the model's thread; by default
                :func:`fillmask_ls.mlm.load`.
        """
        self._load_model = load_model or _load
        self._owns_process = owns_process
        self._model: LoadedModel | None = None
        self._cached_masks = cached_masks
        self._distributions = LRUCache.of_masks(cached_masks)
        self._answers = LRUCache.of_answers()
        self._latest: _Latest | None = None
        self._error = ""
        self._loaded = asyncio.Event()
        self._load_count = 0
        self._scheduler = Scheduler(fair=fair)

    @property
    def model_name(self) -> str | None:
        """The name of the model that answers; None before the first one is loaded."""
        return self._model.name if self._model is not None else None

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that say where the loaded model differs from the requested one, and why."""
        return self._model.notes if self._model is not None else ()

    def count_tokens(self, text: str) -> int:
        """Return the number of a text's tokens, special tokens included; 0 before a model is loaded."""
        return len(self._model.tokenizer.encode(text).ids) if self._model is not None else 0

    def count_work(self, question: ScoreQuestion | InspectQuestion) -> int:
        """Return the number of tokens in the forward steps of a question; 0 before a model is loaded. Takes time."""
        if self._model is None:
            return 0
        tokens = self.count_tokens(question.text)
        return tokens * min(tokens, self._model.tokenizer.max_length) if isinstance(question, ScoreQuestion) else tokens

    def warm_up(self) -> None:
        """Start importing torch and the code of :mod:`fillmask_ls.mlm`, before the settings name a model."""
        self._scheduler.submit(Priority.LOADING, _import_mlm)

    def close(self) -> None:
        """Cancel all questions and wait until the thread has ended, after its current step.

        A process that exits without this call, while torch computes, can be aborted.
        """
        self._scheduler.close()

    async def load(self, model: str, device: str, dtype: str = "auto", runtime: str = "torch") -> str:
        """Load a model, which then answers all questions; if loading fails, the previous model still does.

        Args:
            model, device, runtime: as for :func:`fillmask_ls.mlm.load`.
            dtype: ``auto`` or the name of a torch dtype.

        Returns:
            The name of the loaded model.

        Raises:
            EngineError: the model cannot be loaded; the message says why.
            SupersededError: a later call was made before this one began to load.
        """
        self._load_count += 1
        load_number = self._load_count
        self._loaded.clear()

        def work() -> str:
            if load_number != self._load_count:
                raise SupersededError(f"another model was chosen before {model!r} was loaded")
            if self._owns_process:
                gc.unfreeze()  # lets the previous model be collected, if it is part of a reference cycle
            self._model = self._load_model(model, device, dtype, runtime)
            if self._owns_process:
                gc.freeze()  # else each full collection stops all threads for 65 ms
            # New objects: jobs of the previous model may still write to the old caches.
            self._distributions, self._answers = LRUCache.of_masks(self._cached_masks), LRUCache.of_answers()
            return self._model.name

        try:
            name: str = await asyncio.wrap_future(self._scheduler.submit(Priority.LOADING, work))
            return name
        except EngineError:
            raise
        except Exception as error:
            self._error = str(error)
            raise EngineError(self._error) from error
        finally:
            if load_number == self._load_count:
                self._loaded.set()

    async def answer(
        self,
        question: Question,
        priority: Priority = Priority.INTERACTIVE,
        *,
        client: str = "",
        on_progress: Callable[[int], None] | None = None,
    ) -> Any:
        """Answer a question once a model is loaded; see :class:`~fillmask_ls.engine.api.Engine`.

        Args:
            client: the client that asks, if the engine is ``fair``.
        """
        caller = _Caller(priority, client, on_progress)
        await self._wait_for_model()
        if isinstance(question, PredictQuestion):
            latest = self._latest
            if latest is not None and latest.answers(question, self._distributions):
                return latest.predictions
            return await self._compute(question, caller)
        answers = self._answers
        if question not in answers:
            answers[question] = await self._compute(question, caller)
        return answers[question]

    async def _wait_for_model(self) -> None:
        while self._model is None:
            await self._loaded.wait()
            if self._model is None and self._loaded.is_set():  # otherwise another load has begun
                raise EngineError(self._error)

    async def _compute(self, question: Question, caller: _Caller) -> Any:
        future: Future[Any] = self._scheduler.submit(
            caller.priority, lambda: self._begin(question, caller), client=caller.client
        )
        try:
            return await asyncio.wrap_future(future)
        except Exception as error:
            # By type only: the message could quote the document.
            kind = type(error.__cause__ or error).__name__
            logger.error("a forward pass failed with %s", kind)
            raise EngineError(f"the model failed with {kind}") from error

    def _begin(self, question: Question, caller: _Caller) -> ModelSteps:
        """Return the steps that lead to the answer; runs on the model's thread."""
        from .dispatch import begin

        model, distributions = self._model, self._distributions
        assert model is not None  # noqa: S101 - _wait_for_model() returned
        steps = begin(model, question, distributions, tokens_per_step(caller.priority)).steps
        if caller.on_progress is not None:
            steps = _report_steps(steps, caller.on_progress)
        if isinstance(question, PredictQuestion):
            steps = self._remember_latest(question, steps, distributions)
        return ModelSteps(model, steps)

    def _remember_latest(
        self, question: PredictQuestion, steps: ForwardSteps[Predictions], distributions: LRUCache
    ) -> ForwardSteps[Predictions]:
        predictions = yield from steps
        self._latest = _Latest(question, predictions, distributions, distributions.additions)
        return predictions


@dataclass(frozen=True, slots=True)
class _Caller:
    """The priority and the client of a question, and the callback for its forward steps; see :meth:`LocalEngine.answer`."""

    priority: Priority
    client: str
    on_progress: Callable[[int], None] | None


def _report_steps(steps: ForwardSteps[Any], on_progress: Callable[[int], None]) -> ForwardSteps[Any]:
    from fillmask_ls.mlm.forward_steps import Finished, advance

    state = advance(steps, None)
    while not isinstance(state, Finished):
        logits = yield state
        on_progress(sum(map(len, state.rows)))
        state = advance(steps, logits)
    return state.result


@dataclass(frozen=True, slots=True)
class _Latest:
    """The latest predictions: if the same question comes again, they are returned without waiting for the model's thread.

    Attributes:
        question: the question that they answer.
        predictions: its answer.
        distributions: the cache that was used.
        additions: the cache's count of additions then; a result that was added later may improve the predictions.
    """

    question: PredictQuestion
    predictions: Predictions
    distributions: LRUCache
    additions: int

    def answers(self, question: PredictQuestion, distributions: LRUCache) -> bool:
        return (
            question == self.question
            and distributions is self.distributions
            and distributions.additions == self.additions
        )


def _import_mlm() -> None:
    from fillmask_ls.mlm import loading, prediction  # noqa: F401


def _load(model: str, device: str, dtype: str, runtime: str) -> LoadedModel:
    import torch

    from fillmask_ls import mlm

    return mlm.load(model, device=device, dtype=None if dtype == "auto" else getattr(torch, dtype), runtime=runtime)
