"""A long text in chunks: the time of an edit doesn't depend on the length of the text."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal, NamedTuple

from fillmask_ls import MASK
from fillmask_ls.words import find_masks

CHUNK_SIZE = 4096
"""Characters in a chunk: copying and searching this many takes a few microseconds."""

# The protocol's line ends: form feed, U+0085, U+2028 and U+2029 are ordinary characters.
LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """A part of a text; it ends neither inside a mask nor between CR and LF.

    Attributes:
        text: its characters.
        line_starts: the index after each line end.
        masks: the start of each mask.
        units: its width in code units.
    """

    text: str
    line_starts: tuple[int, ...]
    masks: tuple[int, ...]
    units: int


class Totals(NamedTuple):
    """How much text precedes a chunk."""

    characters: int = 0
    lines: int = 0
    units: int = 0


class Chunks:
    """The chunks of one text, found by characters, lines or code units.

    Args:
        text: any text.
        width: returns the width of a text in code units.
        size: how many characters a chunk has.
    """

    def __init__(self, text: str, width: Callable[[str], int], size: int = CHUNK_SIZE) -> None:
        self._width = width
        self._size = size
        self._chunks = self._cut(text)
        # The totals before each chunk up to the last edit. Later ones are added when they are needed.
        self._totals = [Totals()]

    def __len__(self) -> int:
        return len(self._chunks)

    def __getitem__(self, number: int) -> Chunk:
        return self._chunks[number]

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(chunk.text for chunk in self._chunks)

    @property
    def has_masks(self) -> bool:
        """Whether any chunk contains a mask; reads no text."""
        return any(chunk.masks for chunk in self._chunks)

    def copy(self) -> Chunks:
        """Return a copy that shares the chunks themselves."""
        duplicate = copy(self)
        duplicate._chunks, duplicate._totals = self._chunks.copy(), self._totals.copy()
        return duplicate

    def slice(self, start: int, end: int) -> str:
        """Return the characters from ``start`` to ``end``; indexes outside the text are clamped."""
        start = max(0, start)
        if start >= end:
            return ""
        first, last = self.number_at(start), self.number_at(end)
        text = "".join(chunk.text for chunk in self._chunks[first : last + 1])
        offset = self.before(first).characters
        return text[start - offset : end - offset]

    def replace(self, start: int, end: int, text: str) -> None:
        """Replace the characters from ``start`` to ``end``, both inside the text."""
        first, last = self.number_at(start), self.number_at(end)
        before = self._chunks[first].text[: start - self.before(first).characters]
        after = self._chunks[last].text[end - self.before(last).characters :]
        # Keep chunks large and their ends far from the edit, so that no mask and no CRLF can form across an end.
        while first > 0 and len(before) < self._size // 4:
            first -= 1
            before = self._chunks[first].text + before
        while last + 1 < len(self._chunks) and len(after) < self._size // 4:
            last += 1
            after += self._chunks[last].text
        self._chunks[first : last + 1] = self._cut(before + text + after)
        del self._totals[first + 1 :]

    def before(self, number: int) -> Totals:
        """Return the totals before a chunk; with the number of chunks, those of the whole text."""
        while len(self._totals) <= number:
            self._add_totals()
        return self._totals[number]

    def number_at(self, index: int) -> int:
        """Return the number of the chunk that contains the character at ``index``."""
        return self.last_number("characters", index)

    def last_number(self, unit: Literal["characters", "lines", "units"], limit: int, *, below: bool = False) -> int:
        """Return the number of the last chunk with at most ``limit`` of a unit before it, or ``below`` the limit."""
        key = attrgetter(unit)
        while key(self._totals[-1]) <= limit and len(self._totals) <= len(self._chunks):
            self._add_totals()
        search = bisect_left if below else bisect_right
        return min(max(0, search(self._totals, limit, key=key) - 1), len(self._chunks) - 1)

    def _add_totals(self) -> None:
        characters, lines, units = self._totals[-1]
        chunk = self._chunks[len(self._totals) - 1]
        self._totals.append(Totals(characters + len(chunk.text), lines + len(chunk.line_starts), units + chunk.units))

    def _cut(self, text: str) -> list[Chunk]:
        chunks = []
        start = 0
        while len(text) - start > 2 * self._size:
            end = chunk_end(text, start + self._size)
            chunks.append(self._chunk(text[start:end]))
            start = end
        chunks.append(self._chunk(text[start:]))
        return chunks

    def _chunk(self, text: str) -> Chunk:
        line_starts = tuple(match.end() for match in LINE_END.finditer(text))
        masks = tuple(start for start, _ in find_masks(text))
        return Chunk(text, line_starts, masks, self._width(text))


def chunk_end(text: str, index: int) -> int:
    """Return the first index from ``index`` on that is neither inside a mask nor between CR and LF."""
    mask = text.find(MASK, index - len(MASK) + 1, index + len(MASK) - 1)
    if mask >= 0:
        index = mask + len(MASK)
    return index + 1 if text[index - 1 : index + 1] == "\r\n" else index
