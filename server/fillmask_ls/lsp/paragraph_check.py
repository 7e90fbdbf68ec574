"""Check a paragraph: its words that are far less likely than the expected ones, and those that are missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from fillmask_ls.engine.api import Candidate, Engine, Priority, SurprisalQuestion, WordSurprisal
from fillmask_ls.english import confused_with, is_english, is_mistyped
from fillmask_ls.spans import Span

from .missing_words import MissingWord, find_missing_words
from .reader import Reader

EXPECTED_WORDS = 20
"""The expected words of a place among which the one that was meant is looked for."""
_CONFUSED_SHARE = 0.2
"""The part of the threshold that is enough if people confuse the word with an expected one: *loose* with *lose*."""
_MISTYPED_SHARE = 0.4
"""The part of the threshold that is enough if the word is mistyped for an expected one: *charge* for *change*."""
_MISSING_SHARE = 0.4
"""The part of the threshold that is enough for a missing word."""


@dataclass(frozen=True, slots=True)
class UnlikelyWord:
    """A word that is far less likely than another.

    Attributes:
        span: its span in the paragraph.
        meant: the expected word that was probably meant, because it is like this one; None if none is.
    """

    span: Span
    meant: Candidate | None


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check of a paragraph found, each in order."""

    unlikely: tuple[UnlikelyWord, ...]
    missing: tuple[MissingWord, ...]


async def check_paragraph(
    engine: Engine, reader: Reader, text: str, words: tuple[Span, ...], threshold: float
) -> Findings:
    """Return the unlikely words of a paragraph, and in English, the missing ones.

    Where another word was meant than the one that is written, none is missing beside it.

    Args:
        engine: what to ask.
        reader: the thread that reads the lists of English words.
        text: the paragraph.
        words: the spans of its words, in order.
        threshold: the bits by which the surprisal of a word that is not like an expected one must exceed that of the
            most expected word. A part of it is enough for other words, see the constants of this module.
    """
    question = SurprisalQuestion(text, EXPECTED_WORDS, words)
    surprisals = await engine.word_surprisals(question, Priority.BACKGROUND)
    in_english = await reader.run(is_english, text)
    missing: list[MissingWord] = []
    if in_english:
        missing = await find_missing_words(engine, text, words, surprisals, _MISSING_SHARE * threshold)
    unlikely = await reader.run(partial(_find_unlikely, surprisals, threshold, in_english=in_english))
    mistaken = {word.span for word in unlikely if word.meant is not None}
    return Findings(tuple(unlikely), tuple(word for word in missing if mistaken.isdisjoint((word.before, word.after))))


def _find_unlikely(surprisals: Iterable[WordSurprisal], threshold: float, *, in_english: bool) -> list[UnlikelyWord]:
    """Return the unlikely words. The first call reads a file.

    A word of several subwords is unlikely only if another was meant: the vocabulary does not know it.
    """
    found: list[UnlikelyWord] = []
    for surprisal in surprisals:
        meant = _meant_word(surprisal, threshold) if in_english else None
        if meant or (len(surprisal.subwords) == 1 and surprisal.excess > threshold):
            found.append(UnlikelyWord(surprisal.span, meant))
    return found


def _meant_word(surprisal: WordSurprisal, threshold: float) -> Candidate | None:
    """Return the most expected word that people confuse with the written one, or that it is mistyped for."""
    confusable = confused_with(surprisal.text)
    for word in surprisal.expected:
        excess = surprisal.excess_over(word)
        if excess > _CONFUSED_SHARE * threshold and word.text.casefold() in confusable:
            return word
        if excess > _MISTYPED_SHARE * threshold and is_mistyped(surprisal.text, word.text):
            return word
    return None
