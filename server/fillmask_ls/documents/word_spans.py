"""The word at a cursor or in a selection."""

from __future__ import annotations

from fillmask_ls.spans import Span
from fillmask_ls.words import find_unmasked_words

from .text import TextDocument

_LONGEST_WORD = 64


def word_at(document: TextDocument, index: int) -> Span | None:
    """Return the span of the word that contains the character at ``index``; markup inside a word splits it."""
    return next((span for span in _words_near(document, (index, index)) if span[0] <= index < span[1]), None)


def word_in_selection(document: TextDocument, selection: Span) -> Span | None:
    """Return the span of the word that contains a selection; an empty selection can be at the word's end."""
    words = _words_near(document, selection)
    return next((span for span in words if span[0] <= selection[0] and selection[1] <= span[1]), None)


def _words_near(document: TextDocument, span: Span) -> list[Span]:
    low = max(0, span[0] - _LONGEST_WORD)
    words = find_unmasked_words(document.slice(low, span[1] + _LONGEST_WORD))
    return [(low + start, low + end) for start, end in words]
