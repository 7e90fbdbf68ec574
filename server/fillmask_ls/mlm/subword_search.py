"""Search for words of several subwords, such as ``sum ##ter``, at one mask.

The constants were chosen on validation text; ``server/docs/decisions.md`` contains the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

from torch import Tensor

from .beam_search import AllowedTokens, Cloze, Tokens, beam_search
from .forward_steps import ForwardSteps
from .model import MaskedLM
from .vocabulary import Vocabulary
from .windows import Window, contexts

MAX_SUBWORDS = 4
"""The default for the most subwords in a word."""

_BONUS_PER_SUBWORD = 1.0
"""In nats, for each subword after the first: masks side by side are less certain than one."""
_MIN_RELATIVE_WEIGHT = 0.01
"""Words below this share of the probability of all words of one subword are dropped."""
_MIN_WEIGHT = 1e-6
"""Where no word of one subword fits a prefix, less likely words are noise."""
_BEAM_SIZE = 5
_MAX_PASSAGE_WORDS = 6
"""How many words of the passage are followed to the end."""

WordWeights = list[tuple[tuple[int, ...], float]]
"""Words by their subwords, each with its weight; all words of one subword together weigh at most 1."""


def search_words(
    model: MaskedLM,
    window: Window,
    number: int,
    *,
    prefix: str,
    max_subwords: int,
    single_subword_probability: float,
) -> ForwardSteps[WordWeights]:
    """Find the words of 2 to ``max_subwords`` subwords that are worth offering at a mask.

    Words of the passage are tried besides those that the beam finds.

    Args:
        model: the model.
        window: the window of the mask.
        number: the number of the mask in the window.
        prefix: what the words must begin with.
        max_subwords: the most subwords in a word.
        single_subword_probability: of all words of one subword that have the prefix, together.

    Returns:
        Words with their weights, the likeliest first.
    """
    vocabulary = model.vocabulary
    is_continuation = vocabulary.is_continuation(window.before(number))
    prefix = vocabulary.normalized(prefix)
    encoded = contexts(model, window)
    readings = [(context.input_ids, context.mask_positions[number]) for context in encoded]
    allowed = _allowed_subwords(vocabulary, is_continuation, prefix)
    passage_words = [] if is_continuation else vocabulary.words_of_several_subwords(encoded[0].input_ids)
    hypotheses = yield from beam_search(
        model.log_probabilities,
        [widen_mask(model, readings, length, allowed) for length in range(2, max_subwords + 1)],
        beam_size=_BEAM_SIZE,
        min_log_probability=log(max(_MIN_RELATIVE_WEIGHT * single_subword_probability, _MIN_WEIGHT)),
        targets=[ids for ids in passage_words if vocabulary.normalized(vocabulary.word(ids)).startswith(prefix)],
        target_beam_size=_MAX_PASSAGE_WORDS,
    )
    return [(hypothesis.filled_tokens, exp(hypothesis.log_probability)) for hypothesis in hypotheses]


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
        bonus=_BONUS_PER_SUBWORD * (length - 1),
    )


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
