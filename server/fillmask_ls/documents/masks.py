"""Which mask a cursor is at."""

from __future__ import annotations

from dataclasses import dataclass

import regex

from fillmask_ls import MASK
from fillmask_ls.spans import Span

from .text import TextDocument

_LONGEST_PREFIX = 64
_LINES = 100
_TYPED_BEHIND = regex.compile(regex.escape(MASK) + r"([\p{L}\p{M}\p{N}]+(?:['’\-][\p{L}\p{M}\p{N}]*)*)\Z")


@dataclass(frozen=True, slots=True)
class Target:
    """A mask in a document and what was typed straight behind it, up to the cursor; or a word."""

    start: int
    end: int
    prefix: str = ""

    @property
    def typed_end(self) -> int:
        """Where the prefix ends: at the mask's end when there is none."""
        return self.end + len(self.prefix)


def mask_at(document: TextDocument, index: int) -> Target | None:
    """The mask that the character at ``index`` belongs to; at the end of a mask, that mask."""
    near = document.masks(index - len(MASK), index + len(MASK))
    inside = [Target(start, end) for start, end in near if start <= index <= end]
    return inside[-1] if inside else None


def mask_in_selection(document: TextDocument, span: Span) -> Target | None:
    """The mask at the beginning of a selection, or the only one that it touches: in Helix a cursor is a selection, too."""
    found = mask_at(document, span[0])
    if found or span[0] == span[1]:
        return found
    near = document.masks(span[0] - len(MASK) + 1, span[1] + len(MASK) - 1)
    return Target(*near[0]) if len(near) == 1 else None


def mask_before_cursor(document: TextDocument, index: int) -> Target | None:
    """The mask that a cursor at ``index`` completes: the cursor is inside it, at its end, or behind letters there."""
    low = max(0, index - len(MASK) - _LONGEST_PREFIX)
    typed = _TYPED_BEHIND.search(document.slice(low, index))
    if typed:
        return Target(low + typed.start(), low + typed.start(1), typed[1])
    target = mask_at(document, index - 1) if index else None
    return target if target and target.start < index <= target.end else None


def paragraph(document: TextDocument, index: int) -> Span:
    """The lines around an index up to a blank one on either side, a hundred at most."""
    line = document.position(index).line
    first = last = line
    while first > max(0, line - _LINES) and document.line(first - 1).strip():
        first -= 1
    while last + 1 < min(document.line_count, line + _LINES) and document.line(last + 1).strip():
        last += 1
    return document.line_span(first)[0], document.line_span(last)[1]


def partial_mask(document: TextDocument, index: int) -> Span | None:
    """The beginning of a mask that was typed up to ``index`` (``[``, ``[M``, ...), with a bracket closed behind it."""
    low = max(0, index - len(MASK) + 1)
    typed = document.slice(low, index)
    start = typed.rfind("[")
    if start < 0 or not MASK.startswith(typed[start:].upper()):
        return None
    return low + start, index + (document.slice(index, index + 1) == "]")
