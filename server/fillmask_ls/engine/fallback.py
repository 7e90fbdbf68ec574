"""An engine that uses the shared engine while it is available, and otherwise the local one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from fillmask_ls.background import run_in_background

from .api import Engine, EngineError, Predictions, PredictQuestion, Priority, Question
from .http_client import RefusedError, UnavailableError
from .local import LocalEngine
from .prefetch import Prefetcher
from .remote import RemoteEngine

_LONGEST_PAUSE = 60.0


class FallbackEngine(Engine):
    """Passes each question to the remote engine if there is one and it answers, otherwise to the local engine.

    A remote engine that failed is looked for in the background, with growing pauses, and answers again once it is found.

    Attributes:
        local: the engine in this process.
        remote: the shared engine, if there is one.
        problem: why the remote engine does not answer at present; None while it does, or if there is none.
    """

    def __init__(self, local: LocalEngine, *, need_local: Callable[[], None], changed: Callable[[], None]) -> None:
        """Start without a remote engine.

        Args:
            need_local: called when the local engine is about to answer, which may have no model yet.
            changed: called when the remote engine was found, lost, or found again.
        """
        self.local = local
        self.remote: RemoteEngine | None = None
        self.problem: UnavailableError | None = None
        self._falls_back = True
        self._need_local, self._changed = need_local, changed
        self._pause = 1.0
        self._finding: asyncio.Task[None] | None = None
        self._prefetcher = Prefetcher(self.predict)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def model_name(self) -> str | None:
        """The name of the model that answers; None while there is none."""
        return self.remote.model_name if self.remote and not self.problem else self.local.model_name

    def model_for(self, question: type[Question]) -> str | None:
        """Return the name of the model that answers a kind of question."""
        answers = self.remote and not self.problem and self.remote.answers(question)
        return self.remote.model_name if self.remote and answers else self.local.model_name

    @property
    def is_remote(self) -> bool:
        """Whether the remote engine answers."""
        return self.remote is not None and self.problem is None

    def starts_local_load(self, kind: type[Question]) -> bool:
        """Return whether a kind of question needs a local model that is not loaded yet, and start loading it.

        This happens if the remote engine answers, but not this kind of question.
        """
        must_load = self.is_remote and self._falls_back and self.model_for(kind) is None and self.model_name is not None
        if must_load:
            self._need_local()
        return must_load

    def use(self, remote: RemoteEngine | None, *, falls_back: bool = True) -> asyncio.Task[None] | None:
        """Replace the remote engine with another, or with none.

        Args:
            falls_back: whether the local engine answers while the remote one does not.

        Returns:
            The first attempt to find it; done when it is found or known to be missing.
        """
        if self._finding is not None:
            self._finding.cancel()
        self._prefetcher.cancel()
        if self.remote is not None:
            run_in_background(self._tasks, self.remote.close())
        self.remote, self.problem, self._falls_back, self._pause = remote, None, falls_back, 1.0
        self._finding = None if remote is None else run_in_background(self._tasks, self._find(remote))
        return self._finding

    async def predict_early(self, question: PredictQuestion) -> Predictions:
        """Predict as a completion needs it, with whole-word candidates first; see :mod:`~fillmask_ls.engine.prefetch`."""
        return await self._prefetcher.predict_early(question)

    async def answer(
        self,
        question: Question,
        priority: Priority = Priority.INTERACTIVE,
        *,
        on_progress: Callable[[int], None] | None = None,
    ) -> Any:
        """Answer a question; see :class:`~fillmask_ls.engine.api.Engine`."""
        if isinstance(question, PredictQuestion) and priority is Priority.INTERACTIVE:
            self._prefetcher.cancel_stale(question)
        remote, problem = self.remote, self.problem
        if remote is None:
            return await self.local.answer(question, priority, on_progress=on_progress)
        error: EngineError | None = problem
        if problem is None:
            try:
                answer = await remote.answer(question, priority)
            except UnavailableError as unavailable:
                self._lose(remote, error := unavailable)
            except RefusedError as refused:
                error = refused
            else:
                self._pause = 1.0
                return answer
        if not self._falls_back:
            raise error or EngineError("the shared engine does not answer")
        self._need_local()
        return await self.local.answer(question, priority, on_progress=on_progress)

    async def _find(self, remote: RemoteEngine) -> None:
        try:
            await remote.connect()
        except EngineError as error:
            self._lose(remote, _unavailable(error))
        else:
            self._found(remote)

    def _found(self, remote: RemoteEngine) -> None:
        if remote is self.remote:
            self.problem = None
            self._changed()

    def _lose(self, remote: RemoteEngine, problem: UnavailableError) -> None:
        if remote is not self.remote or self.problem is not None:
            return
        self.problem = problem
        if self._falls_back:
            self._need_local()
        if self._finding is not None and self._finding is not asyncio.current_task():
            self._finding.cancel()
        self._finding = run_in_background(self._tasks, self._find_again(remote, problem))
        self._changed()

    async def _find_again(self, remote: RemoteEngine, problem: UnavailableError) -> None:
        while True:
            # Random, so that the many clients that lost the engine together don't come back together.
            pause = max(self._pause * random.uniform(0.5, 1), problem.retry_after or 0)  # noqa: S311
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            await asyncio.sleep(pause)
            try:
                await remote.reconnect()
            except EngineError as error:
                self.problem = problem = _unavailable(error)
            else:
                self._found(remote)
                return


def _unavailable(error: EngineError) -> UnavailableError:
    return error if isinstance(error, UnavailableError) else UnavailableError(str(error))
