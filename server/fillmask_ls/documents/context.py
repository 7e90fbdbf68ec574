"""The passage around a mask, as plain text for a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from .masks import Target, find
from .text import LINE_END, Span, TextDocument

_REACH = 2_000
"""How many characters of the passage to take on each side of the mask: more than any BERT reads."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Plain text with the masks in it, in order; ``focus`` is the number of the one that was asked for."""

    text: str
    masks: tuple[Span, ...]
    focus: int


def passage(document: TextDocument, target: Target) -> Passage:
    """The paragraph around ``target``: its line and those up to the next blank ones, joined by spaces.

    What was typed behind the target is left out: it is not text yet. Of a very long paragraph the nearest 2,000
    characters on each side are taken, cut between words.
    """
    before = _before(document.slice(target.start - _REACH - 1, target.start))
    after = _after(document.slice(target.typed_end, target.typed_end + _REACH + 1))
    text = before + document.slice(target.start, target.end) + after
    masks = tuple(find(text))
    return Passage(text, masks, masks.index((len(before), len(before) + target.end - target.start)))


def passages(document: TextDocument) -> Iterator[tuple[Passage, list[Span]]]:
    """Every mask of the document once: a passage, and where each of its masks from the focus on is in the document."""
    masks = document.masks(0, len(document))
    first = 0
    while first < len(masks):
        found = passage(document, Target(*masks[first]))
        begin = found.masks[found.focus][0]
        # Masks further on have a passage of their own, with more behind them.
        near = sum(begin <= start <= begin + _REACH // 2 for start, _ in found.masks)
        yield found, masks[first : first + near]
        first += near


def _before(text: str) -> str:
    """The end of ``text`` from its last blank line on."""
    *lines, text_before = LINE_END.split(text)
    kept = list(takewhile(str.strip, reversed(lines)))
    joined = " ".join([*reversed(kept), text_before])
    cut = len(text) > _REACH and len(kept) == len(lines)
    return joined.partition(" ")[2] or joined if cut else joined


def _after(text: str) -> str:
    """The beginning of ``text`` up to its first blank line."""
    text_behind, *lines = LINE_END.split(text)
    kept = list(takewhile(str.strip, lines))
    joined = " ".join([text_behind, *kept])
    cut = len(text) > _REACH and len(kept) == len(lines)
    return joined.rpartition(" ")[0] or joined if cut else joined
