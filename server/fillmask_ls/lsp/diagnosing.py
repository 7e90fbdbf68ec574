"""When diagnostics are looked for, and how they reach the client: pulled by it, or pushed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls.documents.text import TextDocument
from fillmask_ls.engine.api import EngineError, Priority, SurprisalQuestion

from .features import diagnostics

if TYPE_CHECKING:
    from .server import FillmaskServer

logger = logging.getLogger(__name__)

_QUIET = 1.0
"""Seconds without a change before a document is looked at: nobody wants to hear of words that he is typing."""

OPTIONS = types.DiagnosticOptions(
    inter_file_dependencies=False, workspace_diagnostics=False, identifier=diagnostics.SOURCE
)


class Diagnosing:
    """The diagnostics of one client's documents.

    What an earlier look found in a paragraph is remembered by the engine: a change costs only the paragraph it is in.
    """

    def __init__(self, server: FillmaskServer) -> None:
        self._server = server
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._shown: set[str] = set()

    async def pull(
        self, uri: str, previous: str | None
    ) -> types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport:
        """The diagnostics of a document, or that they are the ``previous`` ones.

        Raises:
            JsonRpcException: the document was changed meanwhile, so that the client asks anew by itself; or there is no
                model, or it failed.
        """
        document = self._server.protocol.documents.get(uri)
        if document is None or not diagnostics.is_wanted(document, await self._server.settled(document)):
            return diagnostics.report([], previous)
        try:
            items = await self._server.unless_changed(document, self._found(document))
        except JsonRpcException as error:
            if error.code != types.LSPErrorCodes.ContentModified:
                raise
            # With ContentModified, an editor would take all marks away until the next answer.
            raise JsonRpcException(
                error.message, code=types.LSPErrorCodes.ServerCancelled, data={"retriggerRequest": False}
            ) from None
        return diagnostics.report(items, previous)

    def changed(self, uri: str) -> None:
        """Look anew at a document that was opened, changed or closed, when it has been quiet for a while."""
        if self._is_pulled:
            return
        if uri in self._looking:
            self._looking.pop(uri).cancel()
        document = self._server.protocol.documents.get(uri)
        if document is not None:
            self._looking[uri] = self._server.in_background(self._push(document))
        else:
            self._clear(uri)

    def refresh(self) -> None:
        """Look anew at all documents."""
        if not self._is_pulled:
            for uri in self._server.protocol.documents.uris():
                self.changed(uri)
            return
        workspace = self._server.client_capabilities.workspace
        if workspace and workspace.diagnostics and workspace.diagnostics.refresh_support:
            self._server.in_background(self._ask_for_a_pull())

    @property
    def _is_pulled(self) -> bool:
        text_document = self._server.client_capabilities.text_document
        return text_document is not None and text_document.diagnostic is not None

    async def _ask_for_a_pull(self) -> None:
        try:
            await self._server.workspace_diagnostic_refresh_async(None)
        except JsonRpcException:
            logger.warning("the client didn't take a refresh of its diagnostics")

    async def _push(self, document: TextDocument) -> None:
        if diagnostics.is_wanted(document, await self._server.settled(document)):
            with suppress(EngineError):
                self._publish(document.uri, await self._found(document), document.version)
                self._shown.add(document.uri)
        else:
            self._clear(document.uri)
        self._looking.pop(document.uri, None)

    def _clear(self, uri: str) -> None:
        """Take the marks away that a document has."""
        if uri in self._shown:
            self._shown.discard(uri)
            self._publish(uri, [], None)

    def _publish(self, uri: str, items: Sequence[types.Diagnostic], version: int | None) -> None:
        self._server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, items, version))

    async def _found(self, document: TextDocument) -> list[types.Diagnostic]:
        """The diagnostics of a document that doesn't change meanwhile, in its order."""
        await asyncio.sleep(_QUIET)
        paragraphs = await self._server.paragraphs(document)
        settings = await self._server.settled(document)
        found: list[types.Diagnostic] = []
        for paragraph in paragraphs:
            spans = diagnostics.candidates(paragraph, settings)
            if spans:
                query = SurprisalQuestion(paragraph.text, diagnostics.WORDS, spans)
                surprises = await self._server.engine.word_surprisals(query, Priority.BACKGROUND)
                found += diagnostics.diagnostics(document, paragraph, surprises, settings)
        return sorted(found, key=lambda item: (item.range.start.line, item.range.start.character))
