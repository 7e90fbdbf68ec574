"""A reference implementation of the protocol's edits on a plain string."""

from __future__ import annotations

import re

from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.text import Position

_CODECS = {Encoding.UTF8: ("utf-8", 1), Encoding.UTF16: ("utf-16-le", 2), Encoding.UTF32: ("utf-32-le", 4)}


def units(text: str, encoding: Encoding) -> int:
    """Return the length of ``text`` in code units."""
    codec, size = _CODECS[encoding]
    return len(text.encode(codec, "surrogatepass")) // size


def split_lines(text: str) -> list[str]:
    """Return the lines of ``text``, split at the protocol's line ends."""
    return re.split("\r\n|\r|\n", text)


class PlainText:
    """A text that a client edits.

    A client that counts in UTF-16 edits code units, so it can split a surrogate pair. In other encodings, a position
    inside a character becomes the character's start.
    """

    def __init__(self, text: str, encoding: Encoding) -> None:
        self.encoding = encoding
        self._characters = self._to_characters(text)

    @property
    def text(self) -> str:
        text = "".join(self._characters)
        if self.encoding is not Encoding.UTF16:
            return text
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")  # joins pairs

    def replace(self, start: Position, end: Position, new: str) -> None:
        low, high = sorted((self._index(start), self._index(end)))
        self._characters[low:high] = self._to_characters(new)

    def _to_characters(self, text: str) -> list[str]:
        if self.encoding is not Encoding.UTF16:
            return list(text)
        code_units = text.encode("utf-16-le", "surrogatepass")
        return [chr(int.from_bytes(code_units[i : i + 2], "little")) for i in range(0, len(code_units), 2)]

    def _index(self, position: Position) -> int:
        text = "".join(self._characters)
        line_starts = [0, *(match.end() for match in re.finditer("\r\n|\r|\n", text))]
        if position.line >= len(line_starts):
            return len(text)
        index, column = line_starts[position.line], position.column
        while index < len(text) and text[index] not in "\r\n":
            column -= units(text[index], self.encoding)
            if column < 0:
                break
            index += 1
        return index
