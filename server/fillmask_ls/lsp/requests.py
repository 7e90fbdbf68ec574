"""What each request does: finds the place in the document, asks the engine, and lets the feature say it."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from fillmask_ls import MASK
from fillmask_ls.documents import masks
from fillmask_ls.documents.text import Position, Span, TextDocument
from fillmask_ls.documents.words import word_at
from fillmask_ls.engine.query import JointQuery, Query, ReplacementQuery

from . import client, rewriting
from .edits import Replacements, range_of, workspace_edit
from .features import code_actions, completion, inlay_hints, inline_completion

if TYPE_CHECKING:
    from .server import FillmaskServer

_SENTENCES = 3
_MASKS_TOGETHER = range(2, 5)
"""In a passage, to be offered as one item: each mask more costs a step of a search while the user waits."""
_HINTS = 200
"""At most, for a client that asks for the hints of a whole document."""
_FILLS = 3
_REPLACEMENTS = 3
_SHARE = 0.15


def place(
    server: FillmaskServer, document: types.TextDocumentIdentifier, position: types.Position
) -> tuple[TextDocument, int] | None:
    """The document and the index in it that a request is about; None for a document that is not open."""
    found = server.protocol.documents.get(document.uri)
    return None if found is None else (found, found.index(Position(position.line, position.character)))


def span_of(document: TextDocument, of: types.Range) -> Span:
    """The characters of a client's range."""
    start, end = (document.index(Position(at.line, at.character)) for at in (of.start, of.end))
    return min(start, end), max(start, end)


async def complete(server: FillmaskServer, params: types.CompletionParams) -> types.CompletionList | None:
    """The words for the mask at the cursor, and with several masks the best sentences; or the mask that is being typed."""
    found = place(server, params.text_document, params.position)
    if found is None:
        return None
    document, index = found
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
    (ranking, passage), sentences = await asyncio.gather(
        server.rank(document, target, lambda settings: settings.completion_top_k, hurry=True),
        _sentences(server, document, target, index),
    )
    abilities = client.completion_abilities(server.client_capabilities)
    shown = completion.Shown(passage.text, passage.masks, passage.focus, ranking)
    return completion.words(shown, replaced, server.note(shown), abilities, sentences)


async def _sentences(
    server: FillmaskServer, document: TextDocument, target: masks.Target, index: int
) -> list[types.CompletionItem]:
    """The passage's masks filled together, if they are few and on the line of the cursor: an item edits one line."""
    if target.prefix:
        return []
    line = document.line_span(document.position(target.start).line)
    if len(document.masks(*line)) not in _MASKS_TOGETHER:
        return []

    async def fill() -> list[types.CompletionItem]:
        passage = await server.passage(document, target)
        places = [
            at for number in range(len(passage.masks)) if (at := passage.place(number)) and line[0] <= at[0] < line[1]
        ]
        if len(places) != len(passage.masks) or len(places) not in _MASKS_TOGETHER:
            return []
        fills = await server.engine.fill(JointQuery(passage.text, passage.masks, _SENTENCES))
        span = places[0][0], max(places[-1][1], index)
        before = document.slice(span[0], index)
        return [
            completion.sentence(
                each.words,
                rank,
                range_of(document, span),
                before,
                _replaced(document, span, list(zip(places, each.words, strict=True))),
            )
            for rank, each in enumerate(fills)
        ]

    return await server.unless_changed(document, fill())


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
    return completion.resolved(item, shown, markdown=client.completion_abilities(server.client_capabilities).markdown)


async def inlay_hints_in(server: FillmaskServer, params: types.InlayHintParams) -> list[types.InlayHint] | None:
    """The best word behind each mask of the range."""
    await server.configured()
    document = server.protocol.documents.get(params.text_document.uri)
    if document is None or not server.settings.inlay_hints:
        return None
    low, high = span_of(document, params.range)
    inside = document.masks(low, high)[:_HINTS]
    if not inside:
        return None
    markdown = client.shows_markdown(server.client_capabilities)

    async def hints() -> list[types.InlayHint]:
        passages = await server.passages(document, (inside[0][0], inside[-1][1]))
        asked = [
            Query(passage.text, passage.masks, server.settings.hover_top_k, passage.focus, decorates=True)
            for passage, _ in passages
        ]
        rankings = await asyncio.gather(*map(server.engine.rank, asked))
        found = [
            inlay_hints.hint(ranking, passage.focus + number, range_of(document, at), markdown=markdown)
            for (passage, places), ranking in zip(passages, rankings, strict=True)
            for number, at in enumerate(places)
        ]
        return [hint for hint in found if hint is not None]

    return await server.unless_changed(document, hints())


async def complete_inline(
    server: FillmaskServer, params: types.InlineCompletionParams
) -> list[types.InlineCompletionItem] | None:
    """The best word as ghost text at the mask with the cursor, and its passage filled as a whole."""
    await server.configured()
    found = place(server, params.text_document, params.position)
    if found is None or not server.settings.inline_completion:
        return None
    document, index = found
    target = masks.behind(document, index)
    if target is None:
        return None
    replaced = range_of(document, (target.start, target.typed_end))
    (ranking, passage), sentences = await asyncio.gather(
        server.rank(document, target, lambda settings: settings.completion_top_k, hurry=True),
        _sentences(server, document, target, index),
    )
    return inline_completion.word(ranking, passage.focus, replaced) + inline_completion.sentences(sentences)


async def act(server: FillmaskServer, params: types.CodeActionParams) -> list[types.CodeAction | types.Command] | None:
    """What can be done at a mask, a word, a selection, or about a word that is marked as unlikely.

    Unasked, when the cursor only moved, there is nothing but what a mask or a marked word needs.
    """
    document = server.protocol.documents.get(params.text_document.uri)
    if document is None or not client.takes_action_literals(server.client_capabilities):
        return None
    span = span_of(document, params.range)
    only, invoked = params.context.only, params.context.trigger_kind is not types.CodeActionTriggerKind.Automatic
    found: list[types.CodeAction] = []
    for diagnostic in params.context.diagnostics:
        for word in code_actions.fixes(diagnostic):
            edit = edited(server, document, [(span_of(document, diagnostic.range), word)])
            found.append(code_actions.fix(diagnostic, word, edit))
    target = masks.under(document, span[0])
    if target and code_actions.wanted(code_actions.QUICK_FIX, only):
        found += await _fills(server, document, target)
    if code_actions.wanted(code_actions.REWRITE, only) and (target or invoked):
        found += await _rewrites(server, document, span, target)
    return [action for action in found if code_actions.wanted(action.kind or code_actions.REWRITE, only)] or None


async def _fills(server: FillmaskServer, document: TextDocument, target: masks.Target) -> list[types.CodeAction]:
    ranking, passage = await server.rank(document, target, lambda settings: max(_FILLS, settings.hover_top_k))
    return [
        code_actions.fill(
            word.text,
            word.probability,
            edited(server, document, [((target.start, target.end), word.text)]),
            best=rank == 0,
        )
        for rank, word in enumerate(ranking.masks[passage.focus].words[:_FILLS])
    ]


async def _rewrites(
    server: FillmaskServer, document: TextDocument, span: Span, target: masks.Target | None
) -> list[types.CodeAction]:
    found: list[types.CodeAction] = []
    selected = document.masks(*span) if span[1] > span[0] else []
    if target:
        around = masks.paragraph(document, target.start)
        count = len(document.masks(*around))
        if count > 1:
            found.append(_fill_later(document, f"Fill the {count} masks of this paragraph together", around))
    if len(selected) > 1:
        found.append(_fill_later(document, f"Fill the {len(selected)} masks of the selection", span))
    if target or selected:
        count = len(document.masks(0, len(document)))
        if count > max(len(selected), 1):
            found.append(_fill_later(document, f"Fill all {count} masks of the document", (0, len(document))))
    for hiding in [(target.start, target.end)] if target else [span] if selected else []:
        words = rewriting.restored(document, hiding)
        if words:
            found.append(code_actions.restore(len(words), edited(server, document, words)))
    if span[1] > span[0] and not target:
        data = {"do": "mask", "seed": secrets.randbelow(2**31), **_about(document, span)}
        found.append(code_actions.later(f"Mask {_SHARE:.0%} of the selection at random".replace("%", " %"), data))
    if not target and not selected:
        found += await _about_word(server, document, span)
    if not client.resolves_action_edits(server.client_capabilities):
        found = [await resolve_action(server, action) if action.data else action for action in found]
    return found


async def _about_word(server: FillmaskServer, document: TextDocument, span: Span) -> list[types.CodeAction]:
    """Hide the word that the cursor is at or that is selected, or put another in its place."""
    at = word_at(document, span)
    if at is None:
        return []
    word = document.slice(*at)
    found = [code_actions.hide(word, edited(server, document, [(at, MASK)]))]
    if server.engine.model_name is None:  # the user would wait for a model to be loaded
        return found

    async def others() -> list[types.CodeAction]:
        passage = await server.passage_with_mask(document, at)
        start, end = passage.masks[passage.focus]
        text = passage.text[:start] + word + passage.text[end:]
        query = ReplacementQuery(text, (start, start + len(word)), _REPLACEMENTS)
        return [
            code_actions.replace(word, other.text, edited(server, document, [(at, other.text)]))
            for other in await server.engine.replace(query)
        ]

    return found + await server.unless_changed(document, others())


def _fill_later(document: TextDocument, title: str, span: Span) -> types.CodeAction:
    return code_actions.later(title, {"do": "fill", **_about(document, span)})


def _about(document: TextDocument, span: Span) -> dict[str, Any]:
    return {"uri": document.uri, "version": document.version, "start": span[0], "end": span[1]}


async def resolve_action(server: FillmaskServer, action: types.CodeAction) -> types.CodeAction:
    """The action with its edit.

    Raises:
        JsonRpcException: the document was changed since the action was offered, or the action is not one of ours.
    """
    data = action.data
    if action.edit is not None or data is None:
        return action
    try:
        document = server.protocol.documents.get(data["uri"])
        version, span, do = data["version"], (int(data["start"]), int(data["end"])), data["do"]
        seed = int(data.get("seed", 0))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise JsonRpcInvalidParams("the code action is not one of this server's") from error
    if document is None or document.version != version:
        raise JsonRpcException("the document was changed", code=types.LSPErrorCodes.ContentModified)
    if do == "fill":
        replacements = await server.unless_changed(document, rewriting.filled(server, document, span))
    else:
        replacements = await server.unless_changed(
            document, rewriting.masked(server, document, span, rate=_SHARE, seed=seed, whole_words=True)
        )
    action.edit = edited(server, document, replacements)
    return action


def edited(server: FillmaskServer, document: TextDocument, replacements: Replacements) -> types.WorkspaceEdit:
    """The replacements as an edit that the client takes."""
    return workspace_edit(document, replacements, versioned=client.takes_versioned_edits(server.client_capabilities))
