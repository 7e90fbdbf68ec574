"""The engine in this process: one thread owns the model, another loads the next one."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import LifoQueue
from typing import TYPE_CHECKING, TypeVar

from .query import EngineError, Query, Ranking

if TYPE_CHECKING:
    from fillmask_ls.mlm.model import MaskedLM

logger = logging.getLogger(__name__)

T = TypeVar("T")


class LocalEngine:
    """Answers queries with the model that was loaded last; while there is none yet, queries wait for it.

    Threads are daemons: neither an import of torch nor a forward pass holds up the end of the process.
    """

    def __init__(self) -> None:
        self._model: MaskedLM | None = None
        self._error = "no model was asked for"
        self._settled = asyncio.Event()
        self._loads = 0
        # Newest first: what the user waits for is what was asked last.
        self._jobs: LifoQueue[tuple[Query, Future[Ranking]]] = LifoQueue()
        threading.Thread(target=self._answer, name="fillmask-model", daemon=True).start()

    @property
    def model_name(self) -> str | None:
        """The name of the model that answers; None while there is none."""
        return self._model.name if self._model is not None else None

    def warm_up(self) -> None:
        """Begin to import what a model needs, before it is known which one."""
        _in_thread(_import, name="fillmask-import")

    async def load(self, model: str, device: str) -> str:
        """Load a model and let it answer from then on; if it can't be loaded, the one before goes on.

        When a later call overtakes this one, this one's model is dropped.

        Returns:
            The name of the model that was loaded.

        Raises:
            EngineError: with the reason in words.
        """
        self._loads += 1
        this = self._loads
        if self._model is None:
            self._settled.clear()
        try:
            loaded = await asyncio.wrap_future(_in_thread(lambda: _load(model, device), name="fillmask-load"))
        except Exception as error:
            if this == self._loads:
                self._error = str(error)
                self._settled.set()
            raise EngineError(str(error)) from error
        if this == self._loads:
            self._model = loaded
            self._settled.set()
        return loaded.name

    async def rank(self, query: Query) -> Ranking:
        """As :class:`~fillmask_ls.engine.query.Engine` says."""
        await self._settled.wait()
        if self._model is None:
            raise EngineError(self._error)
        answer: Future[Ranking] = Future()
        self._jobs.put((query, answer))
        return await asyncio.wrap_future(answer)

    def _answer(self) -> None:
        while True:
            query, answer = self._jobs.get()
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                assert self._model is not None  # noqa: S101 - rank() waits for it
                answer.set_result(_ranking(self._model, query))
            except Exception as error:
                # Not the message: it could quote the document.
                logger.error("a forward pass failed with %s", type(error).__name__)
                answer.set_exception(EngineError(f"the model failed with {type(error).__name__}"))


def _import() -> None:
    from fillmask_ls.mlm import model, prediction  # noqa: F401


def _load(model: str, device: str) -> MaskedLM:
    from fillmask_ls.mlm.model import load

    return load(model, device=device)


def _ranking(model: MaskedLM, query: Query) -> Ranking:
    from fillmask_ls.mlm.prediction import predict

    prefixes = {query.focus: query.prefix} if query.prefix else None
    return Ranking(model.name, tuple(predict(model, query.text, query.masks, top_k=query.top_k, prefixes=prefixes)))


def _in_thread(call: Callable[[], T], name: str) -> Future[T]:
    """Run ``call`` in a daemon thread of its own."""
    future: Future[T] = Future()

    def run() -> None:
        future.set_running_or_notify_cancel()
        try:
            future.set_result(call())
        except BaseException as error:  # whoever waits for the future decides
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future
