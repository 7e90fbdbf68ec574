"""Which word a cursor is at."""

from __future__ import annotations

import regex

from .text import Span, TextDocument

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:['’\-][\p{L}\p{M}\p{N}]+)*")
_LONGEST = 100


def word_at(document: TextDocument, span: Span) -> Span | None:
    """The one word that a cursor is in or at the end of, or that is selected; None where there is none, or a mask."""
    start, end = span
    low = max(0, start - _LONGEST)
    for found in _WORD.finditer(document.slice(low, end + _LONGEST)):
        at = low + found.start(), low + found.end()
        if at[0] <= start and end <= at[1]:
            return None if document.masks(at[0] - 1, at[1] + 1) else at
    return None
