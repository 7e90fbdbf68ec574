"""Which words the masks of a document hide: learnt from the edits that put masks in place of words."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from itertools import takewhile

from fillmask_ls import MASK
from fillmask_ls.spans import Span

NEAR = len(MASK) - 1
"""How many characters beside an edit can make a mask together with its text."""

_LONGEST_WORD = 100
_LONGEST_EDIT = 100_000
_MOST_MASKS = 10_000
# What someone has of a mask that is still being written: no word that they would mask.
_BEGUN = re.compile(r"\[(\]|m.*)?", re.IGNORECASE)


class MaskedWords:
    """The masks of one document that hide words, by index; they move with the edits around them.

    Around the last edit the masks lie in two halves, and those behind it are moved by one number, so that an edit
    costs as many steps as there are such masks between it and the edit before.
    """

    def __init__(self) -> None:
        self._before: list[tuple[int, str]] = []
        # The nearest last; each index is short of `_shift`.
        self._behind: list[tuple[int, str]] = []
        self._shift = 0

    def __bool__(self) -> bool:
        return bool(self._before or self._behind)

    def copy(self) -> MaskedWords:
        """The same, whatever happens to this one."""
        taken = MaskedWords()
        taken._before, taken._behind, taken._shift = self._before.copy(), self._behind.copy(), self._shift
        return taken

    def words(self, start: int, end: int) -> list[tuple[Span, str]]:
        """The masks wholly between ``start`` and ``end`` of which it is known what they hide, in order, and the words."""
        last = end - len(MASK)
        found = list(takewhile(lambda mask: mask[0] <= last, self._before[bisect_left(self._before, (start,)) :]))
        number = bisect_right(self._behind, self._shift - start, key=lambda mask: -mask[0])
        while number and self._behind[number - 1][0] + self._shift <= last:
            number -= 1
            at, word = self._behind[number]
            found.append((at + self._shift, word))
        return [((at, at + len(MASK)), word) for at, word in found]

    def edit(self, start: int, old: str, new: str, *, before: str = "", after: str = "") -> None:
        """Follow an edit that put ``new`` where ``old`` was, from ``start`` on.

        A mask that it touches is forgotten, and learnt if ``old`` is ``new`` but for the masks.

        Args:
            before, after: what stands beside it, :data:`NEAR` characters or more as far as there are any.
        """
        low, high = _changed(old, new)
        low, high = _with_whole_masks(before + new + after, len(before) + low, len(before) + high)
        start += low - len(before)
        behind = len(before) + len(new) - high
        new = (before + new + after)[low:high]
        old = (before + old + after)[low : len(before) + len(old) - behind]
        touched = self._forget(start, start + len(old))
        self._shift += len(new) - len(old)
        for old_at, at, word in _masked(old, new):
            known = touched.get(start + old_at) if word == MASK else word
            if known is not None:
                self._before.append((start + at, known))

    def _forget(self, start: int, end: int) -> dict[int, str]:
        """Forget the masks that an edit touches and return them; those before and behind it come to lie so."""
        before, behind = self._before, self._behind
        while before and before[-1][0] + len(MASK) > start:
            at, word = before.pop()
            behind.append((at - self._shift, word))
        while behind and behind[-1][0] + self._shift + len(MASK) <= start:
            at, word = behind.pop()
            before.append((at + self._shift, word))
        touched = {}
        while behind and behind[-1][0] + self._shift < end:
            at, word = behind.pop()
            touched[at + self._shift] = word
        return touched


def _changed(old: str, new: str) -> Span:
    """The part of ``new`` without what it begins and ends with in common with ``old``."""
    most = min(len(old), len(new))
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if old[low:middle] == new[low:middle] else (low, middle - 1)
    prefix = low
    low, high = 0, most - prefix
    while low < high:
        middle = (low + high + 1) // 2
        same = old[len(old) - middle : len(old) - low] == new[len(new) - middle : len(new) - low]
        low, high = (middle, high) if same else (low, middle - 1)
    return prefix, len(new) - low


def _with_whole_masks(text: str, start: int, end: int) -> Span:
    """A span that cuts no mask of ``text``."""
    first = text.find(MASK, max(0, start - NEAR), start + NEAR)
    last = text.find(MASK, max(0, end - NEAR), end + NEAR)
    return first if first >= 0 else start, last + len(MASK) if last >= 0 else end


def _masked(old: str, new: str) -> list[tuple[int, int, str]]:
    """What the masks in ``new`` stand for: where in ``old``, where in ``new``, and the word.

    Empty where ``old`` is not ``new`` but for the masks, or where it can't be told what each of them hides.
    """
    if len(old) + len(new) > _LONGEST_EDIT or not 0 < new.count(MASK) <= _MOST_MASKS:
        return []
    first, *others = new.split(MASK)
    if not old.startswith(first):
        return []
    found = []
    old_at = at = len(first)
    for number, literal in enumerate(others, 1):
        if number < len(others):
            end = old.find(literal, old_at + 1) if literal else -1
        else:
            end = len(old) - len(literal) if old.endswith(literal) else -1
        word = old[old_at : max(end, old_at)]
        if not _can_be_hidden(word):
            return []
        found.append((old_at, at, word))
        old_at = end + len(literal)
        at += len(MASK) + len(literal)
    return found


def _can_be_hidden(word: str) -> bool:
    if word == MASK:
        return True
    return (
        len(word) <= _LONGEST_WORD
        and not word.isspace()
        and not {"\r", "\n"} & set(word)
        and MASK not in word
        and bool(word)
        and not _BEGUN.fullmatch(word)
    )
