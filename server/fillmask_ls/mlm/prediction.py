"""The words that fit at each mask of a text."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from math import log
from typing import Any

import torch
from torch import Tensor

from .asking import Asking, Batch, answered, together
from .model import MaskedLM
from .pages import on_own_pages
from .pieces import MAX_PIECES, Words, longer_words
from .results import MaskPrediction, Word
from .sentence import starts_sentence
from .tokenization import Span, find_masks
from .windows import Window, readings, windows

# Where the best word of one piece is surer than this, which is at one mask in five, one of several pieces is hardly ever right.
_SURE = 0.9


def predict(
    model: MaskedLM,
    text: str,
    masks: Sequence[Span] | None = None,
    *,
    top_k: int = 10,
    prefixes: Mapping[int, str] | None = None,
    max_pieces: int = MAX_PIECES,
) -> list[MaskPrediction]:
    """The ``top_k`` best words at each mask.

    A word has a letter or digit in it; a mask that is glued to a word (``sum[MASK]``) gets what goes on with it. The
    words of one piece of the model's vocabulary come from one forward for all masks of a window; longer ones, such as
    ``sum ##ter``, from a search with some more. A text that is too long for the model is read in windows around its
    masks.

    Args:
        masks: the spans of the masks, in order, each as long as ``[MASK]``; by default each ``[MASK]`` in the text.
        top_k: 1 or more; fewer words come back when fewer fit.
        prefixes: by the mask's number, what its word must begin with.
        max_pieces: how many pieces a word may have; with 1 there is no search.

    Returns:
        One prediction a mask, in order; an empty list for a text without masks.

    Raises:
        ValueError: ``top_k`` or ``max_pieces`` is below 1.
    """
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, not {top_k}")
    if max_pieces < 1:
        raise ValueError(f"max_pieces must be at least 1, not {max_pieces}")
    found = []
    for window in windows(model, text, find_masks(text) if masks is None else masks):
        found += answered(model, predicting(model, window, top_k=top_k, prefixes=prefixes, max_pieces=max_pieces))
    return found


def predicting(
    model: MaskedLM,
    window: Window,
    *,
    top_k: int,
    prefixes: Mapping[int, str] | None = None,
    max_pieces: int = MAX_PIECES,
    focus: int | None = None,
    memory: MutableMapping[Any, Any] | None = None,
) -> Asking[list[MaskPrediction]]:
    """As :func:`predict`, for the masks of one window.

    Args:
        prefixes: by the mask's number in the whole text.
        focus: the number, in the whole text, of the one mask to look for longer words at; by default all.
        memory: what was found before, to be used and added to. With ``max_pieces`` 1, longer words that it holds are
            taken all the same.
    """
    prefixes = prefixes or {}
    distributions = None if memory is None else memory.get(window)
    if distributions is None:
        distributions = yield from _distributions(model, window)
        if memory is not None:
            distributions = memory[window] = on_own_pages(distributions)
    memory = {} if memory is None else memory
    missing = []
    keys = {i: (window, i, prefixes.get(window.first + i, "")) for i in window.asked}
    if max_pieces > 1:
        missing = [i for i, key in keys.items() if key not in memory and focus in (None, window.first + i)]
    if missing:
        distribution = dict(zip(window.asked, distributions, strict=True))
        searches = [_searched(model, window, i, distribution[i], keys[i][2], max_pieces) for i in missing]
        for i, longer in zip(missing, (yield from together(searches)), strict=True):
            memory[keys[i]] = longer
    fits = torch.stack([_fitting(model, window, i, keys[i][2]) for i in window.asked])
    found = distributions[:, : fits.shape[1]].masked_fill(~fits, -1).topk(min(2 * top_k, fits.shape[1]))
    entropies = torch.special.entr(distributions).sum(-1) / log(2)
    return [
        _prediction(
            model, window, i, top_k, keys[i][2], [*_pieces(weights, ids), *_known(model, memory, keys[i])], entropy
        )
        for i, weights, ids, entropy in zip(
            window.asked, found.values.tolist(), found.indices.tolist(), entropies.tolist(), strict=True
        )
    ]


def fill(model: MaskedLM, text: str) -> str:
    """``text`` with each mask replaced by its best word, if one fits; every other character stays as it is."""
    end = 0
    parts = []
    for prediction in predict(model, text, top_k=1):
        start, stop = prediction.span
        parts += [text[end:start], prediction.words[0].text if prediction.words else text[start:stop]]
        end = stop
    return "".join([*parts, text[end:]])


def _distributions(model: MaskedLM, window: Window) -> Asking[Tensor]:
    """The probabilities [len(asked), vocabulary] at the masks that are asked for."""
    ways = readings(model, window)
    logits = yield Batch([way.ids for way in ways], [[way.masks[i] for i in window.asked] for way in ways])
    found = model.probabilities(logits).view(len(ways), len(window.asked), -1)
    return found.mean(0) if len(ways) > 1 else found[0]


def _searched(
    model: MaskedLM, window: Window, number: int, distribution: Tensor, prefix: str, max_pieces: int
) -> Asking[Words]:
    if not prefix and float(distribution.max()) > _SURE:
        return []
    fits = _fitting(model, window, number, prefix)
    shorter = float(distribution[: len(fits)][fits].sum())
    return (yield from longer_words(model, window, number, prefix, max_pieces, shorter))


def _known(model: MaskedLM, memory: Mapping[Any, Any], key: tuple[Window, int, str]) -> Words:
    """The longer words that were found with the prefix, else those found without it that have it; none that one piece
    spells too."""
    window, number, prefix = key
    vocabulary = model.vocabulary
    longer: Words = memory.get(key, memory.get((window, number, ""), []))
    wanted = vocabulary.folded(prefix)
    spelled = [(vocabulary.spelled(ids), ids, weight) for ids, weight in longer]
    return [
        (ids, weight)
        for word, ids, weight in spelled
        if vocabulary.folded(word).startswith(wanted) and not vocabulary.is_word(word)
    ]


def _fitting(model: MaskedLM, window: Window, number: int, prefix: str) -> Tensor:
    """Which tokens are words that may stand at a mask, bool [vocabulary]."""
    vocabulary = model.vocabulary
    before = window.text[: window.masks[number][0]]
    return vocabulary.fitting(glued=vocabulary.is_glued(before), prefix=vocabulary.folded(prefix))


def _pieces(weights: Sequence[float], ids: Sequence[int]) -> Words:
    """Words of one piece, without what doesn't fit: its weight is negative."""
    return [((id,), weight) for weight, id in zip(weights, ids, strict=True) if weight >= 0]


def _prediction(
    model: MaskedLM, window: Window, number: int, top_k: int, prefix: str, candidates: Words, entropy: float
) -> MaskPrediction:
    start, end = window.masks[number]
    total = 1 + sum(weight for ids, weight in candidates if len(ids) > 1)
    capital = starts_sentence(window.text[:start])
    words: dict[str, tuple[float, tuple[int, ...]]] = {}
    for ids, weight in candidates:
        word = model.vocabulary.typed(ids, capital=capital, prefix=prefix)
        # "The" and "the" are one word at a sentence's start, made of the likelier's pieces.
        likelier, pieces = words.get(word, (0.0, ids))
        words[word] = (likelier + weight / total, pieces)
    best = sorted(words.items(), key=lambda item: -item[1][0])[:top_k]
    span = (start + window.start, end + window.start)
    tokens = model.tokenizer.vocabulary
    found_words = tuple(Word(word, weight, tuple((tokens[id], id) for id in ids)) for word, (weight, ids) in best)
    return MaskPrediction(span, found_words, entropy)
