"""The passage around a mask, as plain text for a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .masks import Span, Target, find
from .text import TextDocument

_REACH = 2_000
"""How many characters of the passage to take on each side of the mask: more than any BERT reads."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Plain text with the masks in it, in order; ``focus`` is the number of the one that was asked for."""

    text: str
    masks: tuple[Span, ...]
    focus: int


def passage(document: TextDocument, line: int, target: Target) -> Passage:
    """The paragraph around ``target``: its line and those up to the next blank ones, joined by spaces.

    What was typed behind the target is left out: it is not text yet. Of a very long paragraph the nearest 2,000
    characters on each side are taken, cut between words.
    """
    here = document.line(line)
    above = (document.line(i) for i in range(line - 1, -1, -1))
    below = (document.line(i) for i in range(line + 1, document.line_count))
    before = _joined(here[max(0, target.start - _REACH - 1) : target.start], above, upwards=True)
    after = _joined(here[target.typed_end : target.typed_end + _REACH + 1], below, upwards=False)
    text = before + here[target.start : target.end] + after
    masks = tuple(find(text))
    return Passage(text, masks, masks.index((len(before), len(before) + target.end - target.start)))


def passages(document: TextDocument) -> Iterator[tuple[Passage, list[tuple[int, Span]]]]:
    """Every mask of the document once: a passage, and the line and span of each mask from its focus on."""
    places = [(number, span) for number in range(document.line_count) for span in find(document.line(number))]
    first = 0
    while first < len(places):
        line, span = places[first]
        found = passage(document, line, Target(*span))
        begin = found.masks[found.focus][0]
        # Masks further on have a passage of their own, with more behind them.
        near = sum(begin <= start <= begin + _REACH // 2 for start, _ in found.masks)
        yield found, places[first : first + near]
        first += near


def _joined(text: str, lines: Iterable[str], *, upwards: bool) -> str:
    """``text`` and the paragraph's lines above or below it, no longer than the reach."""
    for line in lines:
        if len(text) > _REACH or not line.strip():
            break
        text = f"{line} {text}" if upwards else f"{text} {line}"
    if len(text) <= _REACH:
        return text
    if upwards:
        return text[-_REACH:].partition(" ")[2] or text[-_REACH:]
    return text[:_REACH].rpartition(" ")[0] or text[:_REACH]
