"""The language server: life cycle, settings, progress, and the only place that registers features."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from fillmask_ls import __version__
from fillmask_ls.documents import context, masks
from fillmask_ls.documents.context import Passage
from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.text import Position, Span, TextDocument
from fillmask_ls.engine.local import LocalEngine
from fillmask_ls.engine.query import EngineError, OvertakenError, Query, Ranking
from fillmask_ls.settings import SECTION, Settings, merged

from . import parent
from .features import code_lens, completion, highlights, hover, semantic_tokens, symbols
from .features.places import span_range
from .protocol import Protocol, strict_converter

logger = logging.getLogger(__name__)

T = TypeVar("T")

_SECONDS_FOR_THE_CLIENT = 2
"""How long a client may take to say its settings, or yes to a progress bar, before we go on without."""

_DEFAULT_MODEL: tuple[str, str, str, str] = ("auto", "auto", "auto", "torch")
"""What is loaded where what the user chose can't be."""

_PAUSE = 0.2
"""Seconds without a request before anything is looked for that nobody asked for: longer than between two letters."""

_LIKELY = 0.001
"""Words of one piece, with the letters that were typed, that are together as probable are worth showing at once."""


class FillmaskServer(LanguageServer):
    """One server for one client.

    Attributes:
        engine: answers queries.
        settings: those in force.
    """

    protocol: Protocol

    def __init__(self, *, watch_parent: bool = False) -> None:
        """Set up a server without a client.

        Args:
            watch_parent: whether this process ends with the one that ``initialize`` names: one on this machine.
        """
        super().__init__(
            "fillmask-ls",
            __version__,
            protocol_cls=Protocol,
            converter_factory=strict_converter,
            notebook_document_sync=types.NotebookDocumentSyncOptions([types.NotebookDocumentFilterWithNotebook("*")]),
        )
        self.engine = LocalEngine()
        self.settings = Settings()
        self._initial_settings = Settings()
        # Markup takes milliseconds to read, in which the event loop goes on.
        self._reader = ThreadPoolExecutor(1, "fillmask-reader")
        self._watch_parent = watch_parent
        self._configuring: asyncio.Task[Any] | None = None
        self._asked_for: tuple[str, str, str, str] | None = None
        self._failed = False
        self._problems: list[str] = []
        self._reported: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: set[_Waiting] = set()
        self._foreseen: asyncio.Task[None] | None = None
        self.protocol.documents.changed = self._overtake
        _register(self)

    def report_server_error(self, error: Exception, source: Any) -> None:  # noqa: ARG002
        """Log by kind only: pygls would show a pop-up, and a message may quote the document."""
        logger.error("%s", type(error).__name__)

    def initialize(self, params: types.InitializeParams) -> None:
        """Take what the client says of itself; everything slow begins after the response has left."""
        if self._watch_parent and params.process_id is not None:
            parent.watch(params.process_id)
        self.protocol.documents.encoding = Encoding(self.workspace.position_encoding)
        self._initial_settings, self._problems = merged(Settings(), params.initialization_options)
        self.settings = self._initial_settings
        asyncio.get_running_loop().call_soon(self.engine.warm_up)

    async def initialized(self) -> None:
        """Learn the settings, then load the model."""
        workspace = self.client_capabilities.workspace
        if workspace and workspace.did_change_configuration and workspace.did_change_configuration.dynamic_registration:
            self._in_background(self._register_for_configuration())
        await self.configure(None)

    async def configure(self, values: object) -> None:
        """Lay the client's settings over the initial ones, report what is wrong with them, load what they name.

        Args:
            values: what the client pushed; a client that can be asked is asked instead.
        """
        self._configuring = asyncio.current_task()
        workspace = self.client_capabilities.workspace
        nothing_said, before = values is None, self.settings
        if workspace and workspace.configuration:
            try:
                values = await self._pulled_configuration()
                nothing_said = False
            except (JsonRpcException, asyncio.TimeoutError):
                logger.warning("the client didn't say its settings")
        self.settings, problems = merged(self.settings if nothing_said else self._initial_settings, values)
        if self._failed:  # what could not be loaded may have been mended
            self._failed, self._asked_for = False, None
        for problem in [*self._problems, *problems]:
            self._tell(problem, types.MessageType.Warning)
        self._load_if_new()
        if self.settings != before and (self.settings.code_lens or before.code_lens):
            self._refresh_code_lenses()

    async def rank(
        self, document: TextDocument, target: masks.Target, top_k: Callable[[Settings], int], *, hurry: bool = False
    ) -> tuple[Ranking, int]:
        """The predictions for the passage around ``target``, and its number among the passage's masks.

        The passage is taken at once, as the document stands; the settings are those in force when they are known.

        Args:
            hurry: whether to answer without words of several pieces, if they are not known yet and others are likely,
                and look for them afterwards: they will be asked for, should the user type on.

        Raises:
            JsonRpcException: there is no model, or it failed; or the mask was moved or changed meanwhile.
        """
        if self._foreseen is not None:
            self._foreseen.cancel()
        return await self.unless_changed(
            document, self._rank(document, target, top_k, hurry=hurry), _mask_stands(document, target)
        )

    async def unless_changed(
        self,
        document: TextDocument,
        work: Coroutine[Any, Any, T],
        stands: Callable[[TextDocument | None], bool] | None = None,
    ) -> T:
        """The result of ``work``, which is about ``document``, unless the document is changed meanwhile.

        Args:
            stands: whether the document, None if it was closed, is still what the work is about; by default, whether it
                is at the same version.

        Raises:
            JsonRpcException: it was changed; or there is no model, or it failed.
        """
        waiting = _Waiting(document.uri, stands or _version_stands(document), asyncio.ensure_future(work))
        self._waiting.add(waiting)
        try:
            result: T = await waiting.task
        except EngineError as error:
            raise JsonRpcException(str(error), code=types.LSPErrorCodes.RequestFailed) from error
        except asyncio.CancelledError:
            if not waiting.overtaken:
                raise
        finally:
            self._waiting.discard(waiting)
        if waiting.overtaken:  # before it was done, or since
            raise _changed()
        return result

    async def _rank(
        self, document: TextDocument, target: masks.Target, top_k: Callable[[Settings], int], *, hurry: bool
    ) -> tuple[Ranking, int]:
        passage = await self.passage(document, target)
        query = Query(
            passage.text,
            passage.masks,
            top_k(self.settings),
            focus=passage.focus,
            prefix=target.prefix,
            max_pieces=self.settings.max_pieces,
        )
        ranking = await self.engine.rank(replace(query, max_pieces=1) if hurry else query)
        likelihood = sum(word.probability for word in ranking.masks[query.focus].words)
        if hurry and query.prefix and likelihood < _LIKELY:
            ranking = await self.engine.rank(query)
        if hurry and not query.prefix and query.max_pieces > 1:
            self._foreseen = self._in_background(self._foresee(query))
        return ranking, query.focus

    async def passage(self, document: TextDocument, target: masks.Target) -> Passage:
        """The prose around a mask of a document as it stands now; returns when the settings are known."""
        return await self._read(document, lambda now, **how: context.passage(now, target, **how))

    async def passages(self, document: TextDocument, span: Span | None = None) -> list[tuple[Passage, list[Span]]]:
        """The passages of all masks in a span of a document as it stands now, as
        :func:`~fillmask_ls.documents.context.passages` yields them."""
        found = []
        each = self._reading(document, context.passages)(span)
        # One at a time: a completion need not wait until all are read.
        while (one := await self.off_loop(next, each, None)) is not None:
            found.append(one)
        await self.know_settings()
        return found

    async def outline(self, document: TextDocument, kind: types.SymbolKind) -> list[types.DocumentSymbol]:
        """The masks of a document with the words that the model expects at the first of them, if there is a model."""
        now = document.snapshot()
        found = await self.passages(document, await self.off_loop(symbols.with_words, now))
        rankings = await asyncio.gather(*(self._glance(passage) for passage, _ in found))
        details = {
            place: symbols.detail(ranking, passage.focus + number)
            for (passage, places), ranking in zip(found, rankings, strict=True)
            if ranking is not None
            for number, place in enumerate(places)
        }
        return await self.off_loop(symbols.symbols, now, details, kind)

    async def hidden_loss(self, document: TextDocument, span: Span) -> float:
        """What the model makes of the words that the masks in a span hide: the mean cross-entropy in nats.

        Raises:
            JsonRpcException: what one of them hides is not known.
            EngineError: there is no model, or it failed.
        """
        words = dict(document.hidden.words(0, len(document)))
        masks = document.masks(*span)
        if not masks or not words.keys() >= set(masks):
            raise _changed()
        found = await self.passages(document, span)
        questions = [code_lens.question(passage, places, words) for passage, places in found]
        losses = await asyncio.gather(*(self.engine.loss(question) for question in questions))
        return code_lens.mean_loss(questions, losses)

    async def off_loop(self, work: Callable[..., T], *arguments: Any) -> T:
        """The result of ``work``, in turn with what else is read of documents."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, work, *arguments)

    async def know_settings(self) -> None:
        """Return when the client has said its settings, or had its time to."""
        if self._configuring is not None:
            await asyncio.wait({self._configuring})
        self._load_if_new()  # a client may ask before it says that it is initialized

    async def _glance(self, passage: Passage) -> Ranking | None:
        """The best words of one piece at a passage's masks; None without a model."""
        query = Query(passage.text, passage.masks, symbols.TOP_K, focus=passage.focus, max_pieces=1, decorates=True)
        try:
            return await self.engine.rank(query)
        except EngineError:
            return None

    async def _read(self, document: TextDocument, reading: Callable[..., T]) -> T:
        """What ``reading`` makes of a document and its neighbours as they stand now, off the event loop."""
        result = await self.off_loop(self._reading(document, reading))
        await self.know_settings()
        return result

    def _reading(self, document: TextDocument, reading: Callable[..., T]) -> Callable[..., T]:
        """``reading`` of a document and its neighbours as they stand now."""
        before, after = self.protocol.documents.prose_around(document.uri)
        return partial(
            reading,
            document.snapshot(),
            tokens=self.settings.context_tokens,
            strip_markup=self.settings.prose == "auto",
            before=[other.snapshot() for other in before],
            after=[other.snapshot() for other in after],
        )

    async def _foresee(self, query: Query) -> None:
        await asyncio.sleep(_PAUSE)
        with suppress(EngineError):
            await self.engine.rank(replace(query, decorates=True))

    def _overtake(self, uri: str) -> None:
        """Answer at once whoever waits for a mask that an edit moved or changed: the answer would go astray."""
        for waiting in self._waiting:
            if waiting.uri == uri and not waiting.stands(self.protocol.documents.get(uri)):
                waiting.overtaken = True
                waiting.task.cancel()

    def _load_if_new(self) -> None:
        chosen = self.settings
        wanted = (chosen.model, chosen.device, chosen.dtype, chosen.runtime)
        if wanted != self._asked_for:
            self._asked_for = wanted
            self._in_background(self._load(*wanted))

    async def _load(self, model: str, device: str, dtype: str, runtime: str) -> None:
        outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._in_background(self._show_progress(model, outcome))
        try:
            name = await self.engine.load(model, device, dtype, runtime)
            outcome.set_result(f"{name} is ready")
            if self.settings.code_lens:
                self._refresh_code_lenses()
        except OvertakenError:
            outcome.set_result("another model was chosen")
        except EngineError as error:
            outcome.set_result("failed")
            self._failed = True
            if self.engine.model_name is not None:
                self._tell(f"{error} {self.engine.model_name} goes on.", types.MessageType.Error)
            elif (model, device, dtype, runtime) == self._asked_for != _DEFAULT_MODEL:
                self._tell(f"{error} The default model is taken instead.", types.MessageType.Error)
                await self._load(*_DEFAULT_MODEL)
            else:
                self._tell(str(error), types.MessageType.Error)

    def _refresh_code_lenses(self) -> None:
        workspace = self.client_capabilities.workspace
        if workspace and workspace.code_lens and workspace.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None)

    async def _show_progress(self, model: str, outcome: asyncio.Future[str]) -> None:
        """Show a progress bar until there is an outcome, to a client that can."""
        window = self.client_capabilities.window
        if not (window and window.work_done_progress):
            return
        progress, token = self.work_done_progress, f"fillmask-load-{id(outcome)}"
        try:
            await asyncio.wait_for(progress.create_async(token), _SECONDS_FOR_THE_CLIENT)
        except (JsonRpcException, asyncio.TimeoutError):
            return
        progress.begin(token, types.WorkDoneProgressBegin(title="Loading the language model", message=model))
        progress.end(token, types.WorkDoneProgressEnd(message=await outcome))
        progress.tokens.pop(token, None)

    async def _register_for_configuration(self) -> None:
        registration = types.Registration(
            id="fillmask-configuration",
            method=types.WORKSPACE_DID_CHANGE_CONFIGURATION,
            register_options=types.DidChangeConfigurationRegistrationOptions(section=SECTION),
        )
        try:
            await self.client_register_capability_async(types.RegistrationParams([registration]))
        except JsonRpcException:
            logger.warning("the client took no registration for its settings")

    async def _pulled_configuration(self) -> object:
        params = types.ConfigurationParams([types.ConfigurationItem(section=SECTION)])
        answer = await asyncio.wait_for(self.workspace_configuration_async(params), _SECONDS_FOR_THE_CLIENT)
        return answer[0] if answer else None

    def _tell(self, message: str, kind: types.MessageType) -> None:
        """Show ``message`` to the user, once in the server's life."""
        if message not in self._reported:
            self._reported.add(message)
            name = "" if message.startswith(f"{SECTION}.") else "fillmask: "
            self.window_show_message(types.ShowMessageParams(type=kind, message=name + message))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)  # the loop itself keeps no strong reference
        task.add_done_callback(self._tasks.discard)
        return task


@dataclass(eq=False)
class _Waiting:
    """A request about a document, and what must hold of the document for its answer to be right."""

    uri: str
    stands: Callable[[TextDocument | None], bool]
    task: asyncio.Future[Any]
    overtaken: bool = False


def _mask_stands(document: TextDocument, target: masks.Target) -> Callable[[TextDocument | None], bool]:
    """Whether a mask is still where it is now."""
    position, mask = document.position(target.start), document.slice(target.start, target.end)
    return lambda now: (
        now is not None and now.slice(target.start, target.end) == mask and now.position(target.start) == position
    )


def _changed() -> JsonRpcException:
    return JsonRpcException("the document was changed", code=types.LSPErrorCodes.ContentModified)


def _version_stands(document: TextDocument) -> Callable[[TextDocument | None], bool]:
    version = document.version
    return lambda now: now is document and now.version == version


def _register(server: FillmaskServer) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.initialize(params)

    @server.feature(types.INITIALIZED)
    async def initialized(_params: types.InitializedParams) -> None:
        await server.initialized()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def did_change_configuration(params: types.DidChangeConfigurationParams) -> None:
        await server.configure(params.settings)

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=["[", "]"]))
    async def complete(params: types.CompletionParams) -> types.CompletionList | None:
        place = _place(server, params)
        if place is None:
            return None
        document, index = place
        target = masks.behind(document, index)
        if target is None:
            opened = masks.opened(document, index)
            if opened is None:
                return None
            typed_bracket = params.context is not None and params.context.trigger_character == "["
            before = document.slice(opened[0] - 1, opened[0])
            if typed_bracket and not completion.offers_unasked(document.language_id, before):
                return None
            return completion.mask(span_range(document, opened))
        # Over the whole mask, and behind it up to the cursor.
        replaced = span_range(document, (target.start, target.typed_end))
        ranking, focus = await server.rank(document, target, lambda settings: settings.completion_top_k, hurry=True)
        return completion.words(ranking, focus, replaced, label_details=_shows_label_details(server))

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def show(params: types.HoverParams) -> types.Hover | None:
        place = _place(server, params)
        if place is None:
            return None
        document, index = place
        target = masks.under(document, index)
        if target is None:
            return None
        at = span_range(document, (target.start, target.end))
        ranking, focus = await server.rank(document, target, lambda settings: settings.hover_top_k)
        return hover.hover(ranking, focus, at, markdown=_shows_markdown(server))

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    async def highlight(params: types.DocumentHighlightParams) -> list[types.DocumentHighlight] | None:
        place = _place(server, params)
        target = place and masks.under(*place)
        if place is None or target is None:
            return None
        document, now = place[0], place[0].snapshot()
        passage = await server.unless_changed(document, server.passage(document, target))
        return highlights.highlights(now, passage)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def outline(
        params: types.DocumentSymbolParams,
    ) -> list[types.DocumentSymbol] | list[types.SymbolInformation]:
        document = server.protocol.documents.get(params.text_document.uri)
        if document is None or not document.has_masks:
            return []
        text_document = server.client_capabilities.text_document
        client = text_document.document_symbol if text_document else None
        found = await server.unless_changed(document, server.outline(document, symbols.kind(client)))
        if client and client.hierarchical_document_symbol_support:
            return found
        return symbols.flat(found, document.uri)

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, semantic_tokens.LEGEND)
    async def colour(params: types.SemanticTokensParams) -> types.SemanticTokens | None:
        document = server.protocol.documents.get(params.text_document.uri)
        if document is None:
            return None
        return await server.unless_changed(document, server.off_loop(semantic_tokens.tokens, document.snapshot()))

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE, semantic_tokens.LEGEND)
    async def colour_range(params: types.SemanticTokensRangeParams) -> types.SemanticTokens | None:
        document = server.protocol.documents.get(params.text_document.uri)
        if document is None:
            return None
        span = _span(document, params.range)
        return await server.unless_changed(document, server.off_loop(semantic_tokens.tokens, document.snapshot(), span))

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    async def lenses(params: types.CodeLensParams) -> list[types.CodeLens]:
        document = server.protocol.documents.get(params.text_document.uri)
        if document is None or not document.has_masks:
            return []

        async def found() -> list[types.CodeLens]:
            await server.know_settings()
            return await server.off_loop(code_lens.lenses, document.snapshot()) if server.settings.code_lens else []

        return await server.unless_changed(document, found())

    @server.feature(types.CODE_LENS_RESOLVE)
    async def resolve_lens(lens: types.CodeLens) -> types.CodeLens:
        if lens.command is not None:
            return lens
        try:
            about = code_lens.Masked.read(lens.data)
        except ValueError as error:
            raise JsonRpcInvalidParams(str(error)) from error
        document = server.protocol.documents.get(about.uri)
        if document is None or document.version != about.version:
            raise _changed()
        span = document.index(about.start), document.index(about.end)
        return code_lens.resolved(
            lens, about, await server.unless_changed(document, server.hidden_loss(document, span))
        )


def _place(
    server: FillmaskServer, params: types.CompletionParams | types.HoverParams | types.DocumentHighlightParams
) -> tuple[TextDocument, int] | None:
    """The document and the index in it that a request is about; None for a document that is not open."""
    document = server.protocol.documents.get(params.text_document.uri)
    if document is None:
        return None
    return document, document.index(Position(params.position.line, params.position.character))


def _span(document: TextDocument, place: types.Range) -> Span:
    start, end = (document.index(Position(at.line, at.character)) for at in (place.start, place.end))
    return start, end


def _shows_label_details(server: FillmaskServer) -> bool:
    text_document = server.client_capabilities.text_document
    item = text_document and text_document.completion and text_document.completion.completion_item
    return bool(item and item.label_details_support)


def _shows_markdown(server: FillmaskServer) -> bool:
    text_document = server.client_capabilities.text_document
    formats = text_document and text_document.hover and text_document.hover.content_format
    return types.MarkupKind.Markdown in (formats or ())
