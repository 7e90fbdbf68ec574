"""The language server: its life cycle, and the tables of its requests and commands. Nothing else in lsp/ imports it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from fillmask_ls import __version__
from fillmask_ls.documents import masks
from fillmask_ls.documents.masks import Focus
from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.engine.api import EngineError
from fillmask_ls.engine.local import LocalEngine

from . import capabilities, parent_process
from .client import Client, request_failed
from .commands import dictionary, fill, fill_all, inspect, mask_randomly, models, score, suggest, unmask
from .commands.arguments import Arguments
from .diagnostics_publisher import DiagnosticsPublisher
from .dictionary import workspace_folders
from .message_validation import strict_converter
from .protocol import Protocol
from .ranges import to_index
from .requests import (
    code_action,
    code_lens,
    completion,
    diagnostic,
    document_highlight,
    document_symbol,
    hover,
    inlay_hint,
    inline_completion,
    semantic_tokens,
)
from .session import Session
from .staleness import StaleError, mask_unmoved, unchanged

logger = logging.getLogger(__name__)

_IDLE_SECONDS = 1.0
"""Seconds without a change of a notebook's Markdown cells before the hints of its other cells are asked for again."""


@dataclass(frozen=True, slots=True)
class DocumentRequest:
    """A request about one document.

    Attributes:
        handler: takes the session, a snapshot of the document and the parameters.
        options: announced to the client.
        if_closed: the answer for a document that is not open.
        find_mask: finds the mask that the request is about. Then only an edit that changes or moves this mask makes the
            request stale; by default every edit of the document does.
        stale_error: answers a stale request.
        if_stale: answers a stale request without an error, if there is such an answer.
    """

    handler: Callable[..., Awaitable[Any]]
    options: Any = None
    if_closed: Any = None
    find_mask: Callable[[TextDocument, int], Focus | None] | None = None
    stale_error: Callable[[], JsonRpcException] = StaleError
    if_stale: Any = None


DOCUMENT_REQUESTS: dict[str, DocumentRequest] = {
    types.TEXT_DOCUMENT_CODE_ACTION: DocumentRequest(code_action.code_action, code_action.OPTIONS),
    types.TEXT_DOCUMENT_CODE_LENS: DocumentRequest(
        code_lens.code_lens, types.CodeLensOptions(resolve_provider=True), if_closed=[]
    ),
    types.TEXT_DOCUMENT_COMPLETION: DocumentRequest(
        completion.completion,
        completion.OPTIONS,
        find_mask=masks.mask_before_cursor,
        if_stale=completion.NOTHING_YET,  # Neovim would show an error
    ),
    types.TEXT_DOCUMENT_DIAGNOSTIC: DocumentRequest(
        diagnostic.diagnostic,
        diagnostic.OPTIONS,
        if_closed=types.RelatedFullDocumentDiagnosticReport(items=[]),
        stale_error=diagnostic.PullCancelledError,
    ),
    types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT: DocumentRequest(document_highlight.document_highlight),
    types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: DocumentRequest(document_symbol.document_symbol, if_closed=[]),
    types.TEXT_DOCUMENT_HOVER: DocumentRequest(hover.hover, find_mask=masks.mask_at),
    types.TEXT_DOCUMENT_INLAY_HINT: DocumentRequest(inlay_hint.inlay_hint, if_closed=[]),
    types.TEXT_DOCUMENT_INLINE_COMPLETION: DocumentRequest(
        inline_completion.inline_completion, types.InlineCompletionOptions(), find_mask=masks.mask_before_cursor
    ),
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL: DocumentRequest(semantic_tokens.semantic_tokens, semantic_tokens.LEGEND),
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE: DocumentRequest(semantic_tokens.semantic_tokens, semantic_tokens.LEGEND),
}
"""The table: every request about a document, and its handler."""

RESOLVE_REQUESTS: dict[str, Callable[[Session, Any], Awaitable[Any]]] = {
    types.CODE_ACTION_RESOLVE: code_action.resolve,
    types.CODE_LENS_RESOLVE: code_lens.resolve,
    types.COMPLETION_ITEM_RESOLVE: completion.resolve,
}

COMMANDS: dict[str, Callable[[Session, Arguments], Awaitable[dict[str, Any]]]] = {
    "fillmask.suggest": suggest.suggest,
    "fillmask.fill": fill.fill,
    "fillmask.fillAll": fill_all.fill_all,
    "fillmask.maskRandomly": mask_randomly.mask_randomly,
    "fillmask.unmask": unmask.unmask,
    "fillmask.ignoreWord": dictionary.ignore_word,
    "fillmask.addToDictionary": dictionary.add_to_dictionary,
    "fillmask.turnOffDiagnostics": dictionary.turn_off_diagnostics,
    "fillmask.score": score.score,
    "fillmask.inspect": inspect.inspect,
    "fillmask.downloadModel": models.download_model,
    "fillmask.selectModel": models.select_model,
    "fillmask.status": models.status,
}


class FillmaskServer(LanguageServer):
    """One server for one client.

    Attributes:
        session: the state that the handlers share.
    """

    protocol: Protocol

    def __init__(self, *, local: LocalEngine | None = None, watch_parent: bool = False) -> None:
        """Set up a server without a client.

        Args:
            local: the engine of this process; a new one by default.
            watch_parent: whether this process ends with the one that ``initialize`` names.
        """
        super().__init__(
            "fillmask-ls",
            __version__,
            protocol_cls=Protocol,
            converter_factory=strict_converter,
            notebook_document_sync=types.NotebookDocumentSyncOptions([types.NotebookDocumentFilterWithNotebook("*")]),
        )
        documents = self.protocol.documents
        self.session = Session(Client(self), documents, local or LocalEngine(owns_process=True))
        self._diagnostics = DiagnosticsPublisher(self.session)
        self._watch_parent = watch_parent
        self._refreshing: asyncio.Task[None] | None = None
        documents.on_change = self._document_changed
        documents.on_prose_cell_change = self._refresh_when_idle
        documents.on_loss = self._document_lost
        self.session.models.on_model_change = self._model_changed
        self.session.dictionary.on_change = self._diagnostics.refresh
        self._register()

    def report_server_error(self, error: Exception, source: Any) -> None:  # noqa: ARG002
        """Log an error by type only: pygls would show a pop-up, and a message may quote the document.

        A ``JsonRpcException`` is the response that a handler chose, not an error of the server.
        """
        if not isinstance(error, JsonRpcException):
            logger.error("%s", type(error).__name__)

    def _register(self) -> None:
        for method, request in DOCUMENT_REQUESTS.items():
            self.feature(method, request.options)(self._document_handler(request))
        for method, resolve in RESOLVE_REQUESTS.items():
            self.feature(method)(self._resolve_handler(resolve))
        for name, command in COMMANDS.items():
            self.command(name)(self._command_handler(command))
        # pygls sets attributes on a handler: a `partial` allows that, a bound method does not.
        self.feature(types.INITIALIZE)(partial(self._initialize))
        self.feature(types.INITIALIZED)(partial(self._initialized))
        self.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)(partial(self._did_change_configuration))

    def _document_handler(self, request: DocumentRequest) -> Callable[[Any], Coroutine[Any, Any, Any]]:
        async def handle(params: Any) -> Any:
            document = self.session.documents.get(params.text_document.uri)
            if document is None:
                return request.if_closed
            mask = request.find_mask and request.find_mask(document, to_index(document, params.position))
            is_current = mask_unmoved(document, mask) if mask else unchanged
            with _errors_answered(request.stale_error):
                try:
                    async with self.session.snapshot(document, is_current) as snapshot:
                        return await request.handler(self.session, snapshot, params)
                except StaleError:
                    if request.if_stale is None:
                        raise
                    return request.if_stale

        return handle

    def _resolve_handler(
        self, resolve: Callable[[Session, Any], Awaitable[Any]]
    ) -> Callable[[Any], Coroutine[Any, Any, Any]]:
        async def handle(item: Any) -> Any:
            with _errors_answered():
                return await resolve(self.session, item)

        return handle

    def _command_handler(
        self, command: Callable[[Session, Arguments], Awaitable[dict[str, Any]]]
    ) -> Callable[..., Coroutine[Any, Any, dict[str, Any]]]:
        async def handle(*arguments: Any) -> dict[str, Any]:
            with _errors_answered():
                return await command(self.session, Arguments(self.session.documents, arguments))

        return handle

    def _initialize(self, params: types.InitializeParams) -> None:
        """Store the client's capabilities and settings; slow work starts after the response is sent."""
        if self._watch_parent and params.process_id is not None:
            parent_process.watch(params.process_id)
        session = self.session
        session.documents.encoding = Encoding(self.workspace.position_encoding)
        session.client.capabilities = capabilities.resolve(params.capabilities)
        session.configuration.initialize(params.initialization_options)
        session.dictionary.folders = workspace_folders(params)
        capabilities.drop_unsupported(self.protocol.fm.features, params.capabilities)
        settings = session.configuration.settings
        if not (settings.engine_url or settings.engine_provider):
            asyncio.get_running_loop().call_soon(session.engine.local.warm_up)

    async def _initialized(self, _params: types.InitializedParams) -> None:
        """Pull the settings, then load the model."""
        if self.session.client.capabilities.register_configuration:
            self.session.start(self.session.client.register_for_settings())
        await self._configure(None)

    async def _did_change_configuration(self, params: types.DidChangeConfigurationParams) -> None:
        await self._configure(params.settings)

    async def _configure(self, values: object) -> None:
        """Apply changed settings.

        Args:
            values: the settings that the client pushed; not used if it answers ``workspace/configuration``.
        """
        configuration, manager = self.session.configuration, self.session.models
        before = list(configuration.known_settings())
        pending = configuration.change(values)
        if not await pending.wait_until_deadline():
            logger.warning("the client has not sent its settings yet; going on without them")
            manager.load(configuration.settings)
            await pending.wait()
        manager.retry_failed()
        manager.load(configuration.settings)
        if before != [configuration.settings]:  # the settings of documents may have changed, too
            self.session.client.refresh()
            self._diagnostics.refresh()

    def _document_changed(self, uri: str) -> None:
        self.session.document_changed(uri)
        self._diagnostics.document_changed(uri)

    def _refresh_when_idle(self) -> None:
        """Let the client ask again for hints and lenses, once nothing has called this for a second."""

        async def refresh() -> None:
            await asyncio.sleep(_IDLE_SECONDS)
            self.session.client.refresh()

        if self._refreshing is not None:
            self._refreshing.cancel()
        self._refreshing = self.session.start(refresh())

    def _document_lost(self, uri: str) -> None:
        message = (
            "the editor sent changes out of order or malformed, so the text is no longer known. "
            "Close the document and open it again"
        )
        self.session.client.show_message_once(f"{message}: {uri!r}", types.MessageType.Warning)

    def _model_changed(self) -> None:
        self.session.client.refresh()
        if any(settings.diagnostics for settings in self.session.configuration.known_settings()):
            self._diagnostics.refresh()


@contextmanager
def _errors_answered(stale_error: Callable[[], JsonRpcException] = StaleError) -> Iterator[None]:
    """Turn the engine's errors into responses, and answer a stale request with ``stale_error``."""
    try:
        yield
    except EngineError as error:
        raise request_failed(str(error)) from error
    except StaleError:
        raise stale_error() from None
