"""Edits that fill, mask and restore words of a document. Each function returns replacements; the caller applies them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.documents.context import Passage
from fillmask_ls.documents.maskable_words import maskable_words
from fillmask_ls.documents.prose import find_verbatim
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.documents.word_spans import word_in_selection
from fillmask_ls.engine.api import SampleMaskQuestion
from fillmask_ls.spans import Span
from fillmask_ls.words import find_unmasked_words

from .filling import fill_passages
from .progress import progress_bar
from .session import Session
from .snapshot import Snapshot

Replacements = Sequence[tuple[Span, str]]
"""Spans of a document and the text that replaces each."""

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

    Up to eight masks of a passage are filled together; the next group reads the words of the previous ones. Masks
    without a fitting word stay. With many masks the client shows progress, and the user can cancel it.
    """
    passages = await snapshot.passages(span)
    total, task = sum(len(masks) for _, masks in passages), asyncio.current_task()
    if total <= _MASKS_WITHOUT_PROGRESS:
        return await _fill_passages(session, snapshot, passages, lambda _done: None)
    assert task is not None  # noqa: S101 - a coroutine runs in a task
    async with progress_bar(session.client, "Filling blanks", f"0 of {total}", cancel=task.cancel) as bar:
        bar.outcome = "not filled"
        replacements = await _fill_passages(
            session, snapshot, passages, lambda done: bar.report(done, total, f"{done} of {total}")
        )
        bar.outcome = f"{len(replacements)} of {total} filled"
        return replacements


async def mask_randomly(
    session: Session, snapshot: Snapshot, span: Span, *, rate: float, seed: int, whole_words: bool
) -> Replacements:
    """Return masks for randomly sampled words, or subwords, in the prose of a span.

    With ``whole_words``, words are masked whole even if the span contains only a part of them, and at least one, unless
    the rate is 0.
    """
    start, end = _with_whole_words(snapshot.document, span) if whole_words else span
    text = snapshot.document.slice(start, end)
    prose = await snapshot.prose((start, end))
    sampled = await session.engine.sample_mask(SampleMaskQuestion(prose.text, rate, seed, whole_words))
    if whole_words:
        words = await snapshot.reader.run(maskable_words, prose, sampled, text, snapshot.language)
        if not words and rate > 0:
            found = find_unmasked_words(prose.text)
            all_words = await snapshot.reader.run(maskable_words, prose, found, text, snapshot.language)
            words = random.Random(seed).sample(all_words, min(1, len(all_words)))  # noqa: S311 - not for security
    else:
        words = find_verbatim(prose, sampled, text)
    return [((start + low, start + high), MASK) for low, high in words]


def _with_whole_words(document: TextDocument, span: Span) -> Span:
    """Return a span that is extended to the ends of the words that it cuts."""
    first, last = word_in_selection(document, (span[0], span[0])), word_in_selection(document, (span[1], span[1]))
    start = first[0] if first and span[0] < first[1] else span[0]
    end = last[1] if last and last[0] < span[1] else span[1]
    return start, end


def restore_words(snapshot: Snapshot, span: Span) -> Replacements:
    """Return the words that the masks in a span hide, where they are known."""
    return snapshot.document.masked_words.words(*span)


async def _fill_passages(
    session: Session,
    snapshot: Snapshot,
    passages: Sequence[tuple[Passage, Sequence[Span]]],
    report: Callable[[int], None],
) -> Replacements:
    questions = fill_passages(passages, max_subwords=snapshot.settings.max_subwords, report=report)
    answer: object = None
    while True:
        try:
            question = questions.send(answer)
        except StopIteration as end:
            words: Replacements = end.value
            return words
        answer = await session.engine.answer(question)
