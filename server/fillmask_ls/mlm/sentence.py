"""Words in a sentence: where they are, what it asks of them, what may follow one. Nothing here imports torch."""

from __future__ import annotations

import regex

Span = tuple[int, int]
"""Characters from the first up to but not including the second."""

# What may follow a mask that ends its text: the sentence's end, or a word more. Asked alone, a model answers such a
# mask with a full stop; the mean of these two answers ranks the word that was there first 2 to 3 times as often.
CONTINUATIONS = (".", " [MASK].")

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+(?:['’][\p{L}\p{M}\p{N}_]+)*")
_SENTENCE_END = regex.compile(r"""[.!?…。！？]["'”’»)\]]*\s*$""")
_ABBREVIATION = regex.compile(r"\b(?:e\.g|i\.e|etc|vs|cf|approx|resp|pp|fig)\.\s*$", regex.IGNORECASE)
_LETTER = regex.compile(r"[\p{L}\p{N}]")


def words(text: str) -> list[Span]:
    """The words of ``text``: runs of letters, marks, digits and underscores, an apostrophe inside included.

    ``don't`` is one word, the full stop of ``table.`` belongs to none.
    """
    return [match.span() for match in _WORD.finditer(text)]


def starts_sentence(before: str) -> bool:
    """Whether a word behind the text ``before`` begins a sentence: nothing said yet, or a full stop before it."""
    before = before[-200:]
    if not _LETTER.search(before):
        return True
    return bool(_SENTENCE_END.search(before)) and not _ABBREVIATION.search(before)


def typed(word: str, *, capital: bool = False, prefix: str = "", begun: int = 0) -> str:
    """A word as a person would type it, with a ``capital`` where a sentence begins.

    A prefix that was typed already, the first ``begun`` letters of the word, is kept to the letter: ``El`` and
    ``elephant`` make ``Elephant``.
    """
    if prefix:
        rest = word[begun:]
        return prefix + (rest.upper() if len(prefix) > 1 and prefix.isupper() else rest)
    return word[:1].upper() + word[1:] if capital else word
