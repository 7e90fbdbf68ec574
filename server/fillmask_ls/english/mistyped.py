"""Words that a slip of the keys turns into one another."""

from __future__ import annotations

_ENDINGS = {"", "s", "d", "r", "n"}


def is_mistyped(word: str, meant: str) -> bool:
    """Return whether a word is another one with a letter missing, added or replaced, or with two letters swapped.

    Another form of a word, with *s*, *d*, *r* or *n* at its end, is no slip.

    >>> is_mistyped("charge", "change"), is_mistyped("form", "from"), is_mistyped("later", "late")
    (True, True, False)
    """
    word, meant = word.casefold(), meant.casefold()
    shorter = min(len(word), len(meant))
    same = next((index for index in range(shorter) if word[index] != meant[index]), shorter)
    rest, other = word[same:], meant[same:]
    if rest in _ENDINGS and other in _ENDINGS:
        return False
    is_swapped = rest[:2] == other[1::-1] and rest[2:] == other[2:]
    return rest[1:] == other or rest == other[1:] or rest[1:] == other[1:] or is_swapped
