"""The word at a cursor, or the gap between two words."""

from __future__ import annotations

from dataclasses import dataclass

from fillmask_ls.spans import Span
from fillmask_ls.words import is_after_gap

from .text import TextDocument
from .word_spans import word_in_selection


@dataclass(frozen=True, slots=True)
class InsertionPoint:
    """A span that a word can fill.

    Attributes:
        span: the word at the cursor; empty between two words.
        prefix: the letters of the word before the cursor.
        word: the whole word; empty between two words.
    """

    span: Span
    prefix: str = ""
    word: str = ""

    @property
    def is_at_word_end(self) -> bool:
        """Whether the cursor is after the last letter of a word."""
        return bool(self.word) and self.prefix == self.word


def insertion_point_at(document: TextDocument, index: int) -> InsertionPoint | None:
    """Return the word at ``index``, or the gap between two words; None after a character that a word can't follow."""
    span = word_in_selection(document, (index, index))
    if span is not None:
        return InsertionPoint(span, document.slice(span[0], index), document.slice(*span))
    start = max(document.line_span(document.position(index).line)[0], index - 2)
    return InsertionPoint((index, index)) if is_after_gap(document.slice(start, index)) else None
