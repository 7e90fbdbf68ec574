"""Stale requests: when an edit changes what they are about, they are cancelled and answered with ``ContentModified``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls.documents.masks import Focus
from fillmask_ls.documents.text import TextDocument

IsCurrent = Callable[[TextDocument | None], bool]
"""Whether an answer still fits the live document after a change; None stands for a closed one."""


class StaleError(JsonRpcException):
    """The document was changed, so an answer would no longer fit it."""

    CODE = types.LSPErrorCodes.ContentModified
    MESSAGE = "the document was changed"


@dataclass(eq=False, slots=True)
class _Request:
    uri: str
    is_current: IsCurrent
    task: asyncio.Task[Any]
    is_stale: bool = False


class Staleness:
    """The requests in flight, each with the condition under which its answer is still right."""

    def __init__(self) -> None:
        self._requests: set[_Request] = set()

    @asynccontextmanager
    async def cancel_if_stale(self, uri: str, is_current: IsCurrent) -> AsyncIterator[None]:
        """Cancel the body of the ``async with`` as soon as an edit makes ``is_current`` false.

        Raises:
            StaleError: the request is stale.
        """
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        request = _Request(uri, is_current, task)
        self._requests.add(request)
        try:
            yield
        except asyncio.CancelledError:
            if not request.is_stale:
                raise
        finally:
            self._requests.discard(request)
        if request.is_stale:
            raise StaleError

    def document_changed(self, uri: str, document: TextDocument | None) -> None:
        """Cancel the requests about ``uri`` whose answers no longer fit ``document``."""
        for request in list(self._requests):
            if request.uri == uri and not request.is_stale and not request.is_current(document):
                request.is_stale = True
                request.task.cancel()


def unchanged(_document: TextDocument | None) -> bool:
    """Return False: the condition of a request that any change of the document makes stale."""
    return False


def mask_unmoved(document: TextDocument, focus: Focus) -> IsCurrent:
    """Return the condition that a mask keeps its position; edits elsewhere do not matter."""
    position, mask = document.position(focus.start), document.slice(focus.start, focus.end)
    return lambda now: (
        now is not None and now.slice(focus.start, focus.end) == mask and now.position(focus.start) == position
    )
