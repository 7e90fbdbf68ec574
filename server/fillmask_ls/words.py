"""Masks, words and sentences in plain text: the only module with their patterns. Imports no torch."""

from __future__ import annotations

from itertools import pairwise

import regex

from . import MASK
from .spans import Span

CONTINUATIONS = (".", " [MASK].")
"""Texts to read after a mask that ends its text: the end of the sentence, or one more word.

Without them a model predicts a full stop. Use the mean of its predictions with both.
"""

SUBWORDS_LIMIT = 8
"""The most subwords that a word can be searched with: memory grows with their square."""

_SPACED = r"[[\p{L}\p{M}\p{N}_]--[\p{Han}\p{Hiragana}\p{Katakana}ー]]"
_WORD_PATTERN = (
    rf"{_SPACED}+(?:['’]{_SPACED}+)*"
    r"|\p{Han}\p{M}*|\p{Hiragana}[\p{Hiragana}ー\p{M}]*|[\p{Katakana}ー][\p{Katakana}ー\p{M}]*"
)
_MASK = regex.compile(regex.escape(MASK))
_WITHOUT_SPACES = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_TYPED = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{_WITHOUT_SPACES}]]"
_MASK_AND_PREFIX = regex.compile(rf"({regex.escape(MASK)})({_TYPED}+(?:['’\-]{_TYPED}*)*)\Z", regex.VERSION1)
_MISSPELLED_MASK = regex.compile(r"<mask>|\[mask\]", regex.IGNORECASE)
_PARTIAL_MASK = regex.compile(r"\[(?:\]|m.*)?", regex.IGNORECASE)
_WORD = regex.compile(_WORD_PATTERN, regex.VERSION1)
_MASK_OR_WORD = regex.compile(rf"{regex.escape(MASK)}|(?P<word>{_WORD_PATTERN})", regex.VERSION1)
_LETTER = regex.compile(r"[\p{L}\p{N}]")
_PART_OF_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]")
_LETTER_WITHOUT_SPACES = regex.compile(f"[{_WITHOUT_SPACES}]")
_HAN = regex.compile(r"\p{Han}")
_BEFORE_STANDALONE = regex.compile(r"""(?:\A|[\s(\[{"'“‘«—–、。，；：！？（「『【])\Z""")
_AFTER_STANDALONE = regex.compile(r"""[)\]}"'”’».,;:!?…]*(?:\Z|[\s—–、。，；：！？）」』】])""")
_ENDS_CLAUSE = regex.compile(r"""[.!?…:;,。！？]["'”’»)\]]*\s*\Z""")
# A dot without a space after it is part of a name or a path.
_ENDS_SENTENCE = regex.compile(r"""[.!?…]["'”’»)\]]*\s+$|[。！？]["'”’»」』）]*\s*$""")
_MAY_END_SENTENCE = regex.compile(r"[\r\n.!?…。！？]")
_SENTENCE_BOUNDARY = regex.compile(r"""\n|[.!?…]["'”’»)\]]*\s++(?!\p{Ll})|[。！？]["'”’»」』）]*""")
_ABBREVIATION = regex.compile(r"\b(?:e\.g|i\.e|etc|vs|cf|approx|resp|pp|fig)\.\s*$", regex.IGNORECASE)
_SENTENCE_CONTEXT = 200


def find_masks(text: str, offset: int = 0) -> list[Span]:
    """Return the span of every ``[MASK]`` in ``text``, in order; ``offset`` is added to each end.

    >>> find_masks("A [MASK].")
    [(2, 8)]
    """
    return [(match.start() + offset, match.end() + offset) for match in _MASK.finditer(text)]


def find_misspelled_masks(text: str) -> list[Span]:
    """Return the spans of masks that are written in another way, as RoBERTa's are.

    >>> find_misspelled_masks("a <mask> and [mask], but [MASK]")
    [(2, 8), (13, 19)]
    """
    return [match.span() for match in _MISSPELLED_MASK.finditer(text) if match[0] != MASK]


def find_typed_prefix(text: str) -> tuple[Span, str] | None:
    """Return the mask at the end of ``text`` and the letters that were typed directly after it.

    >>> find_typed_prefix("An [MASK]el")
    ((3, 9), 'el')
    """
    match = _MASK_AND_PREFIX.search(text) if MASK in text else None
    return (match.span(1), match[2]) if match else None


def is_partial_mask(text: str) -> bool:
    """Return whether ``text`` looks like a mask that is being written: ``[``, ``[]`` or ``[ma``."""
    return bool(_PARTIAL_MASK.fullmatch(text))


def find_words(text: str) -> list[Span]:
    """Return the spans of the words of ``text``, in order; ``[MASK]`` contains the word ``MASK``.

    A word is a run of letters, marks, digits and underscores, with apostrophes inside. Chinese and Japanese have no
    spaces between words: there a word is one Chinese character, or a run of hiragana or of katakana.

    >>> [text[slice(*span)] for text in ["I don't."] for span in find_words(text)]
    ['I', "don't"]
    """
    return [match.span() for match in _WORD.finditer(text)]


def find_unmasked_words(text: str) -> list[Span]:
    """Return the spans of the words of ``text`` outside its masks, in order."""
    return [match.span() for match in _MASK_OR_WORD.finditer(text) if match["word"]]


def find_standalone_words(text: str) -> list[Span]:
    """Return the spans of the words outside masks that are not part of a path, an address or a compound.

    >>> [text[slice(*span)] for text in ["See a/path, well-known."] for span in find_standalone_words(text)]
    ['See']
    """
    standalone: list[Span] = []
    touching: list[Span] = []  # words without a space between them
    for word, following in pairwise([*find_unmasked_words(text), (len(text) + 1, len(text) + 1)]):
        touching.append(word)
        if word[1] == following[0]:
            continue
        start, end = touching[0][0], word[1]
        if _BEFORE_STANDALONE.search(text, max(0, start - 1), start) and _AFTER_STANDALONE.match(text, end):
            standalone += touching
        touching = []
    return standalone


def find_sentences(text: str) -> list[Span]:
    """Return the spans of the sentences of ``text``, each with the whitespace after it; a line end also ends a sentence.

    >>> find_sentences("One. Two.")
    [(0, 5), (5, 9)]
    """
    ends = (match.end() for match in _SENTENCE_BOUNDARY.finditer(text))
    return list(pairwise(sorted({0, *ends, len(text)})))


def has_letter(text: str) -> bool:
    """Return whether ``text`` contains a letter or digit."""
    return bool(_LETTER.search(text))


def is_part_of_word(character: str) -> bool:
    """Return whether a character belongs to a word: a letter, mark or digit; False for an empty string."""
    return bool(_PART_OF_WORD.match(character))


def is_written_without_spaces(character: str) -> bool:
    """Return whether a character belongs to a script that puts no spaces between words, as Japanese and Thai do."""
    return bool(_LETTER_WITHOUT_SPACES.match(character))


def is_han(text: str) -> bool:
    """Return whether ``text`` is one Chinese character."""
    return bool(_HAN.fullmatch(text))


def is_after_gap(before: str) -> bool:
    """Return whether a word can begin right after the text ``before``: after a space, an opening bracket or a quote."""
    return bool(_BEFORE_STANDALONE.search(before))


def starts_sentence(before: str) -> bool:
    """Return whether a word after the text ``before`` begins a sentence.

    >>> starts_sentence("It rained. "), starts_sentence("Use tools, e.g. "), starts_sentence("import os.")
    (True, False, False)
    """
    before = before[-_SENTENCE_CONTEXT:]
    if not has_letter(before):
        return True
    return bool(_ENDS_SENTENCE.search(before)) and not _ABBREVIATION.search(before)


def may_end_sentence(text: str) -> bool:
    """Return whether a sentence may end in ``text``: it contains a line end or a mark that can end sentences."""
    return bool(_MAY_END_SENTENCE.search(text))


def ends_clause(text: str) -> bool:
    """Return whether ``text`` ends with the punctuation of a sentence or clause."""
    return bool(_ENDS_CLAUSE.search(text))


def apply_case(word: str, *, capital: bool = False, prefix: str = "", begun: int = 0) -> str:
    """Return ``word`` in the case that its context requires.

    >>> apply_case("elephant", prefix="El", begun=2)
    'Elephant'

    Args:
        word: as the vocabulary spells it.
        capital: whether the word begins a sentence.
        prefix: the letters that the user typed already, kept as they are.
        begun: how many letters of ``word`` the prefix replaces.
    """
    if prefix:
        rest = word[begun:]
        return prefix + (rest.upper() if len(prefix) > 1 and prefix.isupper() else rest)
    return word[:1].upper() + word[1:] if capital else word
