"""What a model reads at once of a text: windows around its masks, and how an unfinished text may go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fillmask_ls.spans import Span
from fillmask_ls.words import CONTINUATIONS, find_masks

from .model import MaskedLM

_SPARE = 8
"""Tokens that a window leaves free: for what may follow, and for a word of several pieces in a mask's place."""


@dataclass(frozen=True, slots=True)
class Window:
    """As much of a text as the model reads at once.

    Attributes:
        text: of the window.
        masks: all masks in it, as spans of its own characters.
        asked: which of them to predict, by number.
        start: the window's first character, in the whole text.
        first: the number of its first mask, in the whole text.
    """

    text: str
    masks: tuple[Span, ...]
    asked: range
    start: int = 0
    first: int = 0


def windows(model: MaskedLM, text: str, masks: Sequence[Span]) -> Iterator[Window]:
    """The windows that have each mask once, with context on both sides of it; none for a text without masks."""
    if not masks:
        return
    encoding = model.tokenizer.encode(text, masks)
    room = model.tokenizer.max_length - model.tokenizer.added_tokens - _SPARE
    if len(encoding.ids) <= room:
        yield Window(text, tuple(masks), range(len(masks)))
        return
    content = encoding.content(model.tokenizer.mask_id)
    at = [i for i, token in enumerate(content) if encoding.ids[token] == model.tokenizer.mask_id]
    starts = [encoding.offsets[token][0] for token in content]
    first = 0
    while first < len(masks):
        low = max(0, min(at[first] - room // 2, len(content) - room))
        high = low + room
        last = first + 1
        while last < len(masks) and (high == len(content) or at[last] <= high - room // 4) and at[last] < high:
            last += 1
        start, end = starts[low] if low else 0, starts[high] if high < len(content) else len(text)
        inside = [number for number, span in enumerate(masks) if start <= span[0] < end]
        yield Window(
            text[start:end],
            tuple((masks[number][0] - start, masks[number][1] - start) for number in inside),
            range(first - inside[0], last - inside[0]),
            start,
            inside[0],
        )
        first = last


@dataclass(frozen=True, slots=True)
class Context:
    """A window as token ids, special tokens around it, and the position of each of its masks."""

    ids: list[int]
    masks: list[int]


def contexts(model: MaskedLM, window: Window) -> list[Context]:
    """The window as the model reads it; twice, with what may follow, if a mask ends it."""
    end = window.masks[-1][1]
    ways = [(window.text, window.masks)]
    if not window.text[end:].strip():
        ways = [(window.text[:end] + more, (*window.masks, *find_masks(more, end))) for more in CONTINUATIONS]
    found = []
    for text, masks in ways:
        ids = model.tokenizer.encode(text, masks).ids
        at = [i for i, id in enumerate(ids) if id == model.tokenizer.mask_id]
        found.append(Context(ids, at[: len(window.masks)]))
    return found


def pieces_at(model: MaskedLM, window: Window, number: int, word: str) -> tuple[int, ...]:
    """The tokens of a word or phrase in a mask's place; none where it goes on with a word and no pieces do."""
    start, end = window.masks[number]
    before = window.text[:start]
    begun: tuple[int, ...] = ()
    if model.vocabulary.is_continuation(before):  # the first word goes on with the one that stands there
        first, space, word = word.partition(" ")
        begun = model.vocabulary.continuing(first)
        before += space
        if not begun or not word:
            return begun
    text = before + word + window.text[end:]
    encoding = model.tokenizer.encode(text, window.masks[:number])
    ids = tuple(
        id
        for id, (a, b), special in zip(encoding.ids, encoding.offsets, encoding.special, strict=True)
        if b > len(before) and a < len(before) + len(word) and not special
    )
    return begun + ids
