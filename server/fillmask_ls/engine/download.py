"""Fetching a model from the hub, on a thread that nothing waits for at the end; and the one offer to do so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from .api import EngineError

BETTER = "google-bert/bert-base-uncased"
"""What is offered where only the embedded model is there; the name under which ``auto`` finds it."""


async def download(model: str, progress: Callable[[int, int], None]) -> None:
    """Fetch a model into the hub's cache; what arrived is kept when it is cancelled or breaks.

    Args:
        progress: called on the event loop with the bytes that are there and those that are known to come.

    Raises:
        EngineError: with the reason in words.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    cancelled = threading.Event()

    def report(there: int, all: int) -> None:  # noqa: A002
        if cancelled.is_set():
            raise _CancelledError
        loop.call_soon_threadsafe(progress, there, all)

    def finish(error: Exception | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(EngineError(str(error)))

    def work() -> None:
        from fillmask_ls.mlm.checkpoint import resolve

        try:
            resolve(model, download=True, progress=report)
        except Exception as error:
            loop.call_soon_threadsafe(finish, error)
        else:
            loop.call_soon_threadsafe(finish, None)

    threading.Thread(target=work, name="fillmask-download", daemon=True).start()
    try:
        await done
    finally:
        cancelled.set()


def may_offer() -> bool:
    """Whether to offer the better model: once for each user, and not offline; from then on False. Touches the disk."""
    from huggingface_hub import cached_assets_path, is_offline_mode

    if is_offline_mode():
        return False
    try:
        offered = cached_assets_path("fillmask-ls") / "offered"
        if offered.exists():
            return False
        offered.touch()
    except OSError:  # where nothing can be remembered, nobody is asked each time
        return False
    return True


class _CancelledError(Exception):
    pass
