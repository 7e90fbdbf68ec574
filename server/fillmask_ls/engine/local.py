"""The engine in this process: one thread imports torch, loads models and answers with the last one."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import LifoQueue
from typing import TYPE_CHECKING, Any, TypeVar

from .query import EngineError, OvertakenError, Query, Ranking

if TYPE_CHECKING:
    from torch import Tensor

    from fillmask_ls.mlm.model import MaskedLM

logger = logging.getLogger(__name__)

T = TypeVar("T")

_MASKS_REMEMBERED = 64
"""Each a probability for every token: 0.12 MB with BERT's vocabulary."""


class LocalEngine:
    """Answers queries with the model that was loaded last; while there is none yet, queries wait for it.

    There is one thread, because each thread that computes brings OpenMP threads of its own, and these fight for the
    cores. It is a daemon: neither an import of torch nor a forward pass holds up the end of the process.
    """

    def __init__(self) -> None:
        self._model: MaskedLM | None = None
        # What the model said of a passage: a letter typed behind the mask, or a hover, costs no forward.
        self._remembered: dict[tuple[str, tuple[tuple[int, int], ...]], list[Tensor]] = {}
        self._error = ""
        self._settled = asyncio.Event()
        self._loads = 0
        # Newest first: what the user waits for is what was asked last.
        self._jobs: LifoQueue[tuple[Callable[[], Any], Future[Any]]] = LifoQueue()
        threading.Thread(target=self._work, name="fillmask-model", daemon=True).start()

    @property
    def model_name(self) -> str | None:
        """The name of the model that answers; None while there is none."""
        return self._model.name if self._model is not None else None

    def warm_up(self) -> None:
        """Begin to import what a model needs, before it is known which one."""
        self._submit(_import)

    async def load(self, model: str, device: str, dtype: str = "auto") -> str:
        """Load a model and let it answer from then on; if it can't be loaded, the one before goes on.

        Args:
            model, device: as for :func:`fillmask_ls.mlm.model.load`.
            dtype: ``auto`` or the name of one of torch's.

        Returns:
            The name of the model that was loaded.

        Raises:
            EngineError: with the reason in words.
            OvertakenError: a later call came before this one's turn.
        """
        self._loads += 1
        this = self._loads
        self._settled.clear()

        def work() -> str:
            if this != self._loads:
                raise OvertakenError(f"another model was chosen before {model!r} was loaded")
            self._model = _load(model, device, dtype)
            self._remembered.clear()
            return self._model.name

        try:
            return await asyncio.wrap_future(self._submit(work))
        except EngineError:
            raise
        except Exception as error:
            self._error = str(error)
            raise EngineError(self._error) from error
        finally:
            if this == self._loads:
                self._settled.set()

    async def rank(self, query: Query) -> Ranking:
        """As :class:`~fillmask_ls.engine.query.Engine` says."""
        while self._model is None:
            await self._settled.wait()
            if self._model is None and self._settled.is_set():  # else another load has begun since
                raise EngineError(self._error)
        try:
            return await asyncio.wrap_future(self._submit(lambda: self._ranking(query)))
        except Exception as error:
            # Only its kind: the message could quote the document.
            logger.error("a forward pass failed with %s", type(error).__name__)
            raise EngineError(f"the model failed with {type(error).__name__}") from error

    def _ranking(self, query: Query) -> Ranking:
        from fillmask_ls.mlm.prediction import ranked

        assert self._model is not None  # noqa: S101 - rank() looked
        prefixes = {query.focus: query.prefix} if query.prefix else None
        predictions = ranked(
            self._model, query.text, query.masks, self._distributions(query), top_k=query.top_k, prefixes=prefixes
        )
        return Ranking(self._model.name, tuple(predictions))

    def _distributions(self, query: Query) -> list[Tensor]:
        from fillmask_ls.mlm.prediction import distributions

        assert self._model is not None  # noqa: S101 - rank() looked
        key = (query.text, query.masks)
        found = self._remembered.pop(key, None)
        if found is None:
            found = distributions(self._model, query.text, query.masks)
        self._remembered[key] = found
        while len(self._remembered) > 1 and sum(map(len, self._remembered.values())) > _MASKS_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        return found

    def _submit(self, call: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        self._jobs.put((call, future))
        return future

    def _work(self) -> None:
        while True:
            call, future = self._jobs.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(call())
            except BaseException as error:  # whoever waits for the future decides
                future.set_exception(error)


def _import() -> None:
    from fillmask_ls.mlm import model, prediction  # noqa: F401


def _load(model: str, device: str, dtype: str) -> MaskedLM:
    import torch

    from fillmask_ls.mlm.model import load

    return load(model, device=device, dtype=None if dtype == "auto" else getattr(torch, dtype))
