"""A text document as the protocol sees it, kept line by line so that an edit costs what it touches."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .positions import Encoding, to_index

# The protocol's line ends and no others: form feed, U+0085, U+2028 and U+2029 are ordinary characters.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")


@dataclass(frozen=True, slots=True)
class Position:
    """A line, from 0, and a column in the client's code units."""

    line: int
    column: int


class TextDocument:
    """An open document.

    Attributes:
        uri, language_id, version: as the client gave them.
        encoding: of the columns in every position.
    """

    def __init__(
        self, uri: str, text: str, *, encoding: Encoding = Encoding.UTF16, version: int = 0, language_id: str = ""
    ) -> None:
        self.uri = uri
        self.version = version
        self.language_id = language_id
        self.encoding = encoding
        self._lines = _split(text)

    @property
    def text(self) -> str:
        """The whole text, line ends as they are."""
        return "".join(self._lines)

    @property
    def line_count(self) -> int:
        """At least 1: an empty document has one empty line."""
        return len(self._lines)

    def line(self, number: int) -> str:
        """A line without its end; a line that does not exist is empty."""
        return self._lines[number].rstrip("\r\n") if 0 <= number < len(self._lines) else ""

    def index(self, position: Position) -> int:
        """The index in its line of a position; a column past the line's end is the end."""
        return to_index(self.line(position.line), position.column, self.encoding)

    def replace(self, start: Position, end: Position, text: str) -> None:
        """Put ``text`` where the characters from ``start`` up to ``end`` are; positions outside are clamped."""
        first, first_index = self._clamped(start)
        last, last_index = self._clamped(end)
        if (last, last_index) < (first, first_index):
            (first, first_index), (last, last_index) = (last, last_index), (first, first_index)
        middle = self._lines[first][:first_index] + text + self._lines[last][last_index:]
        if middle.startswith("\n") and first > 0 and self._lines[first - 1].endswith("\r"):
            first -= 1
            middle = self._lines[first] + middle
        lines = _split(middle)
        if last + 1 < len(self._lines) and not lines[-1]:
            del lines[-1]  # the next line begins where this text ends
        self._lines[first : last + 1] = lines

    def replace_all(self, text: str) -> None:
        """Put ``text`` in place of the whole document."""
        self._lines = _split(text)

    def _clamped(self, position: Position) -> tuple[int, int]:
        if position.line >= len(self._lines):
            return len(self._lines) - 1, len(self._lines[-1])
        return position.line, self.index(position)


def _split(text: str) -> list[str]:
    """Lines with their ends; the last has none, and may be empty."""
    lines = _LINE.findall(text)
    if not lines or lines[-1].endswith(("\r", "\n")):
        lines.append("")
    return lines
