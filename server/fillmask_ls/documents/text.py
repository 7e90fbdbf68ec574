"""A text document as the protocol sees it, kept in chunks so that an edit costs what it touches."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from fillmask_ls import MASK
from fillmask_ls.spans import Span
from fillmask_ls.words import find_masks

from .masked_words import NEAR, MaskedWords
from .positions import Encoding, to_index, width

_SIZE = 4096
"""How many characters a chunk is cut to: copying and searching so many costs some microseconds."""

# The protocol's line ends and no others: form feed, U+0085, U+2028 and U+2029 are ordinary characters.
LINE_END = re.compile(r"\r\n|\r|\n")


class Position(NamedTuple):
    """A line, from 0, and a column in the client's code units."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, eq=False)
class _Chunk:
    """A part of the text that ends neither inside a mask nor between CR and LF.

    ``lines``: the index behind each line end; ``masks``: the index of each mask; ``units``: the length in code units.
    """

    text: str
    lines: tuple[int, ...]
    masks: tuple[int, ...]
    units: int


class _Before(NamedTuple):
    """How much of the document lies before a chunk."""

    characters: int = 0
    lines: int = 0
    units: int = 0


class TextDocument:
    """An open document. Indexes count characters from its beginning.

    Attributes:
        uri, language_id, version: as the client gave them.
        encoding: of the columns in every position.
        hidden: the words that its masks hide, learnt from its edits.
        edited: where the last change began.
    """

    def __init__(
        self, uri: str, text: str, *, encoding: Encoding = Encoding.UTF16, version: int = 0, language_id: str = ""
    ) -> None:
        self.uri = uri
        self.version = version
        self.language_id = language_id
        self.encoding = encoding
        self.masked_words = MaskedWords()
        self._begin(text)

    def snapshot(self) -> TextDocument:
        """The document as it stands, whatever happens to this one; its chunks are shared, so it costs microseconds."""
        taken = copy(self)
        taken._chunks, taken._sums, taken.masked_words = list(self._chunks), list(self._sums), self.masked_words.copy()
        return taken

    @property
    def text(self) -> str:
        """The whole text, line ends as they are."""
        return "".join(chunk.text for chunk in self._chunks)

    def __len__(self) -> int:
        return self._sum(len(self._chunks)).characters

    @property
    def line_count(self) -> int:
        """At least 1: an empty document has one empty line."""
        return self._sum(len(self._chunks)).lines + 1

    def slice(self, start: int, end: int) -> str:
        """The characters from ``start`` up to ``end``, as far as there are any."""
        start = max(0, start)
        if start >= end:
            return ""
        first, last = self._chunk_at(start), self._chunk_at(end)
        text = "".join(chunk.text for chunk in self._chunks[first : last + 1])
        begin = self._sum(first).characters
        return text[start - begin : end - begin]

    def line_span(self, number: int) -> Span:
        """A line without its end; behind the last one, nothing at the document's end."""
        start = self._line_start(number)
        end = self._line_start(number + 1)
        last = self.slice(max(start, end - 2), end)
        return start, end - len(last) + len(last.rstrip("\r\n"))

    def line(self, number: int) -> str:
        """The text of a line without its end; a line that does not exist is empty."""
        return self.slice(*self.line_span(number))

    def index(self, position: Position) -> int:
        """The index of a position; past its line's end it is the line's end, past the last line the text's end."""
        line, column = max(0, position.line), max(0, position.column)
        start = self._line_start(line)
        before_start = self._units_before(start)
        chunk = self._last_chunk("units", before_start + column)
        before = self._sum(chunk)
        if before.lines > line:
            return self.line_span(line)[1]
        text = self._chunks[chunk].text
        index = to_index(text, before_start + column - before.units, self.encoding)
        ends = self._chunks[chunk].lines
        if line - before.lines < len(ends):
            end = ends[line - before.lines]
            index = min(index, end - 2 if text[end - 2 : end] == "\r\n" else end - 1)
        return max(start, before.characters + index)

    def position(self, index: int) -> Position:
        """The position of an index from 0 to the document's length."""
        chunk = self._chunk_at(index)
        before = self._sum(chunk)
        line = before.lines + bisect_right(self._chunks[chunk].lines, index - before.characters)
        return Position(line, self._units_before(index) - self._units_before(self._line_start(line)))

    def positions(self, indexes: Iterable[int]) -> Iterator[Position]:
        """The positions of indexes that rise, each from 0 to the document's length: one walk for all of them."""
        chunk = -1
        begin = end = at = line = column = 0
        text, ends = "", ()  # type: tuple[str, tuple[int, ...]]
        for index in indexes:
            if chunk < 0 or index >= end:
                chunk = self._chunk_at(index)
                text, ends = self._chunks[chunk].text, self._chunks[chunk].lines
                begin = self._sum(chunk).characters
                end, at = begin + len(text), 0
                line, column = self.position(begin)
            passed = bisect_right(ends, index - begin)
            skipped = bisect_right(ends, at)
            if passed > skipped:
                line, column, at = line + passed - skipped, 0, ends[passed - 1]
            column += width(text[at : index - begin], self.encoding)
            at = index - begin
            yield Position(line, column)

    @property
    def has_masks(self) -> bool:
        """Whether there is any mask; costs a look at each chunk, and none at the text."""
        return any(chunk.masks for chunk in self._chunks)

    def masks(self, start: int, end: int) -> list[Span]:
        """The masks that lie wholly between ``start`` and ``end``, in order."""
        if start >= end:
            return []
        found = []
        for number in range(self._chunk_at(start), self._chunk_at(end) + 1):
            begin = self._sum(number).characters
            found += [(begin + mask, begin + mask + len(MASK)) for mask in self._chunks[number].masks]
        return [(low, high) for low, high in found if start <= low and high <= end]

    def replace(self, start: Position, end: Position, text: str) -> None:
        """Put ``text`` where the characters from ``start`` up to ``end`` are; positions outside are clamped."""
        low, high = sorted((self.index(start), self.index(end)))
        first, last = self._chunk_at(low), self._chunk_at(high)
        before = self._chunks[first].text[: low - self._sum(first).characters]
        after = self._chunks[last].text[high - self._sum(last).characters :]
        # Chunks stay large, and their ends are far from what changes: no mask or CRLF can come to lie across one.
        while first > 0 and len(before) < _SIZE // 4:
            first -= 1
            before = self._chunks[first].text + before
        while last + 1 < len(self._chunks) and len(after) < _SIZE // 4:
            last += 1
            after += self._chunks[last].text
        if self.masked_words or MASK in before[-NEAR:] + text + after[:NEAR]:
            self.masked_words.edit(low, self.slice(low, high), text, before=before[-NEAR:], after=after[:NEAR])
        self._chunks[first : last + 1] = self._cut(before + text + after)
        del self._sums[first + 1 :]
        self.edited = low

    def replace_all(self, text: str) -> None:
        """Put ``text`` in place of the whole document."""
        if self.masked_words or MASK in text:
            self.masked_words.edit(0, self.text, text)
        self._begin(text)

    def _begin(self, text: str) -> None:
        self._chunks = self._cut(text)
        # What lies before each chunk, known up to the last edit; what lies further is added up when it is asked for.
        self._sums = [_Before()]
        self.edited = 0

    def _cut(self, text: str) -> list[_Chunk]:
        chunks = []
        start = 0
        while len(text) - start > 2 * _SIZE:
            end = _boundary(text, start + _SIZE)
            chunks.append(self._chunk(text[start:end]))
            start = end
        chunks.append(self._chunk(text[start:]))
        return chunks

    def _chunk(self, text: str) -> _Chunk:
        lines = tuple(match.end() for match in LINE_END.finditer(text))
        masks = tuple(start for start, _ in find_masks(text))
        return _Chunk(text, lines, masks, width(text, self.encoding))

    def _sum(self, chunk: int) -> _Before:
        """What lies before a chunk, or before the document's end."""
        while len(self._sums) <= chunk:
            self._add_up()
        return self._sums[chunk]

    def _add_up(self) -> None:
        characters, lines, units = self._sums[-1]
        chunk = self._chunks[len(self._sums) - 1]
        self._sums.append(_Before(characters + len(chunk.text), lines + len(chunk.lines), units + chunk.units))

    def _last_chunk(self, count: str, most: int, *, below: bool = False) -> int:
        """The last chunk before which there are at most ``most`` (or ``below`` it) of what is counted."""
        key = attrgetter(count)
        while key(self._sums[-1]) <= most and len(self._sums) <= len(self._chunks):
            self._add_up()
        search = bisect_left if below else bisect_right
        return min(max(0, search(self._sums, most, key=key) - 1), len(self._chunks) - 1)

    def _chunk_at(self, index: int) -> int:
        return self._last_chunk("characters", index)

    def _line_start(self, number: int) -> int:
        if number <= 0:
            return 0
        chunk = self._last_chunk("lines", number, below=True)
        before = self._sum(chunk)
        lines = self._chunks[chunk].lines
        if number - before.lines > len(lines):
            return len(self)
        return before.characters + lines[number - before.lines - 1]

    def _units_before(self, index: int) -> int:
        chunk = self._chunk_at(index)
        before = self._sum(chunk)
        return before.units + width(self._chunks[chunk].text[: index - before.characters], self.encoding)


def _boundary(text: str, at: int) -> int:
    """The first index from ``at`` on that lies neither inside a mask nor between CR and LF."""
    mask = text.find(MASK, at - len(MASK) + 1, at + len(MASK) - 1)
    if mask >= 0:
        at = mask + len(MASK)
    return at + 1 if text[at - 1 : at + 1] == "\r\n" else at
