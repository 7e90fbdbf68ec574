"""Progress bars, in a client that shows them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from .configuring import SECONDS_FOR_THE_CLIENT

if TYPE_CHECKING:
    from .server import FillmaskServer


_numbers = itertools.count()


class Bar:
    """One progress bar; where the client shows none, nothing happens.

    Attributes:
        outcome: what is said at its end.
        is_cancelled: whether the user pressed its button.
    """

    def __init__(self, server: FillmaskServer, token: str) -> None:
        self.outcome = "done"
        self.is_cancelled = False
        self._bars = server.work_done_progress
        self._token = token
        self._percent = -1

    def report(self, done: int, of: int, message: str) -> None:
        """Say how much is done; a client hears of it once a percent."""
        percent = min(100, 100 * done // of) if of else 0
        if percent > self._percent and self._token in self._bars.tokens:
            self._percent = percent
            self._bars.report(self._token, types.WorkDoneProgressReport(message=message, percentage=percent))


@asynccontextmanager
async def progress(
    server: FillmaskServer, title: str, message: str, cancel: Callable[[], object] | None = None
) -> AsyncIterator[Bar]:
    """Show a bar while the body runs.

    Args:
        cancel: called when the user presses the bar's button; without it there is none, and no percentage.
    """
    token = f"fillmask-{next(_numbers)}"
    bar, bars = Bar(server, token), server.work_done_progress
    if await _create(server, token):
        percentage = None if cancel is None else 0
        begin = types.WorkDoneProgressBegin(
            title, cancellable=cancel is not None, message=message, percentage=percentage
        )
        bars.begin(token, begin)

        def pressed(button: Future[None]) -> None:
            if button.cancelled() and cancel is not None:
                bar.is_cancelled = True
                cancel()

        bars.tokens[token].add_done_callback(pressed)
    try:
        yield bar
    finally:
        if token in bars.tokens:
            bars.end(token, types.WorkDoneProgressEnd(message=bar.outcome))
            bars.tokens.pop(token, None)  # pygls keeps them for ever


async def _create(server: FillmaskServer, token: str) -> bool:
    """Whether the client shows a progress bar."""
    window = server.client_capabilities.window
    if not (window and window.work_done_progress):
        return False
    try:
        await asyncio.wait_for(server.work_done_progress.create_async(token), SECONDS_FOR_THE_CLIENT)
    except (JsonRpcException, asyncio.TimeoutError):
        return False
    return True
