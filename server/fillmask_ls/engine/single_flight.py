"""Single flight: identical requests in flight share one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from .api import EngineError


@dataclass(eq=False)
class _Flight:
    task: asyncio.Task[Any]
    waiting: int = 0


class SingleFlight:
    """Runs identical work once and shares its result; cancels the work when all callers are cancelled."""

    def __init__(self) -> None:
        self._flights: dict[Any, _Flight] = {}
        self._is_closed = False

    async def share(self, key: Any, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Return the result of ``work``, or of the work with the same key that is already running.

        Raises:
            EngineError: :meth:`close` was called before the work was done.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.ensure_future(work()))
            flight.task.add_done_callback(lambda _task: self._remove(key, flight))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            if self._is_closed and flight.task.cancelled():
                raise EngineError("another engine was chosen") from None
            raise
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                self._remove(key, flight)
                flight.task.cancel()

    def close(self) -> None:
        """Cancel all work."""
        self._is_closed = True
        for flight in list(self._flights.values()):
            flight.task.cancel()

    def _remove(self, key: Any, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if flight.task.done() and not flight.task.cancelled():
            flight.task.exception()  # retrieve it: asyncio logs an error that nobody retrieved
