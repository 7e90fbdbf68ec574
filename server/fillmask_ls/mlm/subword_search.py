"""Search for words of several subwords, such as ``sum ##ter``, at one mask.

The constants were chosen on validation text; ``server/docs/decisions.md`` contains the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log

from torch import Tensor

from .beam_search import AllowedTokens, Cloze, Scores, Tokens, beam_search, score_open_clozes
from .forward_steps import ForwardSteps
from .model import MaskedLM
from .vocabulary import Vocabulary
from .windows import Context, Window, contexts

MAX_SUBWORDS = 4
"""The default for the most subwords in a word."""

_BONUS_PER_SUBWORD = 1.0
"""In nats, for each subword after the first: masks side by side are less certain than one."""
_BEAM_SIZE = 1
_BEAM_SIZE_WITH_PREFIX = 5
_MIN_CONTINUATION = 0.3
"""Where a continuation of a word is less probable than this, only words of the passage are tried."""
_CONTEXT = 64
"""Tokens on each side of the mask that the search reads, so that a mask costs the same in a text of any length."""
_MAX_PASSAGE_WORDS = 2
"""How many words of the passage are tried."""

WordWeights = list[tuple[tuple[int, ...], float]]
"""Words by their subwords, each with its weight; all words of one subword together weigh at most 1."""


@dataclass(frozen=True, slots=True)
class SearchedWindow:
    """Data that the searches at all masks of a window share.

    Attributes:
        window: the window.
        encoded: its contexts.
        words: its words of several subwords.
    """

    window: Window
    encoded: Sequence[Context]
    words: Sequence[tuple[int, ...]]

    @classmethod
    def read(cls, model: MaskedLM, window: Window) -> SearchedWindow:
        """Encode a window and find its words."""
        encoded = contexts(model, window)
        return cls(window, encoded, model.vocabulary.words_of_several_subwords(encoded[0].input_ids))


def search_words(
    model: MaskedLM,
    searched: SearchedWindow,
    number: int,
    *,
    prefix: str,
    max_subwords: int,
    min_weight: Callable[[], float],
) -> ForwardSteps[WordWeights]:
    """Find the words of 2 to ``max_subwords`` subwords that are worth offering at a mask.

    Words of the passage are tried everywhere, other words only where a word of several subwords is likely, or with a
    prefix: so a mask costs two or three more rows in a forward pass on average.

    Args:
        model: the model.
        searched: the window of the mask.
        number: the number of the mask in the window.
        prefix: what the words must begin with.
        max_subwords: the most subwords in a word.
        min_weight: the least weight that is worth offering; called after the first step.

    Returns:
        Words with their weights, the likeliest first.
    """
    vocabulary = model.vocabulary
    encoded = searched.encoded
    is_continuation = vocabulary.is_continuation(searched.window.before(number))
    prefix = vocabulary.normalized(prefix)
    readings = [_near(model, context.input_ids, context.mask_positions[number]) for context in encoded]
    allowed = _allowed_subwords(vocabulary, is_continuation, prefix)
    passage_words = [] if is_continuation else searched.words
    targets = [ids for ids in passage_words if vocabulary.normalized(vocabulary.word(ids)).startswith(prefix)]
    found: WordWeights = []
    is_likely = True
    for group in _groups(max_subwords, targets, together=bool(prefix)):
        tried = [ids for ids in targets if len(ids) in group]
        if not (is_likely or tried):
            continue
        clozes = [widen_mask(model, readings, length, allowed) for length in group]
        scores = yield from score_open_clozes(model.log_probabilities, clozes)
        least = min_weight()
        if least == inf:
            break
        likely = [bool(prefix) or _continues(vocabulary, each) for each in scores.values()]
        hypotheses = yield from beam_search(
            model.log_probabilities,
            [cloze if each else replace(cloze, allowed=_nothing) for cloze, each in zip(clozes, likely, strict=True)],
            beam_size=_BEAM_SIZE_WITH_PREFIX if prefix else _BEAM_SIZE,
            min_log_probability=log(least),
            targets=sorted(tried, key=lambda ids: -_ends(ids, scores))[:_MAX_PASSAGE_WORDS],
            scores=scores,
        )
        found += [(hypothesis.filled_tokens, exp(hypothesis.log_probability)) for hypothesis in hypotheses]
        is_likely = any(likely) and bool(hypotheses)
        targets = [ids for ids in targets if _ends(ids, scores) + _bonus(len(ids)) >= log(least)]
    return sorted(found, key=lambda item: -item[1])


def _groups(max_subwords: int, targets: Sequence[Sequence[int]], *, together: bool) -> list[list[int]]:
    """Return the numbers of subwords to try, in groups that share forward steps."""
    lengths = list(range(2, max_subwords + 1))
    if together:
        return [lengths]
    first = 2 + any(len(ids) == 3 for ids in targets)
    groups = [[length for length in lengths if length <= first], *([length] for length in lengths if length > first)]
    return [group for group in groups if group]


def _continues(vocabulary: Vocabulary, scores: Tensor) -> bool:
    """Return whether each mask of a cloze after the first one is likely to continue a word."""
    fits = vocabulary.fitting_tokens(is_continuation=True)
    return float(scores[1:, : len(fits)][:, fits].exp().sum(-1).min()) > _MIN_CONTINUATION


def _nothing(_tokens: Tokens) -> list[tuple[int, Tensor]]:
    return []


def _ends(ids: Sequence[int], scores: Scores) -> float:
    """Return the log-probability of a word's first token at the first mask or its last one at the last, the higher one."""
    return max(max(float(each[0, ids[0]]), float(each[-1, ids[-1]])) for each in scores.values())


def _near(model: MaskedLM, input_ids: list[int], position: int) -> tuple[list[int], int]:
    """Return the tokens near a mask, and the mask's position among them."""
    first, last = model.tokenizer.split_added_tokens(input_ids)
    start = max(len(first), position - _CONTEXT)
    end = min(len(input_ids) - len(last), position + 1 + _CONTEXT)
    return [*first, *input_ids[start:end], *last], len(first) + position - start


def widen_mask(
    model: MaskedLM, readings: Sequence[tuple[Sequence[int], int]], length: int, allowed: AllowedTokens
) -> Cloze:
    """Return a cloze in which ``length`` masks stand in the place of one.

    Args:
        model: the model.
        readings: the token ids of each context, and the mask's position in them.
        length: the number of masks.
        allowed: which tokens may fill which slots.
    """
    masks = [model.tokenizer.mask_id] * length
    _, first = readings[0]
    return Cloze(
        rows=[[*ids[:position], *masks, *ids[position + 1 :]] for ids, position in readings],
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
