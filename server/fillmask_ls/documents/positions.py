"""Every conversion between a client's columns and Python's string indexes.

A client counts a line's characters in code units of the encoding that was negotiated: bytes of utf-8, 16-bit units
of utf-16, or characters of utf-32. Python counts characters.
"""

from __future__ import annotations

from bisect import bisect_right
from enum import Enum


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
    # No character is narrower than one unit, so the index is at most the column.
    indexes = range(min(max(column, 0), len(line)) + 1)
    return bisect_right(indexes, column, key=lambda index: width(line[:index], encoding)) - 1 if column > 0 else 0


def to_column(line: str, index: int, encoding: Encoding) -> int:
    """The column in code units of an index in ``line``."""
    return width(line[:index], encoding)
