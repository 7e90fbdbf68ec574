"""The words that fit at each mask of a text."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from math import log
from typing import Any

import torch
from torch import Tensor

from fillmask_ls.spans import Span, replace_spans
from fillmask_ls.words import find_masks, starts_sentence

from .forward_steps import ForwardStep, ForwardSteps, run_steps, together
from .mmap_tensor import on_own_pages
from .model import MaskedLM
from .results import Candidate, Prediction
from .subword_search import MAX_SUBWORDS, Words, longer_words
from .windows import Window, contexts, windows

# Where the best word of one piece is surer than this, which is at one mask in five, one of several pieces is hardly ever right.
_SURE = 0.9


def predict(
    model: MaskedLM,
    text: str,
    masks: Sequence[Span] | None = None,
    *,
    top_k: int = 10,
    prefixes: Mapping[int, str] | None = None,
    max_subwords: int = MAX_SUBWORDS,
) -> list[Prediction]:
    """The ``top_k`` best words at each mask.

    A word has a letter or digit in it; a mask that is is_continuation to a word (``sum[MASK]``) gets what goes on with it. The
    words of one piece of the model's vocabulary come from one forward for all masks of a window; longer ones, such as
    ``sum ##ter``, from a search with some more. A text that is too long for the model is read in windows around its
    masks.

    Args:
        masks: the spans of the masks, in order, each as long as ``[MASK]``; by default each ``[MASK]`` in the text.
        top_k: 1 or more; fewer words come back when fewer fit.
        prefixes: by the mask's number, what its word must begin with.
        max_subwords: how many pieces a word may have; with 1 there is no search.

    Returns:
        One prediction a mask, in order; an empty list for a text without masks.

    Raises:
        ValueError: ``top_k`` or ``max_subwords`` is below 1.
    """
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, not {top_k}")
    if max_subwords < 1:
        raise ValueError(f"max_subwords must be at least 1, not {max_subwords}")
    found = []
    for window in windows(model, text, find_masks(text) if masks is None else masks):
        found += run_steps(
            model, predict_steps(model, window, top_k=top_k, prefixes=prefixes, max_subwords=max_subwords)
        )
    return found


def predict_steps(
    model: MaskedLM,
    window: Window,
    *,
    top_k: int,
    prefixes: Mapping[int, str] | None = None,
    max_subwords: int = MAX_SUBWORDS,
    focus: int | None = None,
    cache: MutableMapping[Any, Any] | None = None,
) -> ForwardSteps[list[Prediction]]:
    """As :func:`predict`, for the masks of one window.

    Args:
        prefixes: by the mask's number in the whole text.
        focus: the number, in the whole text, of the one mask to look for longer words at; by default all.
        cache: what was found before, to be used and added to. With ``max_subwords`` 1, longer words that it holds are
            taken all the same.
    """
    prefixes = prefixes or {}
    distributions = None if cache is None else cache.get(window)
    if distributions is None:
        distributions = yield from _distributions(model, window)
        if cache is not None:
            distributions = cache[window] = on_own_pages(distributions)
    cache = {} if cache is None else cache
    missing = []
    keys = {i: (window, i, prefixes.get(window.first + i, "")) for i in window.asked}
    if max_subwords > 1:
        missing = [i for i, key in keys.items() if key not in cache and focus in (None, window.first + i)]
    if missing:
        distribution = dict(zip(window.asked, distributions, strict=True))
        searches = [_searched(model, window, i, distribution[i], keys[i][2], max_subwords) for i in missing]
        for i, longer in zip(missing, (yield from together(searches)), strict=True):
            cache[keys[i]] = longer
    fits = torch.stack([_fitting(model, window, i, keys[i][2]) for i in window.asked])
    found = distributions[:, : fits.shape[1]].masked_fill(~fits, -1).topk(min(2 * top_k, fits.shape[1]))
    entropies = torch.special.entr(distributions).sum(-1) / log(2)
    return [
        _prediction(
            model, window, i, top_k, keys[i][2], [*_pieces(weights, ids), *_known(model, cache, keys[i])], entropy
        )
        for i, weights, ids, entropy in zip(
            window.asked, found.values.tolist(), found.indices.tolist(), entropies.tolist(), strict=True
        )
    ]


def fill(model: MaskedLM, text: str) -> str:
    """``text`` with each mask replaced by its best word, if one fits; every other character stays as it is."""
    predictions = predict(model, text, top_k=1)
    best = [(each.span, each.candidates[0].text) for each in predictions if each.candidates]
    return replace_spans(text, best)


def _distributions(model: MaskedLM, window: Window) -> ForwardSteps[Tensor]:
    """The probabilities [len(asked), vocabulary] at the masks that are asked for."""
    ways = contexts(model, window)
    logits = yield ForwardStep([way.ids for way in ways], [[way.masks[i] for i in window.asked] for way in ways])
    found = model.probabilities(logits).view(len(ways), len(window.asked), -1)
    return found.mean(0) if len(ways) > 1 else found[0]


def _searched(
    model: MaskedLM, window: Window, number: int, distribution: Tensor, prefix: str, max_subwords: int
) -> ForwardSteps[Words]:
    if not prefix and float(distribution.max()) > _SURE:
        return []
    fits = _fitting(model, window, number, prefix)
    shorter = float(distribution[: len(fits)][fits].sum())
    return (yield from longer_words(model, window, number, prefix, max_subwords, shorter))


def _known(model: MaskedLM, cache: Mapping[Any, Any], key: tuple[Window, int, str]) -> Words:
    """The longer words that were found with the prefix, else those found without it that have it; none that one piece
    spells too."""
    window, number, prefix = key
    vocabulary = model.vocabulary
    longer: Words = cache.get(key, cache.get((window, number, ""), []))
    wanted = vocabulary.normalized(prefix)
    spelled = [(vocabulary.spelled(ids), ids, weight) for ids, weight in longer]
    return [
        (ids, weight)
        for word, ids, weight in spelled
        if vocabulary.normalized(word).startswith(wanted) and not vocabulary.is_word(word)
    ]


def _fitting(model: MaskedLM, window: Window, number: int, prefix: str) -> Tensor:
    """Which tokens are words that may stand at a mask, bool [vocabulary]."""
    vocabulary = model.vocabulary
    before = window.text[: window.masks[number][0]]
    return vocabulary.fitting(is_continuation=vocabulary.is_continuation(before), prefix=vocabulary.normalized(prefix))


def _pieces(weights: Sequence[float], ids: Sequence[int]) -> Words:
    """Words of one piece, without what doesn't fit: its weight is negative."""
    return [((id,), weight) for weight, id in zip(weights, ids, strict=True) if weight >= 0]


def _prediction(
    model: MaskedLM, window: Window, number: int, top_k: int, prefix: str, candidates: Words, entropy: float
) -> Prediction:
    start, end = window.masks[number]
    total = 1 + sum(weight for ids, weight in candidates if len(ids) > 1)
    capital = starts_sentence(window.text[:start])
    words: dict[str, tuple[float, tuple[int, ...]]] = {}
    for ids, weight in candidates:
        word = model.vocabulary.apply_case(ids, capital=capital, prefix=prefix)
        # "The" and "the" are one word at a sentence's start, made of the likelier's pieces.
        likelier, pieces = words.get(word, (0.0, ids))
        words[word] = (likelier + weight / total, pieces)
    best = sorted(words.items(), key=lambda item: -item[1][0])[:top_k]
    span = (start + window.start, end + window.start)
    tokens = model.tokenizer.vocabulary
    found_words = tuple(Candidate(word, weight, tuple((tokens[id], id) for id in ids)) for word, (weight, ids) in best)
    return Prediction(span, found_words, entropy)
