"""The engine in this process: one thread imports torch, loads models and answers with the last one."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from .api import Engine, EngineError, Predictions, PredictQuestion, Priority, Question, SupersededError
from .cache import Memory
from .malloc import bound, trim
from .scheduler import Job, JobQueue, tokens_at_once

if TYPE_CHECKING:
    from torch import Tensor

    from fillmask_ls.mlm.forward_steps import ForwardSteps
    from fillmask_ls.mlm.model import MaskedLM

    Loader = Callable[[str, str, str, str], MaskedLM]

logger = logging.getLogger(__name__)

_JOBS_AT_ONCE = 8
_STEPS_PER_TRIM = 1000
"""So rarely that a trim's milliseconds don't count."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """The last answer, which the same query gets again without a turn of the model's thread.

    ``additions`` are the memory's when it was given: what is found later may better it.
    """

    query: PredictQuestion
    ranking: Predictions
    memory: Memory
    additions: int

    def stands(self, query: PredictQuestion, memory: Memory) -> bool:
        return query == self.query and memory is self.memory and memory.additions == self.additions


class LocalEngine(Engine):
    """Answers queries with the model that was loaded last; while there is none yet, queries wait for it.

    There is one thread, because each thread that computes brings OpenMP threads of its own, and these fight for the
    cores. It is a daemon: neither an import of torch nor a forward pass holds up the end of the process.
    """

    def __init__(self, *, oldest_first: bool = False, load_model: Loader | None = None) -> None:
        """Start an engine without a model.

        Args:
            oldest_first: as for :class:`~fillmask_ls.engine.scheduler.JobQueue`.
            load_model: loads a model given its name, device, dtype and runtime, on the model's thread; by default
                :func:`fillmask_ls.mlm.loading.load`.
        """
        self._load_model = load_model or _load
        self._model: MaskedLM | None = None
        # A letter typed behind the mask, or a hover, costs no forward.
        self._memory = Memory.of_masks()
        self._answers = Memory.of_answers()
        self._answer: _Answer | None = None
        self._error = ""
        self._settled = asyncio.Event()
        self._loads = 0
        self._queue = JobQueue(oldest_first=oldest_first)
        bound()
        self._thread = threading.Thread(target=self._work, name="fillmask-model", daemon=True)
        self._thread.start()

    @property
    def model_name(self) -> str | None:
        """The name of the model that answers; None while there is none."""
        return self._model.name if self._model is not None else None

    def count_tokens(self, text: str) -> int:
        """The tokens of a text for the model, special ones included; 0 while there is none."""
        return len(self._model.tokenizer.encode(text).ids) if self._model is not None else 0

    def warm_up(self) -> None:
        """Begin to import what a model needs, before it is known which one."""
        self._submit(Priority.LOADING, _import)

    def close(self) -> None:
        """End the thread, when its present step is done; who waits for an answer is cancelled.

        For programs that go on without the engine. Python's own end while torch computes can abort the process.
        """
        self._queue.close()
        self._thread.join()

    async def load(self, model: str, device: str, dtype: str = "auto", runtime: str = "torch") -> str:
        """Load a model and let it answer from then on; if it can't be loaded, the one before goes on.

        Args:
            model, device, runtime: as for :func:`fillmask_ls.mlm.loading.load`.
            dtype: ``auto`` or the name of one of torch's.

        Returns:
            The name of the model that was loaded.

        Raises:
            EngineError: with the reason in words.
            SupersededError: a later call came before this one's turn.
        """
        self._loads += 1
        this = self._loads
        self._settled.clear()

        def work() -> str:
            if this != self._loads:
                raise SupersededError(f"another model was chosen before {model!r} was loaded")
            gc.unfreeze()  # the model before, if it hangs in cycles
            self._model = self._load_model(model, device, dtype, runtime)
            gc.freeze()  # a million objects that live as long as the model: no collection need look at them again
            # What an older model's job still finds goes into its own.
            self._memory, self._answers = Memory.of_masks(), Memory.of_answers()
            return self._model.name

        try:
            name: str = await asyncio.wrap_future(self._submit(Priority.LOADING, work))
            return name
        except EngineError:
            raise
        except Exception as error:
            self._error = str(error)
            raise EngineError(self._error) from error
        finally:
            if this == self._loads:
                self._settled.set()

    async def answer(self, question: Question, priority: Priority = Priority.INTERACTIVE) -> Any:
        """As :class:`~fillmask_ls.engine.api.Engine` says."""
        await self._ready()
        if isinstance(question, PredictQuestion):
            last = self._answer
            if last is not None and last.stands(question, self._memory):
                return last.ranking
            return await self._asked(question, priority)
        answers = self._answers
        if question not in answers:
            answers[question] = (await self._asked(question, priority),)
        return answers[question][0]

    async def _ready(self) -> None:
        """Wait for a model."""
        while self._model is None:
            await self._settled.wait()
            if self._model is None and self._settled.is_set():  # else another load has begun since
                raise EngineError(self._error)

    async def _asked(self, question: Question, priority: Priority) -> Any:
        try:
            return await asyncio.wrap_future(self._submit(priority, lambda: self._begin(question, priority)))
        except Exception as error:
            # Only its kind: the message could quote the document.
            logger.error("a forward pass failed with %s", type(error).__name__)
            raise EngineError(f"the model failed with {type(error).__name__}") from error

    def _submit(self, priority: Priority, begin: Callable[[], Any]) -> Future[Any]:
        job = Job(priority, begin)
        self._queue.put(job)
        return job.future

    def _work(self) -> None:
        for steps in count(1):
            job = self._queue.take()
            if job is None:
                return
            self._step(job)
            if steps % _STEPS_PER_TRIM == 0:
                trim()

    def _step(self, job: Job) -> None:
        """A forward for a job that was taken, and for those that may share it."""
        waiting = [job]
        if job.priority is not Priority.LOADING:
            waiting += self._queue.take_others(job.priority, _JOBS_AT_ONCE - 1)
        together: list[Job] = []
        for job in waiting:
            self._give_way(job.priority)
            if not self._begun(job):
                continue
            if _may_share(together, job):
                together.append(job)
            else:
                self._queue.put(job)
        if together:
            self._forward(together)

    def _give_way(self, priority: Priority) -> None:
        """Do what is more urgent, in the midst of a step."""
        while (job := self._queue.take_before(priority)) is not None:
            self._step(job)

    def _begun(self, job: Job) -> bool:
        """Begin a job, if it is new; whether it waits for a forward now."""
        if job.batch is None:
            try:
                job.model, begun = self._model, job.begin()
            except BaseException as error:  # whoever waits for the future decides
                job.fail(error)
                return False
            if isinstance(begun, Generator):
                job.asking = begun
                _send(job, None)
            else:
                job.succeed(begun)
        return job.batch is not None

    def _forward(self, jobs: list[Job]) -> None:
        """One forward for all, and each job's next step; those that ask on go back into the queue."""
        from fillmask_ls.mlm.forward_steps import logits

        try:
            model, batches = jobs[0].model, [job.batch for job in jobs if job.batch is not None]
            assert model is not None  # noqa: S101 - else it could not have asked
            answers = logits(model, batches, lambda: self._give_way(jobs[0].priority))
        except BaseException as error:
            if len(jobs) == 1:
                jobs[0].fail(error)
            else:
                for job in jobs:  # the fault of one is not the others'
                    self._forward([job])
            return
        for job, answer in zip(jobs, answers, strict=True):
            self._give_way(job.priority)
            _send(job, answer)
            if job.batch is not None:
                self._queue.put(job)

    def _begin(self, question: Question, priority: Priority) -> Any:
        """The answer, or the asking that finds it."""
        from .dispatch import answering

        model, memory = self._model, self._memory
        assert model is not None  # noqa: S101 - _ready() looked
        asking = answering(model, question, memory, tokens_at_once(priority))
        if isinstance(question, PredictQuestion):
            return self._noted(question, asking, memory)
        return asking

    def _noted(
        self, query: PredictQuestion, asking: ForwardSteps[Predictions], memory: Memory
    ) -> ForwardSteps[Predictions]:
        ranking = yield from asking
        self._answer = _Answer(query, ranking, memory, memory.additions)
        return ranking


def _send(job: Job, answer: Tensor | None) -> None:
    """Let a job make its next step: it asks on, or its future has the result or the error."""
    from fillmask_ls.mlm.forward_steps import Finished, advance

    assert job.asking is not None  # noqa: S101 - it has begun
    job.batch = None
    try:
        asked = advance(job.asking, answer)
    except BaseException as error:
        job.fail(error)
        return
    if isinstance(asked, Finished):
        job.succeed(asked.result)
    else:
        job.batch = asked


def _may_share(jobs: Sequence[Job], other: Job) -> bool:
    """Whether ``other`` may share the forward of ``jobs``: its rows are about as long, and all are not many."""
    if not jobs:
        return True
    rows = [[len(row) for row in job.batch.rows] for job in (*jobs, other) if job.batch is not None]
    longest = [max(lengths) for lengths in rows]
    return (
        jobs[0].model is other.model
        and max(longest) <= 1.25 * min(longest)
        and sum(map(len, rows)) * max(longest) <= tokens_at_once(other.priority)
    )


def _import() -> None:
    from fillmask_ls.mlm import loading  # noqa: F401


def _load(model: str, device: str, dtype: str, runtime: str) -> MaskedLM:
    import torch

    from fillmask_ls.mlm.loading import load

    return load(model, device=device, dtype=None if dtype == "auto" else getattr(torch, dtype), runtime=runtime)
