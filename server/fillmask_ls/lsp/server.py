"""The language server: life cycle, settings, progress, and the only place that registers features."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from fillmask_ls import __version__
from fillmask_ls.documents import context, masks, words
from fillmask_ls.documents.context import Passage, WordPassage
from fillmask_ls.documents.paragraphs import Paragraph, paragraphs
from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.text import Position, Span, TextDocument
from fillmask_ls.engine.local import LocalEngine
from fillmask_ls.engine.query import EngineError, OvertakenError, Query, Ranking, SurpriseQuery
from fillmask_ls.settings import SECTION, Settings, merged

from . import diagnosing, parent
from .diagnosing import Diagnosing
from .features import completion, hover
from .protocol import Protocol, strict_converter
from .ranges import range_of

if TYPE_CHECKING:
    from fillmask_ls.engine.query import Surprise

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
        diagnosing: marks unlikely words.
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
        self.diagnosing = Diagnosing(self)
        self.protocol.documents.changed = self._document_changed
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
            self.in_background(self._register_for_configuration())
        await self.configure(None)

    async def configure(self, values: object) -> None:
        """Lay the client's settings over the initial ones, report what is wrong with them, load what they name.

        Args:
            values: what the client pushed; a client that can be asked is asked instead.
        """
        self._configuring = asyncio.current_task()
        workspace = self.client_capabilities.workspace
        nothing_said = values is None
        if workspace and workspace.configuration:
            try:
                values = await self._pulled_configuration()
                nothing_said = False
            except (JsonRpcException, asyncio.TimeoutError):
                logger.warning("the client didn't say its settings")
        before = self.settings
        self.settings, problems = merged(before if nothing_said else self._initial_settings, values)
        if self._failed:  # what could not be loaded may have been mended
            self._failed, self._asked_for = False, None
        for problem in [*self._problems, *problems]:
            self._tell(problem, types.MessageType.Warning)
        self._load_if_new()
        self.diagnosing.reconfigured(before)

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
            return result
        except EngineError as error:
            raise JsonRpcException(str(error), code=types.LSPErrorCodes.RequestFailed) from error
        except asyncio.CancelledError:
            if not waiting.overtaken:
                raise
            raise JsonRpcException("the document was changed", code=types.LSPErrorCodes.ContentModified) from None
        finally:
            self._waiting.discard(waiting)

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
            self._foreseen = self.in_background(self._foresee(query))
        return ranking, query.focus

    async def passage(self, document: TextDocument, target: masks.Target) -> Passage:
        """The prose around a mask of a document as it stands now; returns when the settings are known."""
        return await self._read(document, lambda now, **how: context.passage(now, target, **how))

    async def passages(self, document: TextDocument, span: Span | None = None) -> list[tuple[Passage, list[Span]]]:
        """The passages of all masks in a span of a document as it stands now, as
        :func:`~fillmask_ls.documents.context.passages` yields them."""
        return await self._read(document, lambda now, **how: list(context.passages(now, span, **how)))

    async def surprise(self, document: TextDocument, word: Span) -> tuple[WordPassage, Surprise] | None:
        """What the model thinks of a word, with as many others as a hover shows; None where it is no prose, or where
        the settings are against it."""
        if not (await self.settled()).hover_words:
            return None
        passage = await self._read(document, lambda now, **how: context.word_passage(now, word, **how))
        if passage is None:
            return None
        query = SurpriseQuery(passage.text, self.settings.hover_top_k, (passage.span,))
        found = await self.engine.surprise(query)
        return (passage, found[0]) if found else None

    async def paragraphs(self, document: TextDocument) -> list[Paragraph]:
        """As :func:`~fillmask_ls.documents.paragraphs.paragraphs`, of a document as it stands now."""
        strip_markup = self.settings.prose == "auto"
        return await self._read(document, lambda now, **_: paragraphs(now, strip_markup=strip_markup))

    async def _read(self, document: TextDocument, reading: Callable[..., T]) -> T:
        """What ``reading`` makes of a document and its neighbours as they stand now, off the event loop."""
        before, after = self.protocol.documents.prose_around(document.uri)
        call = partial(
            reading,
            document.snapshot(),
            tokens=self.settings.context_tokens,
            strip_markup=self.settings.prose == "auto",
            before=[other.snapshot() for other in before],
            after=[other.snapshot() for other in after],
        )
        result = await asyncio.get_running_loop().run_in_executor(self._reader, call)
        await self.settled()
        return result

    async def settled(self) -> Settings:
        """The settings, when they are known."""
        if self._configuring is not None:
            await asyncio.wait({self._configuring})
        self._load_if_new()  # a client may ask before it says that it is initialized
        return self.settings

    async def _foresee(self, query: Query) -> None:
        await asyncio.sleep(_PAUSE)
        with suppress(EngineError):
            await self.engine.rank(replace(query, decorates=True))

    def _document_changed(self, uri: str) -> None:
        self._overtake(uri)
        self.diagnosing.changed(uri)

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
            self.in_background(self._load(*wanted))

    async def _load(self, model: str, device: str, dtype: str, runtime: str) -> None:
        outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.in_background(self._show_progress(model, outcome))
        try:
            name = await self.engine.load(model, device, dtype, runtime)
            outcome.set_result(f"{name} is ready")
            if self.settings.diagnostics:
                self.diagnosing.refresh()
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

    def in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do work that nobody waits for."""
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
            return completion.mask(range_of(document, opened))
        # Over the whole mask, and behind it up to the cursor.
        replaced = range_of(document, (target.start, target.typed_end))
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
            word = words.under(document, index)
            return await _hover_word(server, document, word) if word else None
        at = range_of(document, (target.start, target.end))
        ranking, focus = await server.rank(document, target, lambda settings: settings.hover_top_k)
        return hover.hover(ranking, focus, at, markdown=_shows_markdown(server))

    @server.feature(types.TEXT_DOCUMENT_DIAGNOSTIC, diagnosing.OPTIONS)
    async def diagnose(params: types.DocumentDiagnosticParams) -> types.DocumentDiagnosticReport:
        return await server.diagnosing.pull(params.text_document.uri, params.previous_result_id)


async def _hover_word(server: FillmaskServer, document: TextDocument, word: Span) -> types.Hover | None:
    found = await server.unless_changed(document, server.surprise(document, word))
    if found is None:
        return None
    passage, surprise = found
    return hover.word(
        surprise,
        str(server.engine.model_name),
        range_of(document, passage.place),
        markdown=_shows_markdown(server),
        pieces=server.settings.hover_pieces,
    )


def _place(
    server: FillmaskServer, params: types.CompletionParams | types.HoverParams
) -> tuple[TextDocument, int] | None:
    """The document and the index in it that a request is about; None for a document that is not open."""
    document = server.protocol.documents.get(params.text_document.uri)
    if document is None:
        return None
    return document, document.index(Position(params.position.line, params.position.character))


def _shows_label_details(server: FillmaskServer) -> bool:
    text_document = server.client_capabilities.text_document
    item = text_document and text_document.completion and text_document.completion.completion_item
    return bool(item and item.label_details_support)


def _shows_markdown(server: FillmaskServer) -> bool:
    text_document = server.client_capabilities.text_document
    formats = text_document and text_document.hover and text_document.hover.content_format
    return types.MarkupKind.Markdown in (formats or ())
