"""Words of several pieces of the vocabulary, such as ``sum ##ter``, at one mask."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

from torch import Tensor

from .beam_search import Blank, Choices, Tokens, search
from .forward_steps import ForwardSteps
from .model import MaskedLM
from .vocabulary import Vocabulary
from .windows import Window, contexts

MAX_SUBWORDS = 4
"""How many pieces a word has at most, unless told."""

# Measured on words masked in validation text, of which 95 % have one piece. A word of n pieces weighs e^(n-1) times its
# joint probability given n masks: so the word that was there is first most often. Below a hundredth such a word is
# hardly ever among the ten that are offered. The passage's own words add a third to the right ones found.
_NATS_PER_PIECE = 1.0
_LEAST_WEIGHT = 0.01
_LEAST_LIKELY = 1e-6  # below, letters that no word begins with make words that nobody knows
_WIDTH = 5
_FROM_THE_PASSAGE = 6

Words = list[tuple[tuple[int, ...], float]]
"""Words by their pieces, with their weights; 1 is the weight of all words of one piece together."""


def longer_words(
    model: MaskedLM, window: Window, number: int, prefix: str, max_subwords: int, shorter: float
) -> ForwardSteps[Words]:
    """The words of 2 to ``max_subwords`` pieces that are worth offering at the mask ``number`` of the window.

    Args:
        shorter: the probability of all words of one piece that have the prefix: what the longer ones compete with.
    """
    vocabulary = model.vocabulary
    is_continuation = vocabulary.is_continuation(window.text[: window.masks[number][0]])
    wanted = vocabulary.normalized(prefix)
    ways = contexts(model, window)
    blanks = [
        blank(
            model, [(way.ids, way.masks[number]) for way in ways], length, _choices(vocabulary, is_continuation, wanted)
        )
        for length in range(2, max_subwords + 1)
    ]
    passage = [] if is_continuation else vocabulary.words_in(ways[0].ids)
    found = yield from search(
        model.log_probabilities,
        blanks,
        width=_WIDTH,
        floor=log(max(_LEAST_WEIGHT * shorter, _LEAST_LIKELY)),
        goals=[pieces for pieces in passage if vocabulary.normalized(vocabulary.spelled(pieces)).startswith(wanted)],
        goal_width=_FROM_THE_PASSAGE,
    )
    return [(filling.complete, exp(filling.log_probability)) for filling in found]


def blank(model: MaskedLM, ways: Sequence[tuple[Sequence[int], int]], length: int, choices: Choices) -> Blank:
    """A mask widened to ``length`` masks.

    Args:
        ways: the ids of each reading, and where in them the mask is.
    """
    masks = [model.tokenizer.mask_id] * length
    return Blank(
        rows=[[*ids[:at], *masks, *ids[at + 1 :]] for ids, at in ways],
        open=range(ways[0][1], ways[0][1] + length),
        choices=choices,
        weight=_NATS_PER_PIECE * (length - 1),
    )


def _choices(vocabulary: Vocabulary, is_continuation: bool, prefix: str) -> Choices:
    """What a word may be made of; a prefix is spelled out first, from the left."""

    def choices(tokens: Tokens) -> list[tuple[int, Tensor]]:
        begun = [token for token in tokens if token is not None]
        rest = prefix[sum(len(vocabulary.texts[token]) for token in begun) :]
        if rest:  # so far from the left
            place = len(begun)
            whole = place == len(tokens) - 1
            return [(place, vocabulary.fitting(is_continuation=is_continuation or place > 0, prefix=rest, whole=whole))]
        return [
            (i, vocabulary.fitting(is_continuation=is_continuation or i > 0))
            for i, token in enumerate(tokens)
            if token is None
        ]

    return choices
