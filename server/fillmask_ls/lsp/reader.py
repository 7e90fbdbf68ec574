"""The thread that reads prose out of documents, so that the event loop never waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class Reader:
    """One thread: reading markup takes milliseconds, and several threads would only compete for one interpreter."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "fillmask-reader")

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Return ``work(*arguments)``, run on the reader's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *arguments)
