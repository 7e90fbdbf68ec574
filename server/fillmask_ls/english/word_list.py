"""English words: which letters make a word.

The list is SCOWL's (size 60, American and British), under the license in ``COPYING``.
"""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

from fillmask_ls.words import find_unmasked_words

_SUFFIXES = (
    "'s", "s", "es", "d", "ed", "r", "er", "rs", "ers", "st", "est", "ing", "ings", "ly", "y", "ness", "ful", "less",
    "able", "ible", "ability", "al", "ally", "ial", "ity", "ion", "ions", "ation", "ations", "ize", "ized", "izes",
    "izing", "ise", "ised", "ises", "ising", "ist", "ists", "ism", "ic", "like", "wise", "ward", "ship", "hood", "ish",
)  # fmt: skip
_PREFIXES = (
    "un", "re", "non", "pre", "over", "under", "out", "mis", "dis", "anti", "co", "de", "multi", "sub", "super", "inter",
    "micro", "hyper", "auto", "semi", "counter", "cyber", "bio", "geo", "neuro", "in", "im",
)  # fmt: skip
_MIN_WORDS = 4
"""The minimum number of words that tell a text's language."""
_ENGLISH_SHARE = 0.5
"""The minimum share of listed words in an English text: some short words of other languages are English words, too."""
_MIN_STEM = 4
"""The minimum letters of a stem: with fewer, most rows of letters would be words."""


@cache
def spellings() -> dict[str, str]:
    """Map each word in lower case to its listed spelling; one that is listed with and without capitals, to lower case."""
    text = gzip.decompress(Path(__file__).with_name("words.txt.gz").read_bytes()).decode()
    found: dict[str, str] = {}
    for word in text.splitlines():
        key = word.casefold()
        if key not in found or word == key:
            found[key] = word
    return found


def listed_words() -> frozenset[str]:
    """Return the words of the list, with capitals if they are listed with capitals only."""
    return frozenset(spellings().values())


def is_listed(word: str) -> bool:
    """Return whether a word is in the list, in any case."""
    return word.casefold() in spellings()


def is_english(text: str) -> bool:
    """Return whether a text is probably English, or too short to tell.

    >>> is_english("The patient was taken to the hospital."), is_english("Der Patient wurde ins Krankenhaus gebracht.")
    (True, False)
    """
    words = [text[start:end] for start, end in find_unmasked_words(text)]
    words = [word for word in words if word.isalpha()]
    return len(words) < _MIN_WORDS or sum(map(_is_spelled_as_listed, words)) >= len(words) * _ENGLISH_SHARE


def is_word(word: str) -> bool:
    """Return whether letters make a word: a listed one, one with a common ending or beginning, or two listed words.

    >>> is_word("rebooting"), is_word("healthcare"), is_word("kubernet")
    (True, True, False)
    """
    word = word.casefold()
    if word in spellings():
        return True
    if _has_ending(word):
        return True
    rests = [word.removeprefix(prefix) for prefix in _PREFIXES if word.startswith(prefix)]
    if any(len(rest) >= _MIN_STEM and (rest in spellings() or _has_ending(rest)) for rest in rests):
        return True
    splits = range(_MIN_STEM, len(word) - _MIN_STEM + 1)
    return any(word[:split] in spellings() and word[split:] in spellings() for split in splits)


def _is_spelled_as_listed(word: str) -> bool:
    """Return whether a word is listed, a name with its capitals: *mit* is not *MIT*."""
    return spellings().get(word.casefold()) in (word, word.casefold())


def _has_ending(word: str) -> bool:
    return any(_is_stem(word.removesuffix(suffix)) for suffix in _SUFFIXES if word.endswith(suffix))


def _is_stem(stem: str) -> bool:
    """Return whether an ending leaves ``stem`` of a listed word: *stopp* of *stop*, *writ* of *write*, *happi* of *happy*."""
    if len(stem) < _MIN_STEM:
        return False
    forms = {stem, stem + "e"}
    if stem[-1] == stem[-2]:
        forms.add(stem[:-1])
    if stem[-1] == "i":
        forms.add(stem[:-1] + "y")
    return not forms.isdisjoint(spellings())
