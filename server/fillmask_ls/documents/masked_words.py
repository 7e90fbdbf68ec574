"""The words that the masks of a document hide, learned from the edits that replaced words with masks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import takewhile

from fillmask_ls import MASK
from fillmask_ls.spans import Span
from fillmask_ls.words import is_partial_mask

MARGIN = len(MASK) - 1
"""How many characters next to an edit can form a mask together with its text."""

_LONGEST_WORD = 100
_LONGEST_EDIT = 100_000
_MAX_MASKS = 10_000


class MaskedWords:
    """The masks of one document that hide words, by index; they move with the edits around them.

    The masks are in two lists, split at the last edit. Those after it share one offset, so an edit moves only the masks
    between it and the previous edit.
    """

    def __init__(self) -> None:
        self._before: list[tuple[int, str]] = []
        # In descending order. The index of each mask is its number here plus `_offset`.
        self._after: list[tuple[int, str]] = []
        self._offset = 0

    def __bool__(self) -> bool:
        return bool(self._before or self._after)

    def copy(self) -> MaskedWords:
        """Return an independent copy."""
        duplicate = MaskedWords()
        duplicate._before, duplicate._after, duplicate._offset = self._before.copy(), self._after.copy(), self._offset
        return duplicate

    def words(self, start: int, end: int) -> list[tuple[Span, str]]:
        """Return the masks wholly between ``start`` and ``end`` whose words are known, in order, with the words."""
        last = end - len(MASK)
        known = list(takewhile(lambda mask: mask[0] <= last, self._before[bisect_left(self._before, (start,)) :]))
        number = bisect_right(self._after, self._offset - start, key=lambda mask: -mask[0])
        while number and self._after[number - 1][0] + self._offset <= last:
            number -= 1
            index, word = self._after[number]
            known.append((index + self._offset, word))
        return [((index, index + len(MASK)), word) for index, word in known]

    def edit(self, start: int, old: str, new: str, *, before: str = "", after: str = "") -> None:
        """Follow an edit that replaced ``old`` with ``new`` at ``start``.

        The masks that the edit touches are forgotten. If ``new`` is ``old`` with some words masked, they are learned.

        Args:
            before, after: the text next to the edit, at least :data:`MARGIN` characters if there are as many.
        """
        low, high = _changed(old, new)
        low, high = _with_whole_masks(before + new + after, len(before) + low, len(before) + high)
        start += low - len(before)
        kept = len(before) + len(new) - high
        new = (before + new + after)[low:high]
        old = (before + old + after)[low : len(before) + len(old) - kept]
        forgotten = self._forget(start, start + len(old))
        self._offset += len(new) - len(old)
        for old_index, new_index, masked in _masked_texts(old, new):
            word = forgotten.get(start + old_index) if masked == MASK else masked
            if word is not None:
                self._before.append((start + new_index, word))

    def _forget(self, start: int, end: int) -> dict[int, str]:
        """Forget the masks that an edit touches and return them; split the lists at the edit."""
        before, after = self._before, self._after
        while before and before[-1][0] + len(MASK) > start:
            index, word = before.pop()
            after.append((index - self._offset, word))
        while after and after[-1][0] + self._offset + len(MASK) <= start:
            index, word = after.pop()
            before.append((index + self._offset, word))
        touched = {}
        while after and after[-1][0] + self._offset < end:
            index, word = after.pop()
            touched[index + self._offset] = word
        return touched


def _changed(old: str, new: str) -> Span:
    """Return the span of ``new`` between the prefix and the suffix that it has in common with ``old``."""
    # Bisection compares slices, which is much faster than a loop over characters.
    shorter = min(len(old), len(new))
    low, high = 0, shorter
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if old[low:middle] == new[low:middle] else (low, middle - 1)
    prefix = low
    low, high = 0, shorter - prefix
    while low < high:
        middle = (low + high + 1) // 2
        same = old[len(old) - middle : len(old) - low] == new[len(new) - middle : len(new) - low]
        low, high = (middle, high) if same else (low, middle - 1)
    return prefix, len(new) - low


def _with_whole_masks(text: str, start: int, end: int) -> Span:
    """Return a span, extended so that its ends are inside no mask of ``text``."""
    first = text.find(MASK, max(0, start - MARGIN), start + MARGIN)
    last = text.find(MASK, max(0, end - MARGIN), end + MARGIN)
    return first if first >= 0 else start, last + len(MASK) if last >= 0 else end


def _masked_texts(old: str, new: str) -> list[tuple[int, int, str]]:
    """Return what each mask of ``new`` hides: its index in ``old``, the mask's index in ``new``, and the masked text.

    Empty if ``old`` and ``new`` differ in more than the masks, or if it is ambiguous what each mask hides.
    """
    if len(old) + len(new) > _LONGEST_EDIT or not 0 < new.count(MASK) <= _MAX_MASKS:
        return []
    first, *others = new.split(MASK)
    if not old.startswith(first):
        return []
    masked = []
    old_index = new_index = len(first)
    for number, between in enumerate(others, 1):
        if number < len(others):
            end = old.find(between, old_index + 1) if between else -1
        else:
            end = len(old) - len(between) if old.endswith(between) else -1
        text = old[old_index : max(end, old_index)]
        if not _can_be_masked(text):
            return []
        masked.append((old_index, new_index, text))
        old_index = end + len(between)
        new_index += len(MASK) + len(between)
    return masked


def _can_be_masked(text: str) -> bool:
    if text == MASK:
        return True
    return (
        0 < len(text) <= _LONGEST_WORD
        and not text.isspace()
        and not {"\r", "\n"} & set(text)
        and MASK not in text
        and not is_partial_mask(text)
    )
