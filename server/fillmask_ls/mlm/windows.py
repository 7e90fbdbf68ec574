"""Windows: the parts of a text that a model reads at once, and their encoding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fillmask_ls import MASK
from fillmask_ls.spans import Span
from fillmask_ls.words import CONTINUATIONS, find_masks

from .arguments import check_spans
from .model import LoadedModel

_SPARE_TOKENS = 8
"""Tokens that a window leaves free for a continuation and for a mask that is widened to several subwords."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a text that the model reads at once.

    Attributes:
        text: the characters of the window.
        masks: all masks in it, as spans of the window's text.
        requested: the indexes in ``masks`` of the masks to predict.
        start: the index of the window's first character in the whole text.
        first_mask: the index of the window's first mask in the whole text.
    """

    text: str
    masks: tuple[Span, ...]
    requested: range
    start: int = 0
    first_mask: int = 0

    def before(self, mask_index: int) -> str:
        """Return the window's text before one of its masks."""
        return self.text[: self.masks[mask_index][0]]

    def after(self, mask_index: int) -> str:
        """Return the window's text behind one of its masks."""
        return self.text[self.masks[mask_index][1] :]


def windows(model: LoadedModel, text: str, masks: Sequence[Span]) -> Iterator[Window]:
    """Cut a text into windows that request each mask once, with context on both sides of it.

    Args:
        model: the model that will read the windows.
        text: a text of any length.
        masks: the spans of its masks, in order; without masks there are no windows.

    Raises:
        TypeError: a span is not a pair of indexes.
        ValueError: a span is not as long as ``[MASK]``, or outside of the text, or before the end of the one before.
    """
    if not masks:
        return
    check_spans("masks", masks)
    for start, end in masks:
        if end - start != len(MASK) or not 0 <= start <= end <= len(text):
            raise ValueError(f"({start}, {end}) is not a mask: each mask is as long as {MASK} and inside the text")
    if any(start < end for (_, end), (start, _) in pairwise(masks)):
        raise ValueError("masks must be in order and must not overlap")
    mask_id = model.tokenizer.mask_id
    encoding = model.tokenizer.encode(text, masks)
    room = model.tokenizer.max_length - model.tokenizer.added_tokens - _SPARE_TOKENS
    if len(encoding.ids) <= room:
        yield Window(text, tuple(masks), range(len(masks)))
        return
    content = encoding.content(mask_id)
    mask_tokens = [index for index, token in enumerate(content) if encoding.ids[token] == mask_id]
    token_starts = [*(encoding.offsets[token][0] for token in content), len(text)]
    first = 0
    while first < len(masks):
        low = max(0, min(mask_tokens[first] - room // 2, len(content) - room))
        high = min(low + room, len(content))
        end = _last_with_context(mask_tokens, first, high, len(content), room // 4) + 1
        span = (token_starts[low] if low else 0, token_starts[high])
        yield _window(text, masks, span, range(first, end))
        first = end


def _last_with_context(mask_tokens: Sequence[int], first: int, high: int, count: int, context: int) -> int:
    """Return the index of the last mask that has enough tokens after it in a window that ends at ``high``."""
    last = first
    while last + 1 < len(mask_tokens):
        following = mask_tokens[last + 1]
        if following >= high or (high < count and following > high - context):
            break
        last += 1
    return last


def _window(text: str, masks: Sequence[Span], span: Span, requested: range) -> Window:
    start, end = span
    inside = [number for number, mask in enumerate(masks) if start <= mask[0] < end]
    return Window(
        text=text[start:end],
        masks=tuple((masks[number][0] - start, masks[number][1] - start) for number in inside),
        requested=range(requested.start - inside[0], requested.stop - inside[0]),
        start=start,
        first_mask=inside[0],
    )


@dataclass(frozen=True, slots=True)
class Context:
    """A window as the network reads it.

    Attributes:
        input_ids: token ids with special tokens.
        mask_positions: the position of each of the window's masks.
    """

    input_ids: list[int]
    mask_positions: list[int]


def contexts(model: LoadedModel, window: Window) -> list[Context]:
    """Encode a window; a window of prose that ends with a mask is encoded once with each continuation."""
    end = window.masks[-1][1]
    variants = [(window.text, window.masks)]
    if model.vocabulary.is_of_prose and not window.text[end:].strip():
        variants = [
            (window.text[:end] + continuation, (*window.masks, *find_masks(continuation, end)))
            for continuation in CONTINUATIONS
        ]
    encoded = []
    for text, masks in variants:
        input_ids = model.tokenizer.encode(text, masks).ids
        positions = [position for position, id in enumerate(input_ids) if id == model.tokenizer.mask_id]
        encoded.append(Context(input_ids, positions[: len(window.masks)]))
    return encoded


def subwords_at(model: LoadedModel, window: Window, mask_index: int, word: str) -> tuple[int, ...]:
    """Return the token ids of a word or phrase in a mask's place.

    Empty if the mask continues a word and no subwords spell the continuation.
    """
    before = window.before(mask_index)
    continuation: tuple[int, ...] = ()
    if model.vocabulary.continues_word(before):  # the first word continues the one before the mask
        first, space, word = word.partition(" ")
        continuation = model.vocabulary.continuation_subwords(first)
        before += space
        if not continuation or not word:
            return continuation
    text = before + word + window.text[window.masks[mask_index][1] :]
    encoding = model.tokenizer.encode(text, window.masks[:mask_index])
    start, end = len(before), len(before) + len(word)
    tokens = [
        token
        for token, (low, high) in enumerate(encoding.offsets)
        if high > start and low < end and not encoding.special[token]
    ]
    if tokens and text[encoding.offsets[tokens[0]][0] : start].strip():  # the first one also spells what is before
        return model.vocabulary.continuation_subwords(word)
    return continuation + tuple(encoding.ids[token] for token in tokens)
