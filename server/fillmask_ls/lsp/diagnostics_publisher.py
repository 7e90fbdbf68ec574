"""Push diagnostics to clients that do not pull them."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from pygls.exceptions import JsonRpcException

from fillmask_ls.documents.text import TextDocument
from fillmask_ls.engine.api import EngineError

from .requests.diagnostic import find_diagnostics, is_enabled
from .session import Session


class DiagnosticsPublisher:
    """Keeps the diagnostics of a client up to date, whether it pulls them or not."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._marked: set[str] = set()

    def document_changed(self, uri: str) -> None:
        """Check a document that was opened, changed or closed, once it is idle."""
        if self._session.client.capabilities.pull_diagnostics:
            return
        if uri in self._tasks:
            self._tasks.pop(uri).cancel()
        document = self._session.documents.get(uri)
        if document is None:
            self._clear(uri)
        else:
            self._tasks[uri] = self._session.start(self._publish(document))

    def refresh(self) -> None:
        """Check all documents again, or ask the client to pull again."""
        if self._session.client.capabilities.pull_diagnostics:
            self._session.start(self._session.client.refresh_diagnostics())
        else:
            for uri in self._session.documents.uris():
                self.document_changed(uri)

    async def _publish(self, document: TextDocument) -> None:
        uri, task = document.uri, asyncio.current_task()
        with suppress(EngineError, JsonRpcException):
            async with self._session.snapshot(document) as snapshot:
                if is_enabled(snapshot.document, snapshot.settings):
                    items = await find_diagnostics(self._session, snapshot)
                    self._session.client.publish_diagnostics(uri, items, snapshot.document.version)
                    self._marked.add(uri)
                else:
                    self._clear(uri)
        if self._tasks.get(uri) is task:
            del self._tasks[uri]

    def _clear(self, uri: str) -> None:
        """Remove the marks of a document."""
        if uri in self._marked:
            self._marked.discard(uri)
            self._session.client.publish_diagnostics(uri, [], None)
