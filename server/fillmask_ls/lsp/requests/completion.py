"""``textDocument/completion`` and ``completionItem/resolve``: the words that fit the mask or the gap at the cursor."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.documents import masks
from fillmask_ls.documents.insertion_points import insertion_point_at
from fillmask_ls.documents.languages.registry import is_language_named
from fillmask_ls.documents.masks import Focus
from fillmask_ls.engine.api import Candidate, EngineError, FillQuestion
from fillmask_ls.presentation.markdown import escape_markdown
from fillmask_ls.presentation.percent import percent
from fillmask_ls.spans import Span, replace_spans

from ..capabilities import CompletionCapabilities
from ..predictions import MaskAnswer, predict_mask
from ..session import Session
from ..snapshot import Snapshot
from ..suggestions import suggest_words

OPTIONS = types.CompletionOptions(trigger_characters=["[", "]"], resolve_provider=True)

NOTHING_YET = types.CompletionList(is_incomplete=True, items=[])
"""The answer that lets a client ask again."""

_LINE_FILLS = 3
_LINE_MASKS = range(2, 5)
"""Numbers of masks in a line that are filled together: each mask takes a search step while the user waits."""
_SECONDS_FOR_FIRST_MODEL = 5.0
"""Maximum seconds that a completion waits for the first model, because some editors freeze while they wait."""
_CONTEXT_CHARACTERS = 120
_PROSE_LANGUAGES = {
    "", "asciidoc", "gitcommit", "git-commit", "html", "latex", "mail", "markdown", "norg", "org", "plaintext",
    "quarto", "restructuredtext", "rst", "rmd", "tex", "text", "txt", "typst", "vimwiki",
}  # fmt: skip


async def completion(
    session: Session, snapshot: Snapshot, params: types.CompletionParams
) -> types.CompletionList | None:
    """Return the words for the mask before the cursor, or the mask that is being typed.

    Without a mask, return the words that fit in the prose at the cursor if the settings allow it; otherwise None.
    """
    index = snapshot.index(params.position)
    timeout = _SECONDS_FOR_FIRST_MODEL if session.models.is_loading_first else None
    try:
        return await asyncio.wait_for(_complete(session, snapshot, index, params.context), timeout)
    except asyncio.TimeoutError:
        return NOTHING_YET


async def _complete(
    session: Session, snapshot: Snapshot, index: int, context: types.CompletionContext | None
) -> types.CompletionList | None:
    focus = masks.mask_before_cursor(snapshot.document, index)
    if focus is None:
        mask = _offer_mask_text(snapshot, index, context)
        if mask is not None or not _is_wanted(session, snapshot, index, context):
            return mask
        return await _complete_without_mask(session, snapshot, index)
    answer, lines = await complete_mask(session, snapshot, focus, index)
    range_ = snapshot.range((focus.start, focus.typed_end))
    key = session.remember_list(answer)
    words = answer.candidates[: snapshot.settings.completion_top_k]
    return completion_list(words, MASK + focus.prefix, range_, key, snapshot.capabilities.completion, lines)


async def resolve(session: Session, item: types.CompletionItem) -> types.CompletionItem:
    """Return the item with its documentation; as is, if its list is no longer remembered."""
    answer = session.recall_list(item.data)
    if not isinstance(answer, MaskAnswer):
        return item
    rank = next((rank for rank, word in enumerate(answer.candidates) if word.text == item.label), None)
    if rank is not None:
        item.documentation = _documentation(answer, rank, session.client.capabilities.completion.markup)
    return item


def _is_wanted(session: Session, snapshot: Snapshot, index: int, context: types.CompletionContext | None) -> bool:
    """Return whether the settings let a request suggest words without a mask."""
    kind = context.trigger_kind if context else types.CompletionTriggerKind.Invoked
    is_asked = kind is types.CompletionTriggerKind.TriggerForIncompleteCompletions or (
        kind is types.CompletionTriggerKind.Invoked and session.record_completion_request(snapshot.document, index)
    )
    settings = snapshot.settings
    match settings.completion_without_mask:
        case "asked":
            return is_asked
        case "always" if kind is not types.CompletionTriggerKind.TriggerCharacter:
            languages = settings.completion_without_mask_languages
            return is_asked or is_language_named(snapshot.document.language_id, languages)
    return False


async def _complete_without_mask(session: Session, snapshot: Snapshot, index: int) -> types.CompletionList | None:
    """Return the words that fit at the cursor without a mask; None in code."""
    point = insertion_point_at(snapshot.document, index)
    answer = await suggest_words(session, snapshot, point) if point else None
    if point is None or answer is None:
        return None
    range_, key = snapshot.range(point.span), session.remember_list(answer)
    return completion_list(answer.candidates, point.prefix, range_, key, snapshot.capabilities.completion)


async def complete_mask(
    session: Session, snapshot: Snapshot, focus: Focus, index: int
) -> tuple[MaskAnswer, list[types.CompletionItem]]:
    """Return the prediction at a mask, and items that fill the cursor's line, if that line is still the same.

    Args:
        index: of the cursor.
    """
    answer, lines = await asyncio.gather(
        predict_mask(session, snapshot, focus, early=True),
        _fill_line(session, snapshot, focus, index),
    )
    line = snapshot.document.line_span(snapshot.document.position(focus.start).line)
    return answer, lines if session.is_unchanged(snapshot, line) else []


async def _fill_line(session: Session, snapshot: Snapshot, focus: Focus, index: int) -> list[types.CompletionItem]:
    """Return items that fill all masks of the cursor's line together, if the line has two to four."""
    document = snapshot.document
    line = document.line_span(document.position(focus.start).line)
    if focus.prefix or len(document.masks(*line)) not in _LINE_MASKS:
        return []
    if session.engine.starts_local_load(FillQuestion):
        return []
    passage = await snapshot.passage(focus)
    spans = [passage.document_span(number) for number in range(len(passage.masks))]
    in_line = [span for span in spans if span is not None and line[0] <= span[0] < line[1]]
    if len(in_line) != len(spans) or len(in_line) not in _LINE_MASKS:  # an item may edit one line only
        return []
    try:
        fills = await session.engine.fill_jointly(FillQuestion(passage.text, passage.masks, _LINE_FILLS))
    except EngineError:  # the words for the mask are returned without them
        return []
    edited = in_line[0][0], max(in_line[-1][1], index)
    return [_line_item(snapshot, edited, index, in_line, fill.words, rank) for rank, fill in enumerate(fills)]


def _line_item(
    snapshot: Snapshot, edited: Span, index: int, masks: Sequence[Span], words: Sequence[str], rank: int
) -> types.CompletionItem:
    document, start = snapshot.document, edited[0]
    replacements = [((low - start, high - start), word) for (low, high), word in zip(masks, words, strict=True)]
    text = replace_spans(document.slice(*edited), replacements)
    return types.CompletionItem(
        label=" … ".join(words),
        kind=types.CompletionItemKind.Snippet,
        detail="all blanks together",
        sort_text=f"{9000 + rank:04}",
        filter_text=document.slice(start, index) + text,
        text_edit=types.TextEdit(snapshot.range(edited), text),
    )


def completion_list(
    words: Sequence[Candidate],
    typed: str,
    range_: types.Range,
    key: str,
    capabilities: CompletionCapabilities,
    lines: Sequence[types.CompletionItem] = (),
) -> types.CompletionList:
    """Return the candidates, each one plain edit over ``range_``, and after them the filled ``lines``.

    The list is incomplete, so that a client asks again at each letter typed after the mask. All items have the same
    filter text: clients compare it with the text in the edit's range, and would move a word that equals it to the top.
    Clients without a default range get the word in it: JupyterLab would insert the word beside the letters.

    Args:
        typed: the text in the range, up to the cursor.
        key: the list's key for :meth:`Session.recall_list`, which resolves its items.
    """
    items = []
    has_words = typed.startswith(MASK) and not capabilities.default_range
    for rank, word in enumerate(words):
        probability = percent(word.probability)
        description = types.CompletionItemLabelDetails(description=probability) if capabilities.label_details else None
        items.append(
            types.CompletionItem(
                label=word.text,
                label_details=description,
                kind=types.CompletionItemKind.Text,
                detail=probability,
                sort_text=f"{rank:04}",
                filter_text=f"{MASK}{word.text}" if has_words else typed or None,
                preselect=rank == 0,
                text_edit=None if capabilities.default_range else types.TextEdit(range_, word.text),
                text_edit_text=word.text if capabilities.default_range else None,
                data=None if capabilities.default_data else key,
            )
        )
    defaults = types.CompletionItemDefaults(
        edit_range=range_ if capabilities.default_range else None, data=key if capabilities.default_data else None
    )
    return types.CompletionList(
        is_incomplete=True,
        items=_without_indentation([*items, *lines], capabilities),
        item_defaults=defaults if capabilities.default_range or capabilities.default_data else None,
    )


def _offer_mask_text(
    snapshot: Snapshot, index: int, context: types.CompletionContext | None
) -> types.CompletionList | None:
    """Return the mask itself, where its first letters or its bracket were typed; None elsewhere."""
    document = snapshot.document
    typed = masks.partial_mask(document, index)
    if typed is None:
        return None
    is_triggered = context is not None and context.trigger_character == "["
    if is_triggered and not _expects_mask(document.language_id, document.slice(typed[0] - 1, typed[0])):
        return None
    item = types.CompletionItem(
        label=MASK,
        kind=types.CompletionItemKind.Keyword,
        detail="Blank: suggest a word here",
        filter_text=MASK,
        text_edit=types.TextEdit(snapshot.range(typed), MASK),
    )
    return types.CompletionList(
        is_incomplete=False, items=_without_indentation([item], snapshot.capabilities.completion)
    )


def _expects_mask(language_id: str, before: str) -> bool:
    """Return whether a ``[`` after the character ``before`` probably begins a mask.

    In code a bracket mostly begins a list or an index, and an editor would insert the mask at the next Enter.
    """
    return language_id in _PROSE_LANGUAGES and not before[-1:].isalnum()


def _without_indentation(
    items: list[types.CompletionItem], capabilities: CompletionCapabilities
) -> list[types.CompletionItem]:
    """Keep clients from indenting the line again when an item is accepted, as lsp-mode does by default."""
    if capabilities.as_is:
        for item in items:
            item.insert_text_mode = types.InsertTextMode.AsIs
    return items


def _documentation(answer: MaskAnswer, rank: int, markup: types.MarkupKind | None) -> types.MarkupContent | str:
    """Return the sentence with the word in it, the word's rank, and the other words."""
    words = answer.candidates
    word, others = words[rank], ", ".join(other.text for other in words if other is not words[rank]) or "none"
    before, after = _sentence_around(answer)
    position = f"Suggestion {rank + 1} of {len(words)}, {percent(word.probability)}."
    if markup is types.MarkupKind.Markdown:
        sentence = _markdown_sentence(before, word.text, after)
        return types.MarkupContent(markup, f"{sentence}\n\n{position}\n\nOthers: {escape_markdown(others)}")
    text = f"{before}{word.text}{after}\n{position}\nOthers: {others}"
    return text if markup is None else types.MarkupContent(markup, text)


def _sentence_around(answer: MaskAnswer) -> tuple[str, str]:
    """Return the passage before and after the mask, each cut to some words."""
    text = answer.passage.text
    start, end = answer.passage.masks[answer.passage.focus]
    before, after = text[:start], text[end:]
    if len(before) > _CONTEXT_CHARACTERS:
        before = "…" + before[-_CONTEXT_CHARACTERS:].partition(" ")[2]
    if len(after) > _CONTEXT_CHARACTERS:
        after = after[:_CONTEXT_CHARACTERS].rpartition(" ")[0] + "…"
    return before, after


def _markdown_sentence(before: str, word: str, after: str) -> str:
    # escape_markdown strips whitespace at both ends.
    left, right = (" " if neighbor.isspace() else "" for neighbor in (before[-1:], after[:1]))
    return f"{escape_markdown(before)}{left}**{escape_markdown(word)}**{right}{escape_markdown(after)}"
