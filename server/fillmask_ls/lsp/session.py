"""One client's session: the state that the handlers of all requests share."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from fillmask_ls.background import run_in_background
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.engine.cache import LRUCache
from fillmask_ls.engine.local import LocalEngine
from fillmask_ls.spans import Span

from .client import Client
from .configuration import Configuration
from .dictionary import Dictionary
from .documents import Documents
from .model_manager import ModelManager
from .reader import Reader
from .snapshot import Snapshot
from .staleness import IsCurrent, StaleError, Staleness, unchanged

_MAX_COMPLETION_LISTS = 8
_FINDINGS = 2_000
"""Paragraphs and marked words of which findings are remembered: those of several long documents."""
_TYPING_SECONDS = 1.0
"""Seconds after an edit in which a request for completion is probably the editor's own; Helix waits a quarter of one."""


class Session:
    """The state of one client's session.

    Attributes:
        client: carries messages to the client.
        documents: the documents that the client has open.
        configuration: the current settings.
        models: chooses and loads the model.
        engine: answers questions with that model.
        reader: the thread that reads prose.
        dictionary: the words that are never underlined.
        findings: what the model found in paragraphs that were checked, by digests; see ``requests/diagnostic.py``.
    """

    def __init__(self, client: Client, documents: Documents, local: LocalEngine) -> None:
        self.client = client
        self.documents = documents
        self.reader = Reader()
        self.dictionary = Dictionary()
        self.findings = LRUCache(_FINDINGS, lambda _key, _findings: 1)
        self._tasks: set[asyncio.Task[None]] = set()
        self.configuration = Configuration(client)
        self.models = ModelManager(local, client, self.configuration, documents, self.reader)
        self.engine = self.models.engine
        self._staleness = Staleness()
        self._notified: set[str] = set()
        self._change_times: dict[str, float] = {}
        self._last_completion: tuple[str, int | None, int] | None = None
        self._completion_lists: OrderedDict[str, object] = OrderedDict()
        self._completion_list_count = 0

    @asynccontextmanager
    async def snapshot(self, document: TextDocument, is_current: IsCurrent | None = None) -> AsyncIterator[Snapshot]:
        """Yield a snapshot of ``document`` as it is at this call, and cancel the body once an edit makes it stale.

        Args:
            is_current: whether an answer still fits the live document; by default, until the next edit.

        Raises:
            StaleError: the request is stale.
        """
        frozen = document.snapshot()
        before, after = (
            tuple(neighbor.snapshot() for neighbor in side) for side in self.documents.neighbors(document.uri)
        )
        async with self._staleness.cancel_if_stale(document.uri, is_current or unchanged):
            settings = await self.configuration.settings_for(document.uri)
            self.models.ensure_started(self.configuration.settings)
            yield Snapshot(frozen, settings, self.client.capabilities, self.reader, before, after)

    def claim_notice(self, uri: str) -> bool:
        """Record that the user is told something about a document, and return whether it is the first time."""
        is_first = uri not in self._notified
        self._notified.add(uri)
        return is_first

    def document_at(self, uri: str, version: int) -> TextDocument:
        """Return an open document that still has the version of an earlier answer.

        Raises:
            StaleError: it was changed or closed.
        """
        document = self.documents.get(uri)
        if document is None or document.version != version:
            raise StaleError
        return document

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a task that no request waits for."""
        return run_in_background(self._tasks, work)

    def is_unchanged(self, snapshot: Snapshot, span: Span) -> bool:
        """Return whether the live document still has the text of ``snapshot`` in a span."""
        document = self.documents.get(snapshot.document.uri)
        return document is not None and document.slice(*span) == snapshot.document.slice(*span)

    def document_changed(self, uri: str) -> None:
        """Cancel stale requests; forget the settings of a closed document."""
        document = self.documents.get(uri)
        self._staleness.document_changed(uri, document)
        self._change_times[uri] = asyncio.get_running_loop().time()
        if document is None:
            self.configuration.forget(uri)
            del self._change_times[uri]

    def record_completion_request(self, document: TextDocument, index: int) -> bool:
        """Record a request for completion at an index of a document, and return whether the user, not a typed letter, made it.

        A client that does not mark the difference asks right after each letter; a second request at the same place of
        the same text is the user's.
        """
        request = document.uri, document.version, index
        is_repeated, self._last_completion = request == self._last_completion, request
        if self.configuration.distinguishes_manual_trigger or is_repeated:
            return True
        seconds = asyncio.get_running_loop().time() - self._change_times.get(document.uri, 0.0)
        return seconds > _TYPING_SECONDS

    def remember_list(self, data: object) -> str:
        """Store the data that resolves the items of a completion list, and return its key for :meth:`recall_list`."""
        self._completion_list_count += 1
        key = str(self._completion_list_count)
        self._completion_lists[key] = data
        if len(self._completion_lists) > _MAX_COMPLETION_LISTS:
            self._completion_lists.popitem(last=False)
        return key

    def recall_list(self, key: object) -> object:
        """Return the data stored under a key; None if it was dropped or the key is unknown."""
        return self._completion_lists.get(key) if isinstance(key, str) else None
