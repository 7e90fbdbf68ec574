"""Find the small words that a writer left out: with them, the words around are far more probable."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

from fillmask_ls import MASK
from fillmask_ls.engine.api import Candidate, Engine, PredictQuestion, Priority, SurprisalQuestion, WordSurprisal
from fillmask_ls.english import is_function_word
from fillmask_ls.spans import Span

_MIN_PROBABILITY = 0.5
"""A missing word is at least this probable at a mask in its gap."""
_SURPRISING_SHARE = 0.75
"""A gap is examined beside a word whose surprisal exceeds the expected word's by this share of the threshold."""
_GAPS_AT_ONCE = 8
"""A shared engine refuses more questions of one client when it is busy."""


@dataclass(frozen=True, slots=True)
class MissingWord:
    """A word that is probably missing between two words of a text.

    Attributes:
        before, after: the spans of the two words.
        word: the missing word.
        gain: by how many bits it raises the pseudo-log-likelihood of the two words, its own surprisal subtracted.
    """

    before: Span
    after: Span
    word: Candidate
    gain: float

    @property
    def span(self) -> Span:
        """The span of both words."""
        return self.before[0], self.after[1]


async def find_missing_words(
    engine: Engine, text: str, words: Sequence[Span], surprisals: Sequence[WordSurprisal], threshold: float
) -> list[MissingWord]:
    """Return the function words that are probably missing in a text, in order. No two share a neighboring word.

    A sentence with the word is compared with the sentence without it by the pseudo-log-likelihood (Salazar et al. 2020)
    of the words on both sides.

    Args:
        engine: what to ask.
        text: a paragraph in English.
        words: the spans of its words, in order; a word is missing only between two of them with a space between.
        surprisals: of some of its words: gaps beside the surprising ones are examined.
        threshold: the least gain, in bits.
    """
    surprising = {word.span for word in surprisals if word.excess > _SURPRISING_SHARE * threshold}
    gaps = [
        (before, after)
        for before, after in pairwise(words)
        if not surprising.isdisjoint((before, after)) and text[before[1] : after[0]] == " "
    ]
    found: list[MissingWord] = []
    for start in range(0, len(gaps), _GAPS_AT_ONCE):
        examined = await asyncio.gather(*(_examine(engine, text, *gap) for gap in gaps[start : start + _GAPS_AT_ONCE]))
        found += (missing for missing in examined if missing is not None and missing.gain > threshold)
    return without_neighbors(found)


def without_neighbors(found: Iterable[MissingWord]) -> list[MissingWord]:
    """Keep, of missing words that share a neighboring word, the one with the greatest gain. Return them in order."""
    kept: list[MissingWord] = []
    for missing in sorted(found, key=lambda missing: -missing.gain):
        if all(missing.before != other.after and missing.after != other.before for other in kept):
            kept.append(missing)
    return sorted(kept, key=lambda missing: missing.span)


async def _examine(engine: Engine, text: str, before: Span, after: Span) -> MissingWord | None:
    """Return the function word that the model expects between two words, with its gain; None if it expects none."""
    mask = before[1] + 1, before[1] + 1 + len(MASK)
    question = PredictQuestion(f"{text[: before[1]]} {MASK}{text[before[1] :]}", (mask,), 1)
    answer = await engine.predict(question, Priority.BACKGROUND)
    word = next(iter(answer.predictions[0].candidates), None)
    if word is None or word.probability < _MIN_PROBABILITY or not is_function_word(word.text):
        return None
    shift = len(word.text) + 1
    with_word = f"{text[: before[1]]} {word.text}{text[before[1] :]}"
    without, complete = await asyncio.gather(
        _log_likelihood(engine, text, (before, after)),
        _log_likelihood(engine, with_word, (before, (after[0] + shift, after[1] + shift))),
    )
    if without is None or complete is None:
        return None
    return MissingWord(before, after, word, (complete + log(word.probability) - without) / log(2))


async def _log_likelihood(engine: Engine, text: str, words: tuple[Span, Span]) -> float | None:
    """Return the sum of the log-likelihoods of two words, in nats; None if the model can't read one of them."""
    surprisals = await engine.word_surprisals(SurprisalQuestion(text, 0, words), Priority.BACKGROUND)
    return sum(word.log_likelihood for word in surprisals) if len(surprisals) == len(words) else None
