"""A text document as the protocol sees it: lines, positions, masks and edits."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from copy import copy
from functools import partial
from typing import NamedTuple

from fillmask_ls import MASK
from fillmask_ls.spans import Span

from .chunks import CHUNK_SIZE, Chunks
from .masked_words import MARGIN, MaskedWords
from .positions import Encoding, to_index, width
from .surrogates import is_pair, join_pairs, split_pair


class Position(NamedTuple):
    """A line, from 0, and a column in the client's code units."""

    line: int
    column: int


class TextDocument:
    """An open document. Indexes count characters from its start.

    Attributes:
        uri, language_id, version: as the client sent them.
        encoding: of the columns in every position.
        masked_words: the words that its masks hide, learned from its edits.
        last_edit: where the last edit started.
    """

    def __init__(
        self,
        uri: str,
        text: str,
        *,
        encoding: Encoding = Encoding.UTF16,
        version: int = 0,
        language_id: str = "",
        chunk_size: int = CHUNK_SIZE,
    ) -> None:
        self.uri = uri
        self.version = version
        self.language_id = language_id
        self.encoding = encoding
        self.masked_words = MaskedWords()
        self.last_edit = 0
        self._chunk_size = chunk_size
        self._chunks = self._cut(text)

    def snapshot(self) -> TextDocument:
        """Return a copy that later edits don't change; it shares the text, so it costs microseconds."""
        duplicate = copy(self)
        duplicate._chunks, duplicate.masked_words = self._chunks.copy(), self.masked_words.copy()
        return duplicate

    @property
    def text(self) -> str:
        """The whole text, with its own line ends."""
        return self._chunks.text

    def __len__(self) -> int:
        return self._chunks.before(len(self._chunks)).characters

    @property
    def line_count(self) -> int:
        """At least 1: an empty document has one empty line."""
        return self._chunks.before(len(self._chunks)).lines + 1

    def slice(self, start: int, end: int) -> str:
        """Return the characters from ``start`` to ``end``; indexes outside the text are clamped."""
        return self._chunks.slice(start, end)

    def line_span(self, number: int) -> Span:
        """Return the span of a line without its end; after the last line, the empty span at the document's end."""
        start, end = self._line_start(number), self._line_start(number + 1)
        line_end = self.slice(max(start, end - 2), end)
        return start, end - len(line_end) + len(line_end.rstrip("\r\n"))

    def line(self, number: int) -> str:
        """Return the text of a line without its end; empty if there is no such line."""
        return self.slice(*self.line_span(number))

    def index(self, position: Position) -> int:
        """Return the index of a position.

        A column past its line's end becomes the line's end, one inside a character the character's start; a line past
        the last one becomes the document's end.
        """
        line, column = max(0, position.line), max(0, position.column)
        start = self._line_start(line)
        units = self._units_before(start) + column
        number = self._chunks.last_number("units", units)
        before = self._chunks.before(number)
        if before.lines > line:
            return self.line_span(line)[1]
        chunk = self._chunks[number]
        index = to_index(chunk.text, units - before.units, self.encoding)
        if line - before.lines < len(chunk.line_starts):
            end = chunk.line_starts[line - before.lines]
            index = min(index, end - 2 if chunk.text[end - 2 : end] == "\r\n" else end - 1)
        return max(start, before.characters + index)

    def position(self, index: int) -> Position:
        """Return the position of an index from 0 to the document's length."""
        number = self._chunks.number_at(index)
        before = self._chunks.before(number)
        line = before.lines + bisect_right(self._chunks[number].line_starts, index - before.characters)
        return Position(line, self._units_before(index) - self._units_before(self._line_start(line)))

    def positions(self, indexes: Iterable[int]) -> Iterator[Position]:
        """Yield the positions of ascending indexes, each from 0 to the document's length; walks the text once."""
        number = -1
        start = end = offset = line = column = 0
        text, line_starts = "", ()  # type: tuple[str, tuple[int, ...]]
        for index in indexes:
            if number < 0 or index >= end:
                number = self._chunks.number_at(index)
                text, line_starts = self._chunks[number].text, self._chunks[number].line_starts
                start = self._chunks.before(number).characters
                end, offset = start + len(text), 0
                line, column = self.position(start)
            lines_before = bisect_right(line_starts, offset)
            lines_after = bisect_right(line_starts, index - start)
            if lines_after > lines_before:
                line, column, offset = line + lines_after - lines_before, 0, line_starts[lines_after - 1]
            column += width(text[offset : index - start], self.encoding)
            offset = index - start
            yield Position(line, column)

    @property
    def has_masks(self) -> bool:
        """Whether the document contains a mask; reads no text."""
        return self._chunks.has_masks

    def masks(self, start: int, end: int) -> list[Span]:
        """Return the spans of the masks that are wholly between ``start`` and ``end``, in order."""
        if start >= end:
            return []
        spans: list[Span] = []
        for number in range(self._chunks.number_at(start), self._chunks.number_at(end) + 1):
            offset = self._chunks.before(number).characters
            spans += [(offset + mask, offset + mask + len(MASK)) for mask in self._chunks[number].masks]
        return [span for span in spans if start <= span[0] and span[1] <= end]

    def replace(self, start: Position, end: Position, text: str) -> None:
        """Replace the characters from ``start`` to ``end``; positions outside the document are clamped.

        A UTF-16 position inside a surrogate pair splits it, as in the client's text: the half outside the range stays.
        """
        edge = self._edge(start)
        (low, splits_low), (high, splits_high) = sorted((edge, edge if end == start else self._edge(end)))
        if splits_low:
            text = split_pair(self.slice(low, low + 1))[0] + text
        if splits_high:
            text += split_pair(self.slice(high, high + 1))[1]
            high += 1
        if self.encoding is Encoding.UTF16:
            low, high, text = self._with_joined_pairs(low, high, text)
        before, after = self.slice(low - MARGIN, low), self.slice(high, high + MARGIN)
        if self.masked_words or MASK in before + text + after:
            self.masked_words.edit(low, self.slice(low, high), text, before=before, after=after)
        self._chunks.replace(low, high, text)
        self.last_edit = low

    def replace_all(self, text: str) -> None:
        """Replace the whole text."""
        if self.masked_words or MASK in text:
            self.masked_words.edit(0, self.text, text)
        self._chunks = self._cut(text)
        self.last_edit = 0

    def _cut(self, text: str) -> Chunks:
        return Chunks(text, partial(width, encoding=self.encoding), self._chunk_size)

    def _edge(self, position: Position) -> tuple[int, bool]:
        """Return the index of a position, and whether the position is inside the surrogate pair of the character there."""
        index = self.index(position)
        is_astral = self.encoding is Encoding.UTF16 and self.slice(index, index + 1) > "\uffff"
        return index, is_astral and self.position(index).column < position.column

    def _with_joined_pairs(self, start: int, end: int, text: str) -> tuple[int, int, str]:
        """Return an edit in which surrogates that become neighbors are one character."""
        if text and text.isascii():
            return start, end, text
        before, after = self.slice(start - 1, start), self.slice(end, end + 1)
        if is_pair(before, (text + after)[:1]):
            start, text = start - 1, before + text
        if is_pair(text[-1:], after):
            end, text = end + 1, text + after
        return start, end, join_pairs(text)

    def _line_start(self, number: int) -> int:
        if number <= 0:
            return 0
        chunk_number = self._chunks.last_number("lines", number, below=True)
        before = self._chunks.before(chunk_number)
        line_starts = self._chunks[chunk_number].line_starts
        if number - before.lines > len(line_starts):
            return len(self)
        return before.characters + line_starts[number - before.lines - 1]

    def _units_before(self, index: int) -> int:
        number = self._chunks.number_at(index)
        before = self._chunks.before(number)
        return before.units + width(self._chunks[number].text[: index - before.characters], self.encoding)
