"""The spelling of words in a text: their capitals, and whether letters make a word at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache

from fillmask_ls import MASK, english
from fillmask_ls.words import find_sentences, find_unmasked_words, starts_sentence

from .vocabulary import Vocabulary

_FIRST_WORD = re.compile(r" (\w+)")
_REACH = 120
"""Characters on each side of a word in which the words of its sentence are looked for."""
_MAX_ABBREVIATION = 4
"""A word in capitals that is not listed counts as an abbreviation up to so many letters."""
_MIN_CAPITALS = 2
"""The minimum number of words in capitals, besides abbreviations, in a sentence that is written in capitals."""


class Spelling:
    """Spells the words that fit a text as the text itself does, or else as an English word list does."""

    def __init__(self, vocabulary: Vocabulary, text: str) -> None:
        self._vocabulary = vocabulary
        self._text = text

    def word(self, ids: Sequence[int], before: str, *, after: str = "", capital: bool = False, prefix: str = "") -> str:
        """Return the word of subwords as it is written after ``before``, the text in front of it.

        Args:
            after: the text behind it, which may continue a name: *New* before *York*, *Supreme* before *Court*.
            capital: whether it begins with a capital even inside a sentence.
            prefix: the letters that the user typed already.
        """
        word = self._vocabulary.word(ids)
        if not self._vocabulary.continues_word(before):
            word = self._spell(word)
            if self._vocabulary.is_english:
                word = english.spelling_in_name(word, before, after)
                if english.begins_name(word, _first_word(after)):
                    word = word.capitalize()
        word = self._vocabulary.apply_case(word, capital=capital or starts_sentence(before), prefix=prefix)
        is_upper = (not prefix or prefix.isupper()) and word != word.upper() and is_in_capitals(before, after)
        return word.upper() if is_upper else word

    def _spell(self, word: str) -> str:
        """Return a word with the capitals that it has inside a sentence; a vocabulary with capitals spells it itself."""
        if not self._vocabulary.is_uncased:
            return word
        return self._own_words.get(word) or (english.proper_spelling(word) if self._vocabulary.is_english else word)

    def exists(self, ids: Sequence[int], before: str, *, prefix: str = "") -> bool:
        """Return whether subwords after the text ``before`` make a word: one of the text, or an English one.

        After a ``prefix`` that the user typed, an English word must be listed: many endings fit letters that are given, and
        *coldy* is made as *windy* is. Subwords are not checked, so the result is True, if the vocabulary isn't English, if
        they contain other letters than English ones, or if they continue a word of the text.
        """
        word = self._vocabulary.word(ids)
        is_english = self._vocabulary.is_english and word.isascii() and word.isalpha()
        if not is_english or self._vocabulary.continues_word(before):
            return True
        is_known = english.is_listed if prefix else english.is_word
        return word.casefold() in self._own_words or is_known(word)

    def is_last(self, word: str) -> bool:
        """Return whether a word comes after all others in a list: it is profane, and the text does not use it."""
        return english.is_profane(word) and word.casefold() not in self._own_words

    @cached_property
    def _own_words(self) -> dict[str, str]:
        """The spellings of the text's words, by lower case: without capitals if the text has the word so anywhere."""
        spellings: dict[str, str] = {}
        for start, end in find_unmasked_words(self._text):
            word = self._text[start:end]
            key = word.casefold()
            known = spellings.get(key)
            if known == key:
                continue
            is_capital_of_sentence = word[1:] == key[1:] and starts_sentence(self._text[:start])
            if word == key or not is_capital_of_sentence:
                spellings[key] = word
            elif known is None:
                spellings[key] = word if not english.is_listed(word) else english.proper_spelling(key)
        return spellings


def is_abbreviation(word: str) -> bool:
    """Return whether a word in capitals is probably always written so: listed with capitals, or not listed."""
    return not english.is_listed(word) or english.proper_spelling(word.casefold()) == word


def is_in_capitals(before: str, after: str) -> bool:
    """Return whether a word between two texts is in a sentence that is written all in capitals.

    Abbreviations and single letters have capitals anyway, so a sentence of them alone is not.

    >>> is_in_capitals("THE PATIENT LEFT THE ", "."), is_in_capitals("The BBC and the ", " agree.")
    (True, False)
    """
    return _is_in_capitals(before[-_REACH:], after[:_REACH])


def sentence_around(before: str, after: str) -> str:
    """Return the sentence around a word between two texts, as far as it is near, with a mask in the word's place."""
    before, after = before[-_REACH:], after[:_REACH]
    text, index = f"{before}{MASK}{after}", len(before)
    return next(text[start:end] for start, end in find_sentences(text) if start <= index < end)


@lru_cache(maxsize=64)
def _is_in_capitals(before: str, after: str) -> bool:
    sentence = sentence_around(before, after)
    capitals = 0
    for start, end in find_unmasked_words(sentence):
        word = sentence[start:end]
        if word.upper() == word.lower():
            continue
        if not word.isupper():
            return False
        is_plain = not is_abbreviation(word) or (not english.is_listed(word) and len(word) > _MAX_ABBREVIATION)
        capitals += len(word) > 1 and is_plain
    return capitals >= _MIN_CAPITALS


def _first_word(text: str) -> str:
    """Return the word that a text begins with after a space; empty if there is none."""
    match = _FIRST_WORD.match(text)
    return match[1] if match else ""
