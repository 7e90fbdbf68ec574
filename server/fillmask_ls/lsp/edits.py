"""Edits that fill, mask and restore words of a document. Each function returns replacements; the caller applies them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.documents.context import Passage
from fillmask_ls.documents.prose import find_verbatim
from fillmask_ls.engine.api import SampleMaskQuestion
from fillmask_ls.spans import Span

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
    """Return masks for randomly sampled words, or subwords, in the prose of a span."""
    document = snapshot.document
    text = document.slice(*span)
    plain = await snapshot.prose(span)
    sampled = await session.engine.sample_mask(SampleMaskQuestion(plain.text, rate, seed, whole_words))
    verbatim = find_verbatim(plain, sampled, text)
    # A full stop is a token of its own, but no word.
    words = [(low, high) for low, high in verbatim if not whole_words or text[low].isalnum()]
    return [((span[0] + low, span[0] + high), MASK) for low, high in words]


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
