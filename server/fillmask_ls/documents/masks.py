"""The mask at a cursor, a selection or a pointer, and the paragraph around it."""

from __future__ import annotations

from dataclasses import dataclass

from fillmask_ls import MASK
from fillmask_ls.spans import Span
from fillmask_ls.words import find_misspelled_masks, find_typed_prefix

from .text import TextDocument

_LONGEST_PREFIX = 64
_MAX_LINES = 100


@dataclass(frozen=True, slots=True)
class Focus:
    """A word of a document, or a mask with the letters that were typed directly after it, up to the cursor."""

    start: int
    end: int
    prefix: str = ""

    @property
    def typed_end(self) -> int:
        """The end of the prefix; without a prefix, the mask's end."""
        return self.end + len(self.prefix)


def mask_at(document: TextDocument, index: int) -> Focus | None:
    """Return the mask that contains ``index`` or ends there; between two masks, the second."""
    nearby = document.masks(index - len(MASK), index + len(MASK))
    masks = [Focus(start, end) for start, end in nearby if start <= index <= end]
    return masks[-1] if masks else None


def mask_in_selection(document: TextDocument, span: Span) -> Focus | None:
    """Return the mask at the start of a selection, or the only mask that it touches.

    In Helix every cursor is a selection.
    """
    focus = mask_at(document, span[0])
    if focus or span[0] == span[1]:
        return focus
    touched = document.masks(span[0] - len(MASK) + 1, span[1] + len(MASK) - 1)
    return Focus(*touched[0]) if len(touched) == 1 else None


def mask_before_cursor(document: TextDocument, index: int) -> Focus | None:
    """Return the mask to complete: the cursor is inside it, at its end, or after letters that follow it directly."""
    low = max(0, index - len(MASK) - _LONGEST_PREFIX)
    typed = find_typed_prefix(document.slice(low, index))
    if typed:
        (start, end), prefix = typed
        return Focus(low + start, low + end, prefix)
    focus = mask_at(document, index - 1) if index else None
    return focus if focus and focus.start < index <= focus.end else None


def is_at_mask(document: TextDocument, word: Span) -> bool:
    """Return whether a word is in another spelling of a mask, begins one, or ends the word that a mask begins: its *'s*."""
    before = document.slice(max(0, word[0] - len(MASK) - 1), word[0])
    begins_mask = before.endswith("[") and MASK.startswith(f"[{document.slice(*word).upper()}")
    return begins_mask or before.rstrip("'’").endswith(MASK) or misspelled_mask_at(document, word[0]) is not None


def misspelled_mask_at(document: TextDocument, index: int) -> Span | None:
    """Return the span of another spelling of a mask at ``index``, such as ``<mask>`` or ``[mask]``."""
    low = max(0, index - len(MASK))
    spans = ((low + start, low + end) for start, end in find_misspelled_masks(document.slice(low, index + len(MASK))))
    return next((span for span in spans if span[0] <= index <= span[1]), None)


def partial_mask(document: TextDocument, index: int) -> Span | None:
    """Return the span of the start of a mask (``[``, ``[M``, ...) before ``index``, with a closing bracket after it."""
    low = max(0, index - len(MASK) + 1)
    typed = document.slice(low, index)
    start = typed.rfind("[")
    if start < 0 or not MASK.startswith(typed[start:].upper()):
        return None
    return low + start, index + (document.slice(index, index + 1) == "]")


def paragraph(document: TextDocument, index: int) -> Span:
    """Return the span of the lines around ``index`` between two blank lines, at most a hundred in each direction."""
    line = document.position(index).line
    first = last = line
    while first > max(0, line - _MAX_LINES) and document.line(first - 1).strip():
        first -= 1
    while last + 1 < min(document.line_count, line + _MAX_LINES) and document.line(last + 1).strip():
        last += 1
    return document.line_span(first)[0], document.line_span(last)[1]
