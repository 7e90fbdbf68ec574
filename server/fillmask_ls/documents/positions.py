"""Conversions between a client's columns and Python's string indexes.

A client counts columns in code units of the negotiated encoding: bytes of UTF-8, 16-bit units of UTF-16, or
characters of UTF-32. Python counts characters.
"""

from __future__ import annotations

from bisect import bisect_right
from enum import Enum

_BLOCK = 1024
"""How many characters of a long line are measured at once."""


class Encoding(str, Enum):
    """The protocol's ``PositionEncodingKind``."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


def width(text: str, encoding: Encoding) -> int:
    """Return the length of ``text`` in code units.

    >>> [width("😀", encoding) for encoding in Encoding]
    [4, 2, 1]
    """
    if encoding is Encoding.UTF32 or text.isascii():
        return len(text)
    # JSON can contain lone surrogates, and so can a document.
    if encoding is Encoding.UTF8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def to_index(line: str, column: int, encoding: Encoding) -> int:
    """Return the index in ``line`` of a column in code units.

    A column past the end becomes the end; one inside a character becomes the character's start.
    """
    if encoding is Encoding.UTF32 or line.isascii():
        return max(0, min(column, len(line)))
    start, column = 0, max(0, column)
    while (units := width(block := line[start : start + _BLOCK], encoding)) <= column and block:
        start, column = start + len(block), column - units
    return start + bisect_right(range(len(block) + 1), column, key=lambda index: width(block[:index], encoding)) - 1
