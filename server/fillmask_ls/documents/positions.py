"""Every conversion between a client's columns and Python's string indexes.

A client counts a line's characters in code units of the encoding that was negotiated: bytes of utf-8, 16-bit units
of utf-16, or characters of utf-32. Python counts characters.
"""

from __future__ import annotations

from bisect import bisect_right
from enum import Enum

_CHUNK = 1024
"""How many characters of a long line to measure at once."""


class Encoding(str, Enum):
    """The protocol's ``PositionEncodingKind``."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


def width(text: str, encoding: Encoding) -> int:
    """The length of ``text`` in code units."""
    if encoding is Encoding.UTF32 or text.isascii():
        return len(text)
    # A document can hold half a surrogate pair: JSON can say it.
    if encoding is Encoding.UTF8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def to_index(line: str, column: int, encoding: Encoding) -> int:
    """The index in ``line`` of a column in code units.

    A column past the end is the end; one inside a character is the character's start.
    """
    if encoding is Encoding.UTF32 or line.isascii():
        return max(0, min(column, len(line)))
    start, column = 0, max(0, column)
    while (units := width(chunk := line[start : start + _CHUNK], encoding)) <= column and chunk:
        start, column = start + len(chunk), column - units
    return start + bisect_right(range(len(chunk) + 1), column, key=lambda index: width(chunk[:index], encoding)) - 1
