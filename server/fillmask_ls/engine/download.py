"""Downloads of models from the Hugging Face hub, and the one offer to download a better one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from .api import EngineError

RECOMMENDED_MODEL = "google-bert/bert-base-uncased"
"""The model that is offered if only the embedded one is present; ``auto`` prefers it."""


async def download(model: str, progress: Callable[[int, int], None]) -> None:
    """Download a model into the Hugging Face cache; partial files are kept for the next attempt.

    Args:
        progress: called on the event loop with the bytes that are present and the total.

    Raises:
        EngineError: the download failed; the message says why.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    cancelled = threading.Event()

    def report(present: int, total: int) -> None:
        if cancelled.is_set():
            raise _CancelledError
        loop.call_soon_threadsafe(progress, present, total)

    def finish(error: BaseException | None) -> None:
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
        except BaseException as error:  # a panic of a native extension is not an Exception
            loop.call_soon_threadsafe(finish, error)
        else:
            loop.call_soon_threadsafe(finish, None)

    threading.Thread(target=work, name="fillmask-download", daemon=True).start()
    try:
        await done
    finally:
        cancelled.set()


def claim_offer() -> bool:
    """Note on disk that the recommended model is offered, and return whether to offer it: once per user, never offline."""
    from huggingface_hub import cached_assets_path, is_offline_mode

    if is_offline_mode():
        return False
    try:
        offered = cached_assets_path("fillmask-ls") / "offered"
        if offered.exists():
            return False
        offered.touch()
    except OSError:  # where the offer cannot be noted, none is made
        return False
    return True


def withdraw_offer() -> None:
    """Let the recommended model be offered again, because its download failed."""
    from huggingface_hub import cached_assets_path

    with suppress(OSError):
        (cached_assets_path("fillmask-ls") / "offered").unlink(missing_ok=True)


class _CancelledError(Exception):
    pass
