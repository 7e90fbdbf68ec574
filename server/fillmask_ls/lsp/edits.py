"""Edits that fill, mask and restore words of a document. Each function returns replacements and makes none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.documents.context import Passage
from fillmask_ls.documents.languages.registry import find_language
from fillmask_ls.documents.prose import all_prose
from fillmask_ls.engine.api import FillQuestion, PredictQuestion, SampleMaskQuestion
from fillmask_ls.spans import Span, replace_spans

from .progress import progress_bar
from .session import Session
from .snapshot import Snapshot

Replacements = Sequence[tuple[Span, str]]
"""Spans of a document and the text that replaces each."""

_MAX_JOINT_MASKS = 8
"""Masks filled in one joint search: each is one more step."""
_MASKS_WITHOUT_PROGRESS = 16


def workspace_edit(snapshot: Snapshot, replacements: Replacements) -> types.WorkspaceEdit:
    """Return all replacements as one edit of the snapshot's version of the document."""
    document = snapshot.document
    edits = [types.TextEdit(snapshot.range(span), text) for span, text in replacements]
    if not snapshot.capabilities.versioned_edits:
        return types.WorkspaceEdit(changes={document.uri: edits})
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri=document.uri, version=document.version)
    return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(identifier, list(edits))])


async def fill_masks(session: Session, snapshot: Snapshot, span: Span) -> Replacements:
    """Return the best words for all masks in a span.

    Up to eight masks of a passage are filled together; the next ones read the words of those before. A mask that no word
    fits stays. With many masks the client shows progress, and the user can cancel it.
    """
    passages = await snapshot.passages(span)
    total, task = sum(len(masks) for _, masks in passages), asyncio.current_task()
    if total <= _MASKS_WITHOUT_PROGRESS:
        return await _fill_passages(session, snapshot, passages, lambda _done: None)
    assert task is not None  # noqa: S101 - a coroutine runs in a task
    async with progress_bar(session.client, "Filling masks", f"0 of {total}", cancel=task.cancel) as bar:
        bar.outcome = "not filled"
        replacements = await _fill_passages(
            session, snapshot, passages, lambda done: bar.report(done, total, f"{done} of {total}")
        )
        bar.outcome = f"{len(replacements)} of {total} filled"
        return replacements


async def mask_randomly(
    session: Session, snapshot: Snapshot, span: Span, *, rate: float, seed: int, whole_words: bool
) -> Replacements:
    """Return masks for randomly sampled words, or subwords, in the prose of a span."""
    document = snapshot.document
    text = document.slice(*span)
    language = find_language(document.language_id, document.uri) if snapshot.strip_markup else ""
    plain = await snapshot.reader.run(all_prose, text, language)
    sampled = await session.engine.sample_mask(SampleMaskQuestion(plain.text, rate, seed, whole_words))
    replacements = []
    for start, end in sampled:
        low, high = plain.origins[start], plain.origins[end - 1] + 1
        is_literal = text[low:high] == plain.text[start:end]  # else markup stands inside the word
        is_punctuation = whole_words and not text[low].isalnum()
        if is_literal and not is_punctuation:
            replacements.append(((span[0] + low, span[0] + high), MASK))
    return replacements


def restore_words(snapshot: Snapshot, span: Span) -> Replacements:
    """Return the words that the masks in a span hide, where they are known."""
    return snapshot.document.masked_words.words(*span)


async def _fill_passages(
    session: Session,
    snapshot: Snapshot,
    passages: Sequence[tuple[Passage, Sequence[Span]]],
    report: Callable[[int], None],
) -> Replacements:
    words: dict[Span, str] = {}
    for passage, masks in passages:
        for first in range(0, len(masks), _MAX_JOINT_MASKS):
            group = masks[first : first + _MAX_JOINT_MASKS]
            text, spans, numbers = _with_words(passage, words)
            start = numbers.index(passage.focus + first)
            best = await _best_words(session, snapshot, text, spans, range(start, start + len(group)))
            words.update((mask, word) for mask, word in zip(group, best, strict=True) if word)
            report(len(words))
    return list(words.items())


async def _best_words(
    session: Session, snapshot: Snapshot, text: str, masks: tuple[Span, ...], wanted: range
) -> list[str]:
    """Return the best word for each wanted mask; an empty one where none fits."""
    if len(masks) > 1:
        # When the others are few, they are filled too, so that the wanted words agree with them.
        filled = wanted if len(masks) > _MAX_JOINT_MASKS else range(len(masks))
        fills = await session.engine.fill_jointly(FillQuestion(text, masks, 1, (filled.start, filled.stop)))
        if fills:
            return [fills[0].words[filled.index(number)] for number in wanted]
    max_subwords = snapshot.settings.max_subwords if len(wanted) == 1 else 1
    answer = await session.engine.predict(
        PredictQuestion(text, masks, 1, focus=wanted.start, max_subwords=max_subwords)
    )
    return [next((word.text for word in answer.predictions[number].candidates), "") for number in wanted]


def _with_words(passage: Passage, words: Mapping[Span, str]) -> tuple[str, tuple[Span, ...], list[int]]:
    """Return the passage's text with the known words filled in, the spans of its other masks, and their numbers."""
    replacements: list[tuple[Span, str]] = []
    spans: list[Span] = []
    numbers: list[int] = []
    shift = 0
    for number, mask in enumerate(passage.masks):
        origin = passage.document_span(number)
        word = words.get(origin) if origin else None
        if word is None:
            spans.append((mask[0] + shift, mask[1] + shift))
            numbers.append(number)
        else:
            replacements.append((mask, word))
            shift += len(word) - len(MASK)
    return replace_spans(passage.text, replacements), tuple(spans), numbers
