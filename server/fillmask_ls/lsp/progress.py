"""Progress bars, in a client that shows them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from .client import SECONDS_TO_ANSWER, Client

_numbers = itertools.count()


class ProgressBar:
    """One progress bar; in a client without progress bars its methods do nothing.

    Attributes:
        outcome: the message shown at its end.
        is_cancelled: whether the user pressed its button.
    """

    def __init__(self, client: Client, token: str) -> None:
        self.outcome = "done"
        self.is_cancelled = False
        self._progress = client.server.work_done_progress
        self._token = token
        self._percentage = -1

    def report(self, done: int, total: int, message: str = "") -> None:
        """Report how much is done; at most one notification a percent."""
        percentage = min(100, 100 * done // total) if total else 0
        if percentage > self._percentage and self._token in self._progress.tokens:
            self._percentage = percentage
            self._progress.report(self._token, types.WorkDoneProgressReport(message=message, percentage=percentage))


@asynccontextmanager
async def progress_bar(
    client: Client,
    title: str,
    message: str = "",
    cancel: Callable[[], object] | None = None,
    *,
    has_percentage: bool = True,
) -> AsyncIterator[ProgressBar]:
    """Show a progress bar while the body runs.

    Args:
        cancel: called when the user presses the bar's button; None for a bar without a button.
        has_percentage: whether :meth:`ProgressBar.report` will be called.
    """
    token = f"fillmask-{next(_numbers)}"
    bar, progress = ProgressBar(client, token), client.server.work_done_progress
    if await _create(client, token):
        progress.begin(
            token,
            types.WorkDoneProgressBegin(
                title, cancellable=cancel is not None, message=message, percentage=0 if has_percentage else None
            ),
        )

        def on_button(button: Future[None]) -> None:
            if button.cancelled() and cancel is not None:
                bar.is_cancelled = True
                cancel()

        progress.tokens[token].add_done_callback(on_button)
    try:
        yield bar
    finally:
        if token in progress.tokens:
            progress.end(token, types.WorkDoneProgressEnd(message=bar.outcome))
            progress.tokens.pop(token, None)  # pygls never frees a token


async def _create(client: Client, token: str) -> bool:
    """Return whether the client created a progress bar."""
    if not client.capabilities.work_done_progress:
        return False
    try:
        await asyncio.wait_for(client.server.work_done_progress.create_async(token), SECONDS_TO_ANSWER)
    except (JsonRpcException, asyncio.TimeoutError):
        return False
    return True
