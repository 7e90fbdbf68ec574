"""What each request does: finds the place in the document, asks the engine, and lets the feature say it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from fillmask_ls.documents import masks
from fillmask_ls.documents.context import Passage
from fillmask_ls.documents.text import Position, TextDocument
from fillmask_ls.engine.api import EngineError, FillQuestion, Predictions, PredictQuestion, Priority
from fillmask_ls.spans import Span

from . import client
from .edits import Replacements, changed
from .features import (
    code_lens,
    completion,
    highlights,
    inlay_hints,
    inline_completion,
    semantic_tokens,
    symbols,
)
from .features.places import span_of, span_range

if TYPE_CHECKING:
    from .server import FillmaskServer

_SENTENCES = 3
_MASKS_TOGETHER = range(2, 5)
"""In a passage, to be offered as one item: each mask more costs a step of a search while the user waits."""
_SECONDS_FOR_A_MODEL = 5.0
"""How long a completion waits for the first model to be loaded, which mostly takes less; some editors stand still
meanwhile."""
_HINTS = 200
"""At most, for a client that asks for the hints of a whole document."""


def place(
    server: FillmaskServer, document: types.TextDocumentIdentifier, position: types.Position
) -> tuple[TextDocument, int] | None:
    """The document and the index in it that a request is about; None for a document that is not open."""
    found = server.protocol.documents.get(document.uri)
    return None if found is None else (found, found.index(Position(position.line, position.character)))


async def complete(server: FillmaskServer, params: types.CompletionParams) -> types.CompletionList | None:
    """The words for the mask at the cursor, and with several masks the best sentences; or the mask that is being typed."""
    found = place(server, params.text_document, params.position)
    if found is None:
        return None
    document, index = found
    abilities = client.completion_abilities(server.client_capabilities)
    target = masks.mask_before_cursor(document, index)
    if target is None:
        opened = masks.partial_mask(document, index)
        if opened is None:
            return None
        typed_bracket = params.context is not None and params.context.trigger_character == "["
        before = document.slice(opened[0] - 1, opened[0])
        if typed_bracket and not completion.offers_unasked(document.language_id, before):
            return None
        return completion.mask(span_range(document, opened), abilities)
    # Over the whole mask, and behind it up to the cursor.
    replaced = span_range(document, (target.start, target.typed_end))
    asking = asyncio.gather(
        server.rank(document, target, lambda settings: settings.completion_top_k, early=True),
        _sentences(server, document, target, index),
    )
    try:
        limit = _SECONDS_FOR_A_MODEL if server.loading.is_first else None
        (ranking, passage), sentences = await asyncio.wait_for(asking, limit)
    except asyncio.TimeoutError:
        return types.CompletionList(is_incomplete=True, items=[])
    shown = completion.Shown(passage.text, passage.masks, passage.focus, ranking)
    return completion.words(shown, replaced, server.note(shown), abilities, sentences)


async def _sentences(
    server: FillmaskServer, document: TextDocument, target: masks.Target, index: int
) -> list[types.CompletionItem]:
    """The passage's masks filled together, if they are few and on the line of the cursor: an item edits one line."""
    if target.prefix or server.engine.starts_local_load(FillQuestion):
        return []
    line = document.line_span(document.position(target.start).line)
    if len(document.masks(*line)) not in _MASKS_TOGETHER:
        return []

    async def fill() -> list[types.CompletionItem]:
        passage = await server.passage(document, target)
        places = [
            at
            for number in range(len(passage.masks))
            if (at := passage.document_span(number)) and line[0] <= at[0] < line[1]
        ]
        if len(places) != len(passage.masks) or len(places) not in _MASKS_TOGETHER:
            return []
        fills = await server.engine.fill_jointly(FillQuestion(passage.text, passage.masks, _SENTENCES))
        span = places[0][0], max(places[-1][1], index)
        before = document.slice(span[0], index)
        return [
            completion.sentence(
                each.words,
                rank,
                span_range(document, span),
                before,
                _replaced(document, span, list(zip(places, each.words, strict=True))),
            )
            for rank, each in enumerate(fills)
        ]

    try:
        return await server.unless_changed(document, fill())
    except JsonRpcException:  # the words for the mask come without them
        return []


def _replaced(document: TextDocument, span: Span, replacements: Replacements) -> str:
    """The text of a span with the replacements made."""
    parts, end = [], span[0]
    for (start, stop), text in replacements:
        parts += [document.slice(end, start), text]
        end = stop
    return "".join([*parts, document.slice(end, span[1])])


async def resolve_completion(server: FillmaskServer, item: types.CompletionItem) -> types.CompletionItem:
    """The item with its documentation; as it is, if its list is forgotten."""
    shown = server.noted(item.data)
    if shown is None:
        return item
    return completion.resolved(item, shown, client.completion_abilities(server.client_capabilities).markup)


async def inlay_hints_in(server: FillmaskServer, params: types.InlayHintParams) -> list[types.InlayHint]:
    """The best word behind each mask of the range; an empty list where there is none: at null, Neovim keeps old ones."""
    document = server.protocol.documents.get(params.text_document.uri)
    if document is None:
        return []
    low, high = span_of(document, params.range)
    inside = document.masks(low, high)[:_HINTS]
    if not inside:
        return []
    markdown = client.shows_markdown(server.client_capabilities)

    async def hints() -> list[types.InlayHint]:
        settings = await server.settled(document)
        if not settings.inlay_hints:
            return []
        passages = await server.passages(document, (inside[0][0], inside[-1][1]))
        asked = [
            PredictQuestion(passage.text, passage.masks, settings.hover_top_k, passage.focus) for passage, _ in passages
        ]
        rankings = await asyncio.gather(*(server.engine.predict(question, Priority.HINT) for question in asked))
        found = [
            inlay_hints.hint(ranking, passage.focus + number, span_range(document, at), markdown=markdown)
            for (passage, places), ranking in zip(passages, rankings, strict=True)
            for number, at in enumerate(places)
        ]
        return [hint for hint in found if hint is not None]

    return await server.unless_changed(document, hints())


async def complete_inline(
    server: FillmaskServer, params: types.InlineCompletionParams
) -> list[types.InlineCompletionItem] | None:
    """The best word as ghost text at the mask with the cursor, and its passage filled as a whole."""
    found = place(server, params.text_document, params.position)
    if found is None:
        return None
    document, index = found
    target = masks.mask_before_cursor(document, index)
    if target is None:
        return None
    replaced = span_range(document, (target.start, target.typed_end))

    async def ghosts() -> list[types.InlineCompletionItem] | None:
        if not (await server.settled(document)).inline_completion:
            return None
        (ranking, passage), sentences = await asyncio.gather(
            server.rank(document, target, lambda settings: settings.completion_top_k, early=True),
            _sentences(server, document, target, index),
        )
        return inline_completion.word(ranking, passage.focus, replaced) + inline_completion.sentences(sentences)

    return await server.unless_changed(document, ghosts())


async def highlight(
    server: FillmaskServer, params: types.DocumentHighlightParams
) -> list[types.DocumentHighlight] | None:
    """The mask at the cursor and the others of its passage."""
    found = place(server, params.text_document, params.position)
    target = found and masks.mask_at(*found)
    if found is None or target is None:
        return None
    document, now = found[0], found[0].snapshot()
    passage = await server.unless_changed(document, server.passage(document, target))
    return highlights.highlights(now, passage)


async def outline(
    server: FillmaskServer, params: types.DocumentSymbolParams
) -> list[types.DocumentSymbol] | list[types.SymbolInformation]:
    """The masks of a document with the words that the model expects at the first of them, if there is a model."""
    document = server.protocol.documents.get(params.text_document.uri)
    if document is None or not document.has_masks:
        return []
    text_document = server.client_capabilities.text_document
    abilities = text_document.document_symbol if text_document else None

    async def found() -> list[types.DocumentSymbol]:
        now = document.snapshot()
        passages = await server.passages(document, await server.off_loop(symbols.with_words, now))
        rankings = await asyncio.gather(*(_glance(server, passage) for passage, _ in passages))
        details = {
            at: symbols.detail(ranking, passage.focus + number)
            for (passage, places), ranking in zip(passages, rankings, strict=True)
            if ranking is not None
            for number, at in enumerate(places)
        }
        return await server.off_loop(symbols.symbols, now, details, symbols.kind(abilities))

    shown = await server.unless_changed(document, found())
    if abilities and abilities.hierarchical_document_symbol_support:
        return shown
    return symbols.flat(shown, document.uri)


async def _glance(server: FillmaskServer, passage: Passage) -> Predictions | None:
    """The best words of one piece at a passage's masks; None without a model."""
    query = PredictQuestion(passage.text, passage.masks, symbols.TOP_K, focus=passage.focus, max_subwords=1)
    try:
        return await server.engine.predict(query, Priority.HINT)
    except EngineError:
        return None


async def colour(
    server: FillmaskServer, params: types.SemanticTokensParams | types.SemanticTokensRangeParams
) -> types.SemanticTokens | None:
    """The masks of a document, or of a range of it, as tokens."""
    document = server.protocol.documents.get(params.text_document.uri)
    if document is None:
        return None
    span = span_of(document, params.range) if isinstance(params, types.SemanticTokensRangeParams) else None
    return await server.unless_changed(document, server.off_loop(semantic_tokens.tokens, document.snapshot(), span))


async def lenses(server: FillmaskServer, params: types.CodeLensParams) -> list[types.CodeLens]:
    """Lenses above the paragraphs with masks, if they are turned on."""
    document = server.protocol.documents.get(params.text_document.uri)
    if document is None or not document.has_masks:
        return []

    async def found() -> list[types.CodeLens]:
        now = document.snapshot()
        settings = await server.settled(document)
        return await server.off_loop(code_lens.lenses, now) if settings.code_lens else []

    return await server.unless_changed(document, found())


async def resolve_lens(server: FillmaskServer, lens: types.CodeLens) -> types.CodeLens:
    """The lens with what the model makes of the words that its masks hide.

    Raises:
        JsonRpcException: the document was changed, or the lens is not one of ours.
    """
    if lens.command is not None:
        return lens
    try:
        about = code_lens.Masked.read(lens.data)
    except ValueError as error:
        raise JsonRpcInvalidParams(str(error)) from error
    document = server.protocol.documents.get(about.uri)
    if document is None or document.version != about.version:
        raise changed()
    span = document.index(about.start), document.index(about.end)
    loss = await server.unless_changed(document, _hidden_loss(server, document, span))
    return code_lens.resolved(lens, about, loss)


async def _hidden_loss(server: FillmaskServer, document: TextDocument, span: Span) -> float:
    """What the model makes of the words that the masks in a span hide: the mean cross-entropy in nats."""
    words = dict(document.masked_words.words(0, len(document)))
    inside = document.masks(*span)
    if not inside or not words.keys() >= set(inside):
        raise changed()
    found = await server.passages(document, span)
    questions = [code_lens.question(passage, places, words) for passage, places in found]
    losses = await asyncio.gather(*(server.engine.hidden_loss(question, Priority.HINT) for question in questions))
    return code_lens.mean_loss(questions, losses)
