"""Surrogate pairs: how UTF-16 writes a character above U+FFFF.

An editor that counts in UTF-16 can replace one half of a pair. The other half then stays in its text as a lone
surrogate, which a Python string can contain, too.
"""

from __future__ import annotations

import re

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def split_pair(character: str) -> tuple[str, str]:
    """Return the high and the low surrogate of a character above U+FFFF.

    >>> split_pair("😀")
    ('\\ud83d', '\\ude00')
    """
    high, low = divmod(ord(character) - 0x10000, 0x400)
    return chr(0xD800 + high), chr(0xDC00 + low)


def join_pairs(text: str) -> str:
    """Return ``text`` with every high surrogate before a low one replaced with their character.

    >>> join_pairs("\\ud83d\\ude00 \\ud83d")
    '😀 \\ud83d'
    """
    if text.isascii():
        return text
    return _PAIR.sub(lambda pair: pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)


def is_pair(high: str, low: str) -> bool:
    """Return whether two characters are a high and a low surrogate; False if one is missing."""
    return bool(_PAIR.fullmatch(high + low))
