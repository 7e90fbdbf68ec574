"""Fill the masks of a document's passages, as a generator of questions: its caller chooses the engine."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from fillmask_ls import MASK
from fillmask_ls.documents.context import Passage
from fillmask_ls.engine.api import FillQuestion, PredictQuestion, Question
from fillmask_ls.spans import Span, replace_spans

MaskFill = tuple[Span, str]
"""The span of a mask in the document, and its word."""

_MAX_JOINT_MASKS = 8
"""Masks filled in one joint search: each is one more step."""


def fill_passages(
    passages: Sequence[tuple[Passage, Sequence[Span]]],
    *,
    max_subwords: int,
    report: Callable[[int], None] = lambda _: None,
) -> Generator[Question, Any, list[MaskFill]]:
    """Yield questions, be sent their answers, and return the best word for each mask.

    Up to eight masks of a passage are filled together; the next group reads the words of the previous ones. Masks without
    a fitting word are left out.

    Args:
        passages: with the document spans of the masks to fill, as :func:`~fillmask_ls.documents.context.passages`
            yields them.
        max_subwords: the maximum number of subwords of a word at a mask that is filled alone.
        report: called with the number of filled masks whenever it grows.
    """
    words: dict[Span, str] = {}
    for passage, masks in passages:
        for first in range(0, len(masks), _MAX_JOINT_MASKS):
            group = masks[first : first + _MAX_JOINT_MASKS]
            text, spans, numbers = _with_words(passage, words)
            start = numbers.index(passage.focus + first)
            best = yield from _best_words(text, spans, range(start, start + len(group)), max_subwords)
            words.update((mask, word) for mask, word in zip(group, best, strict=True) if word)
            report(len(words))
    return list(words.items())


def _best_words(
    text: str, masks: tuple[Span, ...], wanted: range, max_subwords: int
) -> Generator[Question, Any, list[str]]:
    """Return the best word for each wanted mask; an empty one if none fits."""
    if len(masks) > 1:
        # If there are few other masks, fill them too, so that the wanted words agree with theirs.
        filled = wanted if len(masks) > _MAX_JOINT_MASKS else range(len(masks))
        fills = yield FillQuestion(text, masks, 1, (filled.start, filled.stop))
        if fills:
            return [fills[0].words[filled.index(number)] for number in wanted]
    answer = yield PredictQuestion(
        text, masks, 1, focus=wanted.start, max_subwords=max_subwords if len(wanted) == 1 else 1
    )
    return [next((word.text for word in answer.predictions[number].candidates), "") for number in wanted]


def _with_words(passage: Passage, words: Mapping[Span, str]) -> tuple[str, tuple[Span, ...], list[int]]:
    """Return the passage's text with the known words filled in, the spans of its other masks, and their numbers."""
    replacements: list[MaskFill] = []
    spans: list[Span] = []
    numbers: list[int] = []
    shift = 0
    for number, mask in enumerate(passage.masks):
        origin = passage.document_span(number)
        word = words.get(origin) if origin else None
        if word is None:
            spans.append((mask[0] + shift, mask[1] + shift))
            numbers.append(number)
        else:
            replacements.append((mask, word))
            shift += len(word) - len(MASK)
    return replace_spans(passage.text, replacements), tuple(spans), numbers
