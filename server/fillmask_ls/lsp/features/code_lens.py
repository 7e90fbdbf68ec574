"""``textDocument/codeLens``: above each paragraph with masks, how many they are, to fill them or to put back what they hide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.documents.context import Passage
from fillmask_ls.documents.text import Position, TextDocument
from fillmask_ls.engine.api import LossQuestion
from fillmask_ls.spans import Span

from .places import span_range

FILL_ALL = "fillmask.fillAll"
UNMASK = "fillmask.unmask"

_MOST_PARAGRAPHS = 1_000
_LONGEST_PARAGRAPH = 2_000
"""How many characters before its first mask the beginning of a paragraph is looked for."""
_BLANK_LINE = re.compile(r"(?:\r\n|\r(?!\n)|\n)[^\S\r\n]*(?:\r\n|\r(?!\n)|\n)")
_UNKNOWN = "…"


@dataclass(frozen=True, slots=True)
class Masked:
    """What a lens whose title is still to be found is about: the masks in a span of a document's version."""

    uri: str
    version: int
    start: Position
    end: Position

    @staticmethod
    def read(data: Any) -> Masked:
        """From what a client gave back.

        Raises:
            ValueError: that was not ours.
        """
        try:
            ends = (data["range"][end] for end in ("start", "end"))
            start, end = (Position(int(at["line"]), int(at["character"])) for at in ends)
            return Masked(str(data["uri"]), int(data["version"]), start, end)
        except (KeyError, TypeError) as error:
            raise ValueError("the lens is not one of ours") from error


def lenses(document: TextDocument) -> list[types.CodeLens]:
    """For each paragraph with masks one to fill them; and one to be resolved, if it is known what they all hide."""
    found = []
    for masks in islice(_paragraphs(document), _MOST_PARAGRAPHS):
        start, end = masks[0][0], masks[-1][1]
        line = document.position(_beginning(document, start)).line
        above = types.Range(types.Position(line, 0), types.Position(line, 0))
        argument = {"uri": document.uri, "range": _plain(span_range(document, (start, end)))}
        title = "1 mask: fill" if len(masks) == 1 else f"{len(masks)} masks: fill all"
        found.append(types.CodeLens(above, types.Command(title, FILL_ALL, arguments=[argument])))
        if [mask for mask, _ in document.masked_words.words(start, end)] == masks:
            found.append(types.CodeLens(above, data={**argument, "version": document.version}))
    return found


def resolved(lens: types.CodeLens, about: Masked, loss: float) -> types.CodeLens:
    """A lens with what the model makes of the words that its masks hide: ``loss`` in nats."""
    place = types.Range(types.Position(*about.start), types.Position(*about.end))
    argument = {"uri": about.uri, "range": _plain(place)}
    command = types.Command(f"loss {loss:.2f} nats for the hidden words", UNMASK, arguments=[argument])
    return types.CodeLens(lens.range, command, lens.data)


def question(passage: Passage, asked: Sequence[Span], words: Mapping[Span, str]) -> LossQuestion:
    """What the masks ``asked`` for hide, in a passage where the others stand for themselves.

    Args:
        words: of masks by their places in the document; of each that is asked for, and others if they are known.
    """
    text, at = "", 0
    masks: list[Span] = []
    hidden: list[str] = []
    for number, (start, end) in enumerate(passage.masks):
        place = passage.document_span(number)
        text += passage.text[at:start]
        at = end
        if place is not None and place in asked:
            masks.append((len(text), len(text) + len(MASK)))
            hidden.append(words[place])
            text += MASK
        else:
            text += words.get(place, _UNKNOWN) if place is not None else _UNKNOWN
    return LossQuestion(text + passage.text[at:], tuple(masks), tuple(hidden))


def mean_loss(questions: Sequence[LossQuestion], losses: Sequence[float]) -> float:
    """Of a paragraph that is read in several passages, each by the number of its words."""
    counts = [len(question.words) for question in questions]
    return sum(loss * count for loss, count in zip(losses, counts, strict=True)) / sum(counts)


def _paragraphs(document: TextDocument) -> Iterator[list[Span]]:
    """The document's masks, those without a blank line between them together."""
    together: list[Span] = []
    for mask in document.masks(0, len(document)):
        if together and _BLANK_LINE.search(document.slice(together[-1][1], mask[0])):
            yield together
            together = []
        together.append(mask)
    if together:
        yield together


def _beginning(document: TextDocument, index: int) -> int:
    """Where the paragraph at ``index`` begins; if that is far, ``index`` itself."""
    low = max(0, index - _LONGEST_PARAGRAPH)
    text = document.slice(low, index)
    blank = None
    for blank in _BLANK_LINE.finditer(text):  # noqa: B007 - the last
        pass
    if blank is not None:
        return low + blank.end()
    return index if low else 0


def _plain(place: types.Range) -> dict[str, Any]:
    return {
        name: {"line": at.line, "character": at.character} for name, at in (("start", place.start), ("end", place.end))
    }
