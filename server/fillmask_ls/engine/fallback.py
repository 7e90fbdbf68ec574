"""The engine on another machine while it answers, else the one in this process."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from .api import Engine, EngineError, Predictions, PredictQuestion, Priority, Question
from .http_client import RefusedError, UnavailableError
from .local import LocalEngine
from .prefetch import Prefetcher
from .remote import RemoteEngine

_LONGEST_PAUSE = 60.0


class FallbackEngine(Engine):
    """Passes each question to the one that is to answer it.

    A remote engine that fails is left alone for a while, which grows from time to time; then it is looked for in the
    background, and answers again when it is found.

    Attributes:
        local: the engine in this process.
        remote: the other one, if there is one.
        problem: why the remote engine doesn't answer now; None while it does, or there is none.
    """

    def __init__(self, local: LocalEngine, *, need_local: Callable[[], None], changed: Callable[[], None]) -> None:
        """Begin without a remote engine.

        Args:
            need_local: called when the local engine is to answer, which may have no model yet.
            changed: called when the remote engine was found, lost, or found again.
        """
        self.local = local
        self.remote: RemoteEngine | None = None
        self.problem: UnavailableError | None = None
        self._falls_back = True
        self._need_local, self._changed = need_local, changed
        self._pause = 1.0
        self._looking: asyncio.Task[None] | None = None
        self._prefetcher = Prefetcher(self.predict)
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def model_name(self) -> str | None:
        """The name of the model that answers; None while there is none."""
        return self.remote.model_name if self.remote and not self.problem else self.local.model_name

    def model_for(self, question: type[Question]) -> str | None:
        """The name of the model that answers a kind of question."""
        knows = self.remote and not self.problem and self.remote.answers(question)
        return self.remote.model_name if self.remote and knows else self.local.model_name

    @property
    def is_remote(self) -> bool:
        """Whether the remote engine answers."""
        return self.remote is not None and self.problem is None

    def starts_local_load(self, kind: type[Question]) -> bool:
        """Whether a model must be loaded here before a question of a kind can be answered, because the remote engine knows
        no such question; that begins then."""
        must = self.is_remote and self._falls_back and self.model_for(kind) is None and self.model_name is not None
        if must:
            self._need_local()
        return must

    def use(self, remote: RemoteEngine | None, *, falls_back: bool = True) -> asyncio.Task[None] | None:
        """Let another remote engine answer, or none.

        Args:
            falls_back: whether the local one answers while the remote one can't.

        Returns:
            The first look for it, which ends when it is found or known to be missing.
        """
        if self._looking is not None:
            self._looking.cancel()
        if self.remote is not None:
            closing = asyncio.ensure_future(self.remote.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        self.remote, self.problem, self._falls_back, self._pause = remote, None, falls_back, 1.0
        self._looking = None if remote is None else asyncio.ensure_future(self._find(remote))
        return self._looking

    async def predict_early(self, question: PredictQuestion) -> Predictions:
        """Predict as a completion needs it, with whole-word candidates first; see :mod:`~fillmask_ls.engine.prefetch`."""
        return await self._prefetcher.predict_early(question)

    async def answer(self, question: Question, priority: Priority = Priority.INTERACTIVE) -> Any:
        """As :class:`~fillmask_ls.engine.api.Engine` says."""
        if isinstance(question, PredictQuestion) and priority is Priority.INTERACTIVE:
            self._prefetcher.cancel_stale(question)
        remote, problem = self.remote, self.problem
        if remote is None:
            return await self.local.answer(question, priority)
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
        return await self.local.answer(question, priority)

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
        if self._looking is not None and self._looking is not asyncio.current_task():
            self._looking.cancel()
        self._looking = asyncio.ensure_future(self._find_again(remote, problem))
        self._changed()

    async def _find_again(self, remote: RemoteEngine, problem: UnavailableError) -> None:
        while True:
            # So that the many that lost it at once don't all come back at once.
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
