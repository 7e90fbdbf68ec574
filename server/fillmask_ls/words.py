"""Masks, words and sentences in plain text: the one home of their patterns. Imports no torch."""

from __future__ import annotations

from itertools import pairwise

import regex

from . import MASK
from .spans import Span

CONTINUATIONS = (".", " [MASK].")
"""What may follow a mask at the end of its text: the end of the sentence, or one more word.

A model answers such a mask with a full stop. The mean of its answers to both continuations ranks the right word first two
to three times as often.
"""

WORD_PATTERN = r"[\p{L}\p{M}\p{N}_]+(?:['’][\p{L}\p{M}\p{N}_]+)*"
"""A run of letters, marks, digits and underscores, with apostrophes inside: ``don't`` is one word."""

_MASK = regex.compile(regex.escape(MASK))
_WORD = regex.compile(WORD_PATTERN)
_MASK_OR_WORD = regex.compile(rf"{regex.escape(MASK)}|(?P<word>{WORD_PATTERN})")
_LETTER = regex.compile(r"[\p{L}\p{N}]")
_PART_OF_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]")
_ENDS_SENTENCE = regex.compile(r"""[.!?…。！？]["'”’»)\]]*\s*$""")
_SENTENCE_BOUNDARY = regex.compile(r"""\n|[.!?…]["'”’»)\]]*\s++(?!\p{Ll})|[。！？]["'”’»」』）]*""")
_ABBREVIATION = regex.compile(r"\b(?:e\.g|i\.e|etc|vs|cf|approx|resp|pp|fig)\.\s*$", regex.IGNORECASE)


def find_masks(text: str, offset: int = 0) -> list[Span]:
    """Return the span of every ``[MASK]`` in ``text``, in order; ``offset`` is added to each end."""
    return [(match.start() + offset, match.end() + offset) for match in _MASK.finditer(text)]


def find_words(text: str) -> list[Span]:
    """Return the spans of the words of ``text``, in order; ``[MASK]`` contains the word ``MASK``.

    >>> [text[slice(*span)] for text in ["I don't."] for span in find_words(text)]
    ['I', "don't"]
    """
    return [match.span() for match in _WORD.finditer(text)]


def find_unmasked_words(text: str) -> list[Span]:
    """Return the spans of the words of ``text`` outside its masks, in order."""
    return [match.span() for match in _MASK_OR_WORD.finditer(text) if match["word"]]


def find_sentences(text: str) -> list[Span]:
    """Return the spans of the sentences of ``text``, each with the whitespace after it; a line end also ends a sentence."""
    ends = (match.end() for match in _SENTENCE_BOUNDARY.finditer(text))
    return list(pairwise(sorted({0, *ends, len(text)})))


def has_letter(text: str) -> bool:
    """Return whether ``text`` contains a letter or digit."""
    return bool(_LETTER.search(text))


def is_part_of_word(character: str) -> bool:
    """Return whether a character belongs to a word: a letter, mark or digit; False for an empty string."""
    return bool(_PART_OF_WORD.match(character))


def starts_sentence(before: str) -> bool:
    """Return whether a word after the text ``before`` begins a sentence."""
    before = before[-200:]
    if not has_letter(before):
        return True
    return bool(_ENDS_SENTENCE.search(before)) and not _ABBREVIATION.search(before)


def apply_case(word: str, *, capital: bool = False, prefix: str = "", begun: int = 0) -> str:
    """Return ``word`` in the case its place needs.

    Args:
        word: as the vocabulary spells it.
        capital: whether the word begins a sentence.
        prefix: the letters that the user typed already, kept as is: ``El`` and ``elephant`` give ``Elephant``.
        begun: how many letters of ``word`` the prefix stands for.
    """
    if prefix:
        rest = word[begun:]
        return prefix + (rest.upper() if len(prefix) > 1 and prefix.isupper() else rest)
    return word[:1].upper() + word[1:] if capital else word
