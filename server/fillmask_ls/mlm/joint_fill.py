"""All masks of a text together: the sentences that are likeliest as a whole, where two masks agree with each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from fillmask_ls.spans import Span, replace_spans
from fillmask_ls.words import find_masks, starts_sentence

from .beam_search import Blank, Choices, Filling, Tokens, search
from .forward_steps import ForwardSteps, run_steps
from .model import MaskedLM
from .results import JointFill
from .windows import Window, contexts, windows

_WIDTH = 5
"""How many fillings are kept from step to step. Of two adjacent words in validation text both are right at 24.8 % with
5, at 20.0 % where each mask is filled by itself. To rank the fillings that are found by pseudo-log-likelihood anew was
no better than by the search's own joint probability."""


def fill_jointly(
    model: MaskedLM, text: str, masks: Sequence[Span] | None = None, *, top_k: int = 5, asked: range | None = None
) -> list[JointFill]:
    """The ``top_k`` likeliest ways to fill all masks of a text, the best first.

    Masks in one window of a text that is too long for the model agree; windows are filled each by itself.

    Args:
        masks: as for :func:`~fillmask_ls.mlm.prediction.predict`.
        top_k: 1 or more.
        asked: which masks to fill, by number; the others stay. By default all.

    Returns:
        Fewer than ``top_k`` where fewer are found; where there is no mask to fill, the text itself.

    Raises:
        ValueError: ``top_k`` is below 1.
    """
    masks = find_masks(text) if masks is None else masks
    return run_steps(model, fill_jointly_steps(model, text, masks, top_k=top_k, asked=asked))


def fill_jointly_steps(
    model: MaskedLM, text: str, masks: Sequence[Span], *, top_k: int, asked: range | None = None
) -> ForwardSteps[list[JointFill]]:
    """As :func:`fill_jointly`."""
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, not {top_k}")
    asked = range(len(masks)) if asked is None else asked
    best: list[tuple[float, tuple[str, ...]]] = [(0.0, ())]
    for window in (_asked_only(window, asked) for window in windows(model, text, masks)):
        if not window.asked:
            continue
        found = yield from _filled(model, window, max(_WIDTH, top_k))
        joined = [
            (before + each.log_probability, words + _typed(model, window, each))
            for before, words in best
            for each in found
        ]
        best = sorted(joined, key=lambda item: -item[0])[:top_k]
    places = [masks[number] for number in asked]
    return [JointFill(words, value, replace_spans(text, zip(places, words, strict=True))) for value, words in best]


def _asked_only(window: Window, asked: range) -> Window:
    """The window with those of its masks to fill that are asked for."""
    here = window.asked
    low, high = (max(here.start, asked.start - window.first), min(here.stop, asked.stop - window.first))
    return replace(window, asked=range(low, max(low, high)))


def _filled(model: MaskedLM, window: Window, width: int) -> ForwardSteps[list[Filling]]:
    ways = contexts(model, window)
    places = [ways[0].masks[number] for number in window.asked]
    blank = Blank([way.ids for way in ways], places, _choices(model, window))
    return (yield from search(model.log_probabilities, [blank], width=width))


def _choices(model: MaskedLM, window: Window) -> Choices:
    vocabulary = model.vocabulary
    fits: list[Tensor] = [
        vocabulary.fitting(is_continuation=vocabulary.is_continuation(window.text[: window.masks[number][0]]))
        for number in window.asked
    ]

    def choices(tokens: Tokens) -> list[tuple[int, Tensor]]:
        return [(place, fits[place]) for place, token in enumerate(tokens) if token is None]

    return choices


def _typed(model: MaskedLM, window: Window, filling: Filling) -> tuple[str, ...]:
    return tuple(
        model.vocabulary.apply_case((token,), capital=starts_sentence(window.text[: window.masks[number][0]]))
        for number, token in zip(window.asked, filling.complete, strict=True)
    )
