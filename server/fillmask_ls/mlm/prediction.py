"""Predict the words that fit at each mask of a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from math import inf, log
from typing import Any

import torch
from torch import Tensor

from fillmask_ls import english
from fillmask_ls.spans import Span, replace_spans
from fillmask_ls.words import SUBWORDS_LIMIT, find_masks

from .arguments import check_count
from .forward_steps import ForwardStep, ForwardSteps, run_together
from .model import LoadedModel
from .records import Results
from .results import Candidate, Prediction
from .spelling import Spelling
from .subword_search import MAX_SUBWORDS, SearchedWindow, WordWeights, search_words
from .text_functions import over_texts
from .windows import Window, contexts, windows

_MAX_PROBABILITY_TO_SEARCH = 0.9
"""If one token is more probable than this, longer words are not searched for."""

_OFFERED = 20
"""Longer words that are less probable than so many words of one subword are dropped: no list shows them."""
_MIN_RELATIVE_WEIGHT = 0.01
"""Longer words below this share of the probability of all words of one subword are dropped."""
_MIN_WEIGHT = 1e-6
"""Where no word of one subword fits a prefix, less likely words are noise."""

_CacheKey = tuple[Window, int, str]
"""A window, the index of a mask in the window, and the prefix that the words must begin with."""


@over_texts("masks", "prefixes")
def predict(
    model: LoadedModel,
    text: str,
    masks: Sequence[Span] | None = None,
    *,
    top_k: int = 10,
    prefixes: Mapping[int, str] | None = None,
    max_subwords: int = MAX_SUBWORDS,
) -> ForwardSteps[Results[Prediction]]:
    """Predict the ``top_k`` most probable words at each mask.

    A word contains a letter or digit. A mask right after a word (``sum[MASK]``) gets continuations of that word. One
    forward pass finds the words of one subword for all masks of a window; words of several subwords (``sum ##ter``)
    are searched for with several more. A text longer than the model's limit is read in windows around its masks.

    Args:
        model: the model.
        text: a text of any length.
        masks: the spans of the masks, in order, each as long as ``[MASK]``; by default every ``[MASK]`` in the text.
        top_k: at least 1; fewer candidates are returned if fewer fit.
        prefixes: what the words must begin with, by the index of the mask in the window.
        max_subwords: the most subwords in a word, from 1 to 8; 1 turns the search off.

    Returns:
        One prediction for each mask, in order. Probabilities are calibrated.

    Raises:
        TypeError: ``top_k`` or ``max_subwords`` is not a whole number, or a mask is not a pair of indexes.
        ValueError: ``top_k`` is below 1, or ``max_subwords`` is not from 1 to 8; or ``masks`` are not in order, overlap,
            are outside of the text or not as long as ``[MASK]``.

    >>> [prediction] = mlm.predict(model, "The patient was taken to the [MASK] by ambulance.")
    >>> prediction.candidates[0].text
    'hospital'
    """
    check_count("top_k", top_k)
    check_count("max_subwords", max_subwords)
    if max_subwords > SUBWORDS_LIMIT:
        raise ValueError(f"max_subwords must be at most {SUBWORDS_LIMIT}, not {max_subwords}")
    predictions: Results[Prediction] = Results(index_name="mask")
    for window in windows(model, text, find_masks(text) if masks is None else masks):
        predictions += yield from predict_steps(
            model, window, top_k=top_k, prefixes=prefixes, max_subwords=max_subwords
        )
    return predictions


@over_texts()
def fill(model: LoadedModel, text: str) -> ForwardSteps[str]:
    """Replace each mask with its most probable word; every other character stays as is.

    Args:
        model: the model.
        text: a text of any length.

    Returns:
        The text; a mask stays where no word fits.

    >>> mlm.fill(model, "She drank a cup of [MASK] with milk.")
    'She drank a cup of tea with milk.'
    """
    predictions = yield from predict.steps(model, text, top_k=1)
    words = [(prediction.span, prediction.candidates[0].text) for prediction in predictions if prediction.candidates]
    for number in reversed(range(len(words) - 1)):
        (span, word), (following, name) = words[number : number + 2]
        if text[span[1] : following[0]] == " " and english.begins_name(word, name):
            words[number] = span, word.capitalize()
    return replace_spans(text, words)


def predict_steps(
    model: LoadedModel,
    window: Window,
    *,
    top_k: int,
    prefixes: Mapping[int, str] | None = None,
    max_subwords: int = MAX_SUBWORDS,
    focus: int | None = None,
    cache: MutableMapping[Any, Any] | None = None,
) -> ForwardSteps[list[Prediction]]:
    """Do the work of :func:`predict` for the requested masks of one window.

    Args:
        model: the model.
        window: a window.
        top_k: as for :func:`predict`.
        prefixes: what the words must begin with, by the index of the mask in the whole text.
        max_subwords: as for :func:`predict`.
        focus: the index, in the whole text, of the only mask at which longer words are searched for; by default at
            all.
        cache: results of earlier calls; read and extended. Longer words from it are returned even if ``max_subwords``
            is 1.
    """
    cache = {} if cache is None else cache
    prefixes = prefixes or {}
    keys = [(window, number, prefixes.get(window.first_mask + number, "")) for number in window.requested]
    known = cache.get(window)
    found: list[Tensor] = [] if known is None else [known]
    rows = [
        (row, key)
        for row, key in enumerate(keys)
        if max_subwords > 1 and key not in cache and focus in (None, window.first_mask + key[1])
    ]
    searches = []
    if rows:
        searched = SearchedWindow.read(model, window)
        searches = [
            _search(model, searched, key, lambda row=row: found[0][row], max_subwords, cache)  # type: ignore[misc]
            for row, key in rows
        ]
    yield from run_together([*([] if found else [_find_distributions(model, window, found)]), *searches])
    [distributions] = found
    cache[window] = distributions
    return _predictions(model, keys, distributions, top_k, cache)


def _find_distributions(model: LoadedModel, window: Window, found: list[Tensor]) -> ForwardSteps[None]:
    """Append the probabilities [requested, vocabulary] at the requested masks to ``found``."""
    encoded = contexts(model, window)
    positions = [[context.mask_positions[number] for number in window.requested] for context in encoded]
    logits = yield ForwardStep([context.input_ids for context in encoded], positions)
    distributions = model.probabilities(logits).view(len(encoded), len(window.requested), -1)
    found.append(distributions.mean(0) if len(encoded) > 1 else distributions[0])


def _search(
    model: LoadedModel,
    searched: SearchedWindow,
    key: _CacheKey,
    distribution: Callable[[], Tensor],
    max_subwords: int,
    cache: MutableMapping[Any, Any],
) -> ForwardSteps[None]:
    """Search for longer words at a mask, and cache them.

    The search begins with the step that computes the mask's distribution, so ``distribution`` is called after it.
    """
    _, number, prefix = key

    def min_weight() -> float:
        probabilities = distribution()
        if not prefix and float(probabilities.max()) > _MAX_PROBABILITY_TO_SEARCH:
            return inf
        fits = _fitting_tokens(model, key)
        fitting = probabilities[: len(fits)][fits]
        worst_offered = fitting.topk(_OFFERED).values[-1] if len(fitting) >= _OFFERED else 0.0
        return max(float(worst_offered), _MIN_RELATIVE_WEIGHT * float(fitting.sum()), _MIN_WEIGHT)

    cache[key] = yield from search_words(
        model, searched, number, prefix=prefix, max_subwords=max_subwords, min_weight=min_weight
    )


def _fitting_tokens(model: LoadedModel, key: _CacheKey) -> Tensor:
    """Return which tokens are words that fit at a mask, bool [vocabulary]."""
    window, number, prefix = key
    vocabulary = model.vocabulary
    is_continuation = vocabulary.is_continuation(window.before(number))
    return vocabulary.fitting_tokens(is_continuation=is_continuation, prefix=vocabulary.normalized(prefix))


def _predictions(
    model: LoadedModel, keys: Sequence[_CacheKey], distributions: Tensor, top_k: int, cache: Mapping[Any, Any]
) -> list[Prediction]:
    fits = torch.stack([_fitting_tokens(model, key) for key in keys])
    # Twice as many tokens as words: two tokens can be one word, "The" and "the" at a sentence's start.
    best = distributions[:, : fits.shape[1]].masked_fill(~fits, -1).topk(min(2 * top_k, fits.shape[1]))
    entropies = torch.special.entr(distributions).sum(-1) / log(2)
    spelling = Spelling(model.vocabulary, keys[0][0].text)
    predictions = []
    for key, weights, ids, entropy in zip(
        keys, best.values.tolist(), best.indices.tolist(), entropies.tolist(), strict=True
    ):
        single: WordWeights = [((id,), weight) for weight, id in zip(weights, ids, strict=True) if weight >= 0]
        window, number, prefix = key
        longer = [
            (words, weight)
            for words, weight in _cached_words(model, cache, key)
            if spelling.exists(words, window.before(number), prefix=prefix)
        ]
        predictions.append(_prediction(model, spelling, key, single, longer, top_k, entropy))
    return predictions


def _cached_words(model: LoadedModel, cache: Mapping[Any, Any], key: _CacheKey) -> WordWeights:
    """Return the longer words that start with the prefix: from the search for it, or else from the one without a prefix.

    Words that are also a single token are left out, because the distribution contains their probability.
    """
    window, number, prefix = key
    vocabulary = model.vocabulary
    words: WordWeights = cache.get(key, cache.get((window, number, ""), []))
    prefix = vocabulary.normalized(prefix)
    return [
        (ids, weight)
        for ids, weight in words
        if vocabulary.normalized(word := vocabulary.word(ids)).startswith(prefix) and not vocabulary.is_token(word)
    ]


def _prediction(
    model: LoadedModel,
    spelling: Spelling,
    key: _CacheKey,
    single: WordWeights,
    longer: WordWeights,
    top_k: int,
    entropy: float,
) -> Prediction:
    window, number, prefix = key
    # Words of one subword keep their probabilities, so a list that is shown before the search stays right.
    total = 1 + sum(weight for _, weight in longer)
    before, after = window.before(number), window.after(number)
    words: dict[str, tuple[float, tuple[int, ...]]] = {}
    for ids, weight in (*single, *((ids, weight / total) for ids, weight in longer)):
        word = spelling.word(ids, before, after=after, prefix=prefix)
        probability, first_ids = words.get(word, (0.0, ids))
        words[word] = (probability + weight, first_ids)
    best = sorted(words.items(), key=lambda item: (spelling.is_last(item[0]), -item[1][0]))[:top_k]
    start, end = window.masks[number]
    return Prediction(
        span=(start + window.start, end + window.start),
        candidates=tuple(
            Candidate(word, probability, model.tokenizer.subwords(ids)) for word, (probability, ids) in best
        ),
        entropy=entropy,
    )
