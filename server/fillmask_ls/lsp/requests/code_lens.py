"""``textDocument/codeLens`` and ``codeLens/resolve``: fill or restore the masks of each paragraph."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import exp
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from fillmask_ls import MASK
from fillmask_ls.documents.context import Passage
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.engine.api import LossQuestion, Priority
from fillmask_ls.spans import Span, replace_spans

from ..ranges import to_range, to_span
from ..session import Session
from ..snapshot import Snapshot
from ..staleness import StaleError

FILL_ALL = "fillmask.fillAll"
UNMASK = "fillmask.unmask"

_MAX_PARAGRAPHS = 1_000
_MAX_LEAD = 2_000
"""Maximum characters between a paragraph's start and its first mask."""
_BLANK_LINE = re.compile(r"(?:\r\n|\r(?!\n)|\n)[^\S\r\n]*(?:\r\n|\r(?!\n)|\n)")
_UNKNOWN_WORD = "…"


@dataclass(frozen=True, slots=True)
class _LensData:
    """The subject of an unresolved lens: the masks in a range of one version of a document."""

    uri: str
    version: int
    range: types.Range

    @staticmethod
    def parse(data: Any) -> _LensData:
        """Return the data that a client sent back.

        Raises:
            JsonRpcInvalidParams: the data is not ours.
        """
        try:
            start, end = (
                types.Position(int(data["range"][name]["line"]), int(data["range"][name]["character"]))
                for name in ("start", "end")
            )
            return _LensData(str(data["uri"]), int(data["version"]), types.Range(start, end))
        except (KeyError, TypeError, ValueError) as error:
            raise JsonRpcInvalidParams("the lens is not one of ours") from error


async def code_lens(_session: Session, snapshot: Snapshot, _params: types.CodeLensParams) -> list[types.CodeLens]:
    """Return the lenses above the paragraphs with masks, if they are enabled."""
    if not snapshot.document.has_masks or not snapshot.settings.code_lens:
        return []
    return await snapshot.reader.run(_lenses, snapshot.document)


async def resolve(session: Session, lens: types.CodeLens) -> types.CodeLens:
    """Return the lens with the loss of the words that its masks hide.

    Raises:
        JsonRpcException: the document was changed, or the lens is not ours.
    """
    if lens.command is not None:
        return lens
    data = _LensData.parse(lens.data)
    document = session.document_at(data.uri, data.version)
    async with session.snapshot(document) as snapshot:
        loss = await _masked_word_loss(session, snapshot, to_span(snapshot.document, data.range))
    argument = {"uri": data.uri, "range": _plain_range(data.range)}
    count = round(exp(loss))
    difficulty = f"as hard to guess as one of {count:,} words" if count > 1 else "easy to guess"
    title = f"restore the words (each is {difficulty}; loss {loss:.2f} nats)"
    command = types.Command(title, UNMASK, arguments=[argument])
    return types.CodeLens(lens.range, command, lens.data)


def _lenses(document: TextDocument) -> list[types.CodeLens]:
    """Return for each paragraph a lens that fills it, and an unresolved one if all its masks hide known words."""
    lenses = []
    for masks in islice(_masks_by_paragraph(document), _MAX_PARAGRAPHS):
        start, end = masks[0][0], masks[-1][1]
        line = document.position(_paragraph_start(document, start)).line
        above = types.Range(types.Position(line, 0), types.Position(line, 0))
        argument = {"uri": document.uri, "range": _plain_range(to_range(document, (start, end)))}
        title = "1 blank: fill" if len(masks) == 1 else f"{len(masks)} blanks: fill all"
        lenses.append(types.CodeLens(above, types.Command(title, FILL_ALL, arguments=[argument])))
        if [mask for mask, _ in document.masked_words.words(start, end)] == masks:
            lenses.append(types.CodeLens(above, data={**argument, "version": document.version}))
    return lenses


def _masks_by_paragraph(document: TextDocument) -> Iterator[list[Span]]:
    """Yield the document's masks, those without a blank line between them together."""
    group: list[Span] = []
    for mask in document.masks(0, len(document)):
        if group and _BLANK_LINE.search(document.slice(group[-1][1], mask[0])):
            yield group
            group = []
        group.append(mask)
    if group:
        yield group


def _paragraph_start(document: TextDocument, index: int) -> int:
    """Return where the paragraph at ``index`` begins, or ``index`` itself if that is far."""
    low = max(0, index - _MAX_LEAD)
    blank_line = None
    for blank_line in _BLANK_LINE.finditer(document.slice(low, index)):  # noqa: B007 - the last one
        pass
    if blank_line is not None:
        return low + blank_line.end()
    return index if low else 0


async def _masked_word_loss(session: Session, snapshot: Snapshot, span: Span) -> float:
    """Return the mean cross-entropy, in nats, of the words that the masks in a span hide."""
    document = snapshot.document
    words = dict(document.masked_words.words(0, len(document)))
    masks = document.masks(*span)
    if not masks or not words.keys() >= set(masks):
        raise StaleError
    passages = await snapshot.passages(span)
    questions = [_question(passage, passage_masks, words) for passage, passage_masks in passages]
    losses = await asyncio.gather(*(session.engine.masked_word_loss(question, Priority.HINT) for question in questions))
    return _mean_loss(questions, losses)


def _question(passage: Passage, wanted: Sequence[Span], words: Mapping[Span, str]) -> LossQuestion:
    """Return the question about the wanted masks, with the passage's other masks replaced with the words they hide.

    Args:
        wanted: spans of masks in the document.
        words: masked words by the spans of their masks, those of the wanted masks among them.
    """
    masks: list[Span] = []
    masked_words: list[str] = []
    replacements: list[tuple[Span, str]] = []
    shift = 0
    for number, (start, end) in enumerate(passage.masks):
        origin = passage.document_span(number)
        if origin is not None and origin in wanted:
            masks.append((start + shift, end + shift))
            masked_words.append(words[origin])
        else:
            word = _UNKNOWN_WORD if origin is None else words.get(origin, _UNKNOWN_WORD)
            replacements.append(((start, end), word))
            shift += len(word) - len(MASK)
    return LossQuestion(replace_spans(passage.text, replacements), tuple(masks), tuple(masked_words))


def _mean_loss(questions: Sequence[LossQuestion], losses: Sequence[float]) -> float:
    """Return the mean of a paragraph read in several passages, each weighted by its number of words."""
    counts = [len(question.words) for question in questions]
    return sum(loss * count for loss, count in zip(losses, counts, strict=True)) / sum(counts)


def _plain_range(range_: types.Range) -> dict[str, Any]:
    return {
        name: {"line": position.line, "character": position.character}
        for name, position in (("start", range_.start), ("end", range_.end))
    }
