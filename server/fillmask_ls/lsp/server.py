"""The language server: its life cycle and settings, and what its features share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from fillmask_ls import MASK, __version__
from fillmask_ls.documents import context, masks
from fillmask_ls.documents.context import Passage, WordPassage
from fillmask_ls.documents.paragraphs import Paragraph, paragraphs
from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.engine.api import EngineError, Predictions, PredictQuestion, SurprisalQuestion
from fillmask_ls.engine.fallback import FallbackEngine
from fillmask_ls.engine.local import LocalEngine
from fillmask_ls.settings import SECTION, Settings
from fillmask_ls.spans import Span

from . import client, parent_process
from .configuring import Configuration
from .diagnosing import Diagnosing
from .edits import changed
from .features.completion import Shown
from .loading import Loading
from .message_validation import strict_converter
from .protocol import Protocol
from .registering import register

if TYPE_CHECKING:
    from fillmask_ls.engine.api import WordSurprisal

logger = logging.getLogger(__name__)

T = TypeVar("T")

_LISTS = 8
"""How many completion lists are remembered, to say more of their items."""


class FillmaskServer(LanguageServer):
    """One server for one client.

    Attributes:
        engine: answers queries.
        diagnosing: marks unlikely words.
        configuration: the settings in force.
        loading: chooses and loads the engine's model.
    """

    protocol: Protocol

    def __init__(self, *, watch_parent: bool = False, local: LocalEngine | None = None) -> None:
        """Set up a server without a client.

        Args:
            watch_parent: whether this process ends with the one that ``initialize`` names: one on this machine.
            local: the engine that answers in this process; by default a new one.
        """
        super().__init__(
            "fillmask-ls",
            __version__,
            protocol_cls=Protocol,
            converter_factory=strict_converter,
            notebook_document_sync=types.NotebookDocumentSyncOptions([types.NotebookDocumentFilterWithNotebook("*")]),
        )
        self.configuration = Configuration(self)
        self.loading = Loading(self)
        self.engine = FallbackEngine(
            local or LocalEngine(), need_local=self.loading.need_local, changed=self.loading.engine_changed
        )
        # Markup takes milliseconds to read, in which the event loop goes on.
        self._reader = ThreadPoolExecutor(1, "fillmask-reader")
        self._watch_parent = watch_parent
        self._reported: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: set[_Waiting] = set()
        self._changed_at = -inf
        self._lists = 0
        self._shown: dict[str, Shown] = {}
        self.diagnosing = Diagnosing(self)
        self.protocol.documents.changed = self._document_changed
        self.protocol.documents.lost = self._document_lost
        register(self)

    @property
    def settings(self) -> Settings:
        """The server's settings in force."""
        return self.configuration.settings

    def report_server_error(self, error: Exception, source: Any) -> None:  # noqa: ARG002
        """Log by kind only: pygls would show a pop-up, and a message may quote the document.

        What a request was refused for is its answer, and no error of the server.
        """
        if not isinstance(error, JsonRpcException):
            logger.error("%s", type(error).__name__)

    def initialize(self, params: types.InitializeParams) -> None:
        """Take what the client says of itself; everything slow begins after the response has left."""
        if self._watch_parent and params.process_id is not None:
            parent_process.watch(params.process_id)
        self.protocol.documents.encoding = Encoding(self.workspace.position_encoding)
        self.configuration.begin(params.initialization_options)
        client.withhold(self.protocol.fm.features, params.capabilities)
        if not (self.settings.engine_url or self.settings.engine_provider):
            asyncio.get_running_loop().call_soon(self.engine.local.warm_up)

    async def initialized(self) -> None:
        """Learn the settings, then load the model."""
        workspace = self.client_capabilities.workspace
        if workspace and workspace.did_change_configuration and workspace.did_change_configuration.dynamic_registration:
            self.in_background(self._register_for_configuration())
        await self.configure(None)

    async def configure(self, values: object) -> None:
        """Take the client's settings, and do what they ask for.

        Args:
            values: what the client pushed; a client that can be asked is asked instead.
        """
        before = list(self.configuration.known())
        change = self.configuration.change(values)
        if not await change.in_time():
            logger.warning("the client takes its time to say its settings")
            self.loading.load(self.settings)
            await change.at_last()
        self.loading.try_again()
        self.loading.load(self.settings)
        if before != [self.settings]:  # where documents have their own, nobody knows whether these were changed
            self.refresh()
            self.diagnosing.refresh()

    def rank(
        self, document: TextDocument, target: masks.Target, top_k: Callable[[Settings], int], *, early: bool = False
    ) -> Coroutine[Any, Any, tuple[Predictions, Passage]]:
        """The predictions for the passage around ``target``, and the passage.

        The passage is taken at once, as the document stands; the settings are those in force when they are known.

        Args:
            early: whether to answer as :meth:`~fillmask_ls.engine.api.Engine.predict_early`.

        Raises:
            JsonRpcException: there is no model, or it failed; or the mask was moved or changed meanwhile.
        """
        return self.unless_changed(
            document, self._rank(document, target, top_k, early=early), _mask_stands(document, target)
        )

    def unless_changed(
        self,
        document: TextDocument,
        work: Coroutine[Any, Any, T],
        stands: Callable[[TextDocument | None], bool] | None = None,
    ) -> Coroutine[Any, Any, T]:
        """The result of ``work``, which is about ``document``, unless the document is changed from this call on.

        Args:
            stands: whether the document, None if it was closed, is still what the work is about; by default, whether it
                is at the same version.

        Raises:
            JsonRpcException: it was changed; or there is no model, or it failed.
        """
        waiting = _Waiting(document.uri, stands or _version_stands(document), asyncio.ensure_future(work))
        self._waiting.add(waiting)
        return self._outcome(waiting)

    async def _outcome(self, waiting: _Waiting) -> Any:
        try:
            result = await waiting.task
        except EngineError as error:
            raise JsonRpcException(str(error), code=types.LSPErrorCodes.RequestFailed) from error
        except asyncio.CancelledError:
            if not waiting.overtaken:
                raise
        finally:
            self._waiting.discard(waiting)
        if waiting.overtaken:  # before it was done, or since
            raise changed()
        return result

    async def _rank(
        self, document: TextDocument, target: masks.Target, top_k: Callable[[Settings], int], *, early: bool
    ) -> tuple[Predictions, Passage]:
        passage = await self.passage(document, target)
        settings = await self.settled(document)
        query = PredictQuestion(
            passage.text,
            passage.masks,
            top_k(settings),
            focus=passage.focus,
            prefix=target.prefix,
            max_subwords=settings.max_subwords,
        )
        ranking = await (self.engine.predict_early(query) if early else self.engine.predict(query))
        return ranking, passage

    async def passage(self, document: TextDocument, target: masks.Target) -> Passage:
        """The prose around a mask of a document as it stands now; returns when the settings are known."""
        return await self._read(document, lambda now, **how: context.passage(now, target, **how))

    async def passage_with_mask(self, document: TextDocument, word: Span) -> Passage:
        """The prose around a word, with a mask in its place."""
        hidden = document.snapshot()
        start, end = map(document.position, word)
        hidden.replace(start, end, MASK)
        return await self.passage(hidden, masks.Target(word[0], word[0] + len(MASK)))

    async def passages(self, document: TextDocument, span: Span | None = None) -> list[tuple[Passage, list[Span]]]:
        """The passages of all masks in a span of a document as it stands now, as
        :func:`~fillmask_ls.documents.context.passages` yields them."""
        found = []
        each = (await self._reading(document, context.passages))(span)
        # One at a time: a completion need not wait until all are read.
        while (one := await self.off_loop(next, each, None)) is not None:
            found.append(one)
        return found

    async def off_loop(self, work: Callable[..., T], *arguments: Any) -> T:
        """The result of ``work``, in turn with what else is read of documents."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, work, *arguments)

    async def settled(self, document: TextDocument | None = None) -> Settings:
        """The server's settings, or a document's, when the client has said them, or had its time to."""
        settings = await self.configuration.settled(None if document is None else document.uri)
        self.loading.load(self.settings)  # a client may ask before it says that it is initialized
        return settings

    async def surprise(self, document: TextDocument, word: Span) -> tuple[WordPassage, WordSurprisal] | None:
        """What the model thinks of a word, with as many others as a hover shows; None where it is no prose, or where
        the settings are against it."""
        settings = await self.settled(document)
        if not settings.hover_words:
            return None
        passage = await self._read(document, lambda now, **how: context.word_passage(now, word, **how))
        if passage is None:
            return None
        query = SurprisalQuestion(passage.text, settings.hover_top_k, (passage.span,))
        found = await self.engine.word_surprisals(query)
        return (passage, found[0]) if found else None

    async def paragraphs(self, document: TextDocument) -> list[Paragraph]:
        """As :func:`~fillmask_ls.documents.paragraphs.paragraphs`, of a document as it stands now."""
        strip_markup = (await self.settled(document)).prose == "auto"
        return await self._read(document, lambda now, **_: paragraphs(now, strip_markup=strip_markup))

    async def _read(self, document: TextDocument, reading: Callable[..., T]) -> T:
        """What ``reading`` makes of a document and its neighbours as they stand now, off the event loop."""
        return await self.off_loop(await self._reading(document, reading))

    async def _reading(self, document: TextDocument, reading: Callable[..., T]) -> Callable[..., T]:
        """``reading`` of a document and its neighbours as they stand now, as the settings have it."""
        before, after = self.protocol.documents.prose_around(document.uri)
        stands = partial(
            reading,
            document.snapshot(),
            before=[other.snapshot() for other in before],
            after=[other.snapshot() for other in after],
        )
        settings = await self.settled(document)
        return partial(stands, tokens=settings.context_tokens, strip_markup=settings.prose == "auto")

    def note(self, shown: Shown) -> str:
        """Keep what a completion list shows, for a while; returns the key that :meth:`noted` gives it back for."""
        self._lists += 1
        key = str(self._lists)
        self._shown[key] = shown
        self._shown.pop(str(self._lists - _LISTS), None)
        return key

    def noted(self, key: object) -> Shown | None:
        """What a completion list showed; None if it was long ago."""
        return self._shown.get(key) if isinstance(key, str) else None

    async def quiet(self, seconds: float) -> None:
        """Return when no document was changed for so long."""
        now = asyncio.get_running_loop().time
        while (left := self._changed_at + seconds - now()) > 0:  # noqa: ASYNC110 - no event at each keystroke
            await asyncio.sleep(left)

    def _document_changed(self, uri: str) -> None:
        self._changed_at = asyncio.get_running_loop().time()
        self._overtake(uri)
        if self.protocol.documents.get(uri) is None:
            self.configuration.forget(uri)
        self.diagnosing.changed(uri)

    def _document_lost(self, uri: str) -> None:
        # The protocol has no way to ask for the text.
        message = "the editor's changes came in no order that can be followed. Close the document and open it again: "
        self.tell(f"{message}{uri!r}", types.MessageType.Warning)

    def _overtake(self, uri: str) -> None:
        """Answer at once whoever waits for a mask that an edit moved or changed: the answer would go astray."""
        for waiting in self._waiting:
            if waiting.uri == uri and not waiting.stands(self.protocol.documents.get(uri)):
                waiting.overtaken = True
                waiting.task.cancel()

    def refresh(self) -> None:
        """Let the client ask anew for what it shows of documents."""
        workspace = self.client_capabilities.workspace
        if workspace and workspace.inlay_hint and workspace.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None)
        if workspace and workspace.code_lens and workspace.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None)

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

    def tell(self, message: str, kind: types.MessageType) -> None:
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
