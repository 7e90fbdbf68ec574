"""Where the masks are, and which one a cursor is at."""

from __future__ import annotations

from dataclasses import dataclass

import regex

from fillmask_ls import MASK

Span = tuple[int, int]
"""Characters from the first up to but not including the second."""

_MASK = regex.compile(regex.escape(MASK))
_LONGEST_PREFIX = 64
_TYPED_BEHIND = regex.compile(regex.escape(MASK) + r"([\p{L}\p{M}\p{N}]+(?:['’\-][\p{L}\p{M}\p{N}]*)*)\Z")


@dataclass(frozen=True, slots=True)
class Target:
    """A mask in a line and what was typed straight behind it, up to the cursor."""

    start: int
    end: int
    prefix: str = ""

    @property
    def typed_end(self) -> int:
        """Where the prefix ends: at the mask's end when there is none."""
        return self.end + len(self.prefix)


def find(line: str) -> list[Span]:
    """The span of every mask in ``line``, in order."""
    return [match.span() for match in _MASK.finditer(line)]


def under(line: str, index: int) -> Target | None:
    """The mask that the character at ``index`` belongs to; at the end of a mask, that mask."""
    low = max(0, index - len(MASK))
    inside = [Target(a + low, b + low) for a, b in find(line[low : index + len(MASK)]) if a + low <= index <= b + low]
    return inside[-1] if inside else None


def behind(line: str, index: int) -> Target | None:
    """The mask that a cursor at ``index`` completes: the cursor is inside it, at its end, or behind letters there."""
    low = max(0, index - len(MASK) - _LONGEST_PREFIX)
    typed = _TYPED_BEHIND.search(line[low:index])
    if typed:
        return Target(low + typed.start(), low + typed.start(1), typed[1])
    target = under(line, index - 1) if index else None
    return target if target and target.start < index <= target.end else None


def opened(line: str, index: int) -> Span | None:
    """The beginning of a mask that was typed up to ``index`` (``[``, ``[M``, ...), with a bracket closed behind it."""
    start = line.rfind("[", max(0, index - len(MASK) + 1), index)
    if start < 0 or not MASK.startswith(line[start:index].upper()):
        return None
    return start, index + (line[index : index + 1] == "]")
