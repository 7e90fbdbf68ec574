"""Search for words of several subwords, such as ``sum ##ter``, at one mask.

Known words are tried: the words of the passage, and the listed English words of two subwords. One forward step with
masks in place of their subwords shows which are likely; the next steps compute the probabilities of these. Other words
are searched for only after letters that the user typed, inside a word, and in other languages. The constants were chosen
on validation text; ``server/docs/decisions.md`` contains the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log

import torch
from torch import Tensor

from .beam_search import AllowedTokens, Template, Tokens, beam_search, score_open_templates
from .forward_steps import ForwardSteps
from .model import LoadedModel
from .vocabulary import Vocabulary
from .windows import Context, Window, contexts

MAX_SUBWORDS = 4
"""The default for the most subwords in a word."""

_BONUS_PER_SUBWORD = 1.25
"""In nats, for each subword after the first: masks side by side are less certain than one."""
_MOST_TRIED = 16
"""How many known words are tried at a mask."""
_BEAM_SIZE = 1
_BEAM_SIZE_WITH_PREFIX = 5
_MIN_CONTINUATION = 0.3
"""Where a continuation of a word is less probable than this, only known words are tried."""
_CONTEXT = 64
"""Tokens on each side of the mask that the search reads, so that a mask costs the same in a text of any length."""


@dataclass(frozen=True, slots=True)
class _Estimate:
    """How the weight of a known word is estimated from the probabilities of its subwords, given masks for the others.

    Given the others, a subword is more probable: nearly certain in a word that the model can copy from the passage.

    Attributes:
        exponent: of the probabilities of all subwords but the most probable one.
        bonus: in nats, for each subword after the first.
    """

    exponent: float
    bonus: float


_LISTED, _IN_PASSAGE = _Estimate(0.8, 3.5), _Estimate(0.15, 3.0)

WordWeights = list[tuple[tuple[int, ...], float]]
"""Words by their subwords, each with its weight; all words of one subword together weigh at most 1."""


@dataclass(frozen=True, slots=True)
class SearchedWindow:
    """Data that the searches at all masks of a window share.

    Attributes:
        window: the part of the text that the model reads.
        encoded: the window's contexts, as token ids.
        words: the words of several subwords in the window, which are tried at each mask.
    """

    window: Window
    encoded: Sequence[Context]
    words: Sequence[tuple[int, ...]]

    @classmethod
    def read(cls, model: LoadedModel, window: Window) -> SearchedWindow:
        """Encode a window and find its words."""
        encoded = contexts(model, window)
        return cls(window, encoded, model.vocabulary.words_of_several_subwords(encoded[0].input_ids))


def search_words(
    model: LoadedModel,
    searched: SearchedWindow,
    mask_index: int,
    *,
    prefix: str,
    max_subwords: int,
    min_weight: Callable[[], float],
) -> ForwardSteps[WordWeights]:
    """Find the words of 2 to ``max_subwords`` subwords that are worth offering at a mask.

    Args:
        model: the model.
        searched: the window of the mask.
        mask_index: the index of the mask in the window.
        prefix: what the words must begin with.
        max_subwords: the most subwords in a word.
        min_weight: the least weight that is worth offering; called after the first step.

    Returns:
        Words with their weights, the likeliest first.
    """
    vocabulary = model.vocabulary
    encoded = searched.encoded
    is_continuation = vocabulary.is_continuation(searched.window.before(mask_index))
    prefix = vocabulary.normalized(prefix)
    passage_words = [
        ids
        for ids in ([] if is_continuation else searched.words)
        if len(ids) <= max_subwords and vocabulary.normalized(vocabulary.word(ids)).startswith(prefix)
    ]
    mask_contexts = [_near(model, context.input_ids, context.mask_positions[mask_index]) for context in encoded]
    allowed = _allowed_subwords(vocabulary, is_continuation, prefix)
    lengths = set(range(2, max_subwords + 1)) if prefix else {2, *map(len, passage_words)}
    templates = [widen_mask(model, mask_contexts, length, allowed) for length in sorted(lengths)]
    scores = yield from score_open_templates(model.log_probabilities, templates)
    least = min_weight()
    if least == inf:
        return []
    targets = _likely_words(vocabulary, scores.values(), passage_words, prefix, least, with_listed=not is_continuation)
    is_free = bool(prefix) or is_continuation or not vocabulary.has_listed_words
    if is_free and not prefix:
        templates = [
            template if _continues(vocabulary, each) else replace(template, allowed=_nothing)
            for template, each in zip(templates, scores.values(), strict=True)
        ]
    hypotheses = yield from beam_search(
        model.log_probabilities,
        templates,
        beam_size=0 if not is_free else _BEAM_SIZE_WITH_PREFIX if prefix else _BEAM_SIZE,
        min_log_probability=log(least),
        targets=targets,
        scores=scores,
    )
    return [(hypothesis.filled_tokens, exp(hypothesis.log_probability)) for hypothesis in hypotheses]


def _likely_words(
    vocabulary: Vocabulary,
    scores: Iterable[Tensor],
    passage_words: Sequence[tuple[int, ...]],
    prefix: str,
    least: float,
    *,
    with_listed: bool,
) -> list[tuple[int, ...]]:
    """Return the known words whose weight is probably the highest, and at least ``least``; at most ``_MOST_TRIED``.

    Args:
        vocabulary: the model's vocabulary.
        scores: log-probabilities [length, vocabulary], given as many masks, for each length.
        passage_words: the words of the passage by their subwords.
        prefix: what the words must begin with, normalized.
        least: the least weight.
        with_listed: whether listed words fit.
    """
    found: dict[tuple[int, ...], float] = {}
    for each in scores:
        if with_listed and len(each) == 2:
            found |= _estimates(vocabulary.listed_words(prefix), each, _LISTED)
        found |= _estimates([ids for ids in passage_words if len(ids) == len(each)], each, _IN_PASSAGE)
    return sorted((ids for ids in found if found[ids] >= log(least)), key=lambda ids: -found[ids])[:_MOST_TRIED]


def _estimates(
    words: Tensor | Sequence[tuple[int, ...]], scores: Tensor, estimate: _Estimate
) -> dict[tuple[int, ...], float]:
    """Return the likeliest known words of one length, with the logarithms of their estimated weights.

    Args:
        words: their subwords [words, length].
        scores: log-probabilities [length, vocabulary].
        estimate: how the weights are estimated.
    """
    if not len(words):
        return {}
    words = torch.as_tensor(words)
    each = torch.stack([row[words[:, slot]] for slot, row in enumerate(scores)])
    most = each.amax(0)
    weights = most + estimate.exponent * (each.sum(0) - most) + estimate.bonus * (len(scores) - 1)
    top = weights.topk(min(_MOST_TRIED, len(words)))
    return {tuple(ids): weight for ids, weight in zip(words[top.indices].tolist(), top.values.tolist(), strict=True)}


def _continues(vocabulary: Vocabulary, scores: Tensor) -> bool:
    """Return whether each mask of a template after the first one is likely to continue a word."""
    fits = vocabulary.fitting_tokens(is_continuation=True)
    return float(scores[1:, : len(fits)][:, fits].exp().sum(-1).min()) > _MIN_CONTINUATION


def _nothing(_tokens: Tokens) -> list[tuple[int, Tensor]]:
    return []


def _near(model: LoadedModel, input_ids: list[int], position: int) -> tuple[list[int], int]:
    """Return the tokens near a mask, and the mask's position among them."""
    first, last = model.tokenizer.split_added_tokens(input_ids)
    start = max(len(first), position - _CONTEXT)
    end = min(len(input_ids) - len(last), position + 1 + _CONTEXT)
    return [*first, *input_ids[start:end], *last], len(first) + position - start


def widen_mask(
    model: LoadedModel, mask_contexts: Sequence[tuple[Sequence[int], int]], length: int, allowed: AllowedTokens
) -> Template:
    """Return a template in which ``length`` masks stand in the place of one.

    Args:
        model: the model.
        mask_contexts: the token ids of each context, and the mask's position in them.
        length: the number of masks.
        allowed: which tokens may fill which slots.
    """
    masks = [model.tokenizer.mask_id] * length
    _, first = mask_contexts[0]
    return Template(
        rows=[[*ids[:position], *masks, *ids[position + 1 :]] for ids, position in mask_contexts],
        positions=range(first, first + length),
        allowed=allowed,
        bonus=_bonus(length),
    )


def _bonus(length: int) -> float:
    return _BONUS_PER_SUBWORD * (length - 1)


def _allowed_subwords(vocabulary: Vocabulary, is_continuation: bool, prefix: str) -> AllowedTokens:
    """Allow the subwords that make a word; a prefix is spelled first, from the left."""

    def allowed(tokens: Tokens) -> list[tuple[int, Tensor]]:
        filled = [token for token in tokens if token is not None]
        rest = prefix[sum(len(vocabulary.texts[token]) for token in filled) :]
        if rest:  # while there is a rest, the filled slots are the first ones
            slot = len(filled)
            is_last = slot == len(tokens) - 1
            continues = is_continuation or slot > 0
            fitting = vocabulary.fitting_tokens(
                is_continuation=continues, is_last=is_last, prefix=rest, whole_prefix=is_last
            )
            return [(slot, fitting)]
        last = len(tokens) - 1
        return [
            (slot, vocabulary.fitting_tokens(is_continuation=is_continuation or slot > 0, is_last=slot == last))
            for slot, token in enumerate(tokens)
            if token is None
        ]

    return allowed
