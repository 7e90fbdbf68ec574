"""English names: which words have capitals, alone or beside the other words of a name.

Names of one word are those of the word list; ``names.txt`` contains more, and names of several words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fillmask_ls.words import starts_sentence

from .word_list import spellings

_BEGINS_NAMES = {"hong", "las", "los", "north", "san", "santa", "saudi", "south", "sri"}
"""First words of names of several words, before any word with a capital: *South Africa*, *South African*."""
_AFTER_NEW = {
    "Brunswick", "Caledonia", "Delhi", "England", "Guinea", "Hampshire", "Haven", "Jersey", "Mexico", "Orleans", "South",
    "Testament", "York", "Yorker", "Yorkers", "Zealand", "Zealander", "Zealanders",
}  # fmt: skip
"""Names that *New* begins. Before other words it is an adjective: *new German laws*."""
_MIN_NAME = 4
"""Minimum letters of a listed name; an abbreviation may have one fewer. A shorter one can be a word: *al* is not *AL*."""
_ONE_OF_SEVERAL = {"a", "an", "another", "any", "each", "every", "no", "this"}
"""Words before a thing that has no name of its own: *a Catholic church*."""
_NAME_REACH = 60
"""Characters on each side of a word in which the rest of its name can be."""
_WORDS_BEFORE = re.compile(r"(?:[\w'’]+\s)+\Z")
_WORDS_AFTER = re.compile(r"(?:\s[\w'’]+)+")


@dataclass(frozen=True, slots=True)
class _Name:
    """A name of one or several words.

    Attributes:
        words: the words with their capitals.
        is_also_phrase: whether the words are as often no name where only a sentence's start gives them a capital.
    """

    words: tuple[str, ...]
    is_also_phrase: bool

    def is_beside(self, index: int, before: str, after: str) -> bool:
        """Return whether the words of the name around the one at ``index`` stand before and after it in a text."""
        first, last = self.words[:index], self.words[index + 1 :]
        if _words_after(after)[: len(last)] != last:
            return False
        words = _words_before(before)
        start = len(words) - index
        if start < 0 or words[start:] != first:
            return False
        # The capital of a sentence's first word tells nothing, nor does that of a word that always has one.
        telling = [word for word in (*first[1:], *last) if not word.islower()]
        if first and (telling or not self.is_also_phrase or not starts_sentence(_without_words(before, index))):
            telling.append(first[0])
        if words[:start] and words[start - 1].casefold() in _ONE_OF_SEVERAL:
            telling = [word for word in telling if proper_spelling(word.casefold()) != word]
        return bool(telling)


@cache
def _names() -> list[_Name]:
    lines = (Path(__file__).with_name("names.txt")).read_text(encoding="ascii").splitlines()
    lines = [line for line in lines if not line.startswith("#")]
    return [_Name(tuple(line.removeprefix("~").split()), line.startswith("~")) for line in lines]


@cache
def _single_names() -> dict[str, str]:
    """Map each name of one word to its spelling, from lower case."""
    return {name.words[0].casefold(): name.words[0] for name in _names() if len(name.words) == 1}


@cache
def _names_with() -> dict[str, list[tuple[_Name, int]]]:
    """Map each word in lower case to the names of several words that contain it, and to its index in them."""
    found: dict[str, list[tuple[_Name, int]]] = {}
    for name in _names():
        for index, word in enumerate(name.words if len(name.words) > 1 else ()):
            found.setdefault(word.casefold(), []).append((name, index))
    return found


def proper_spelling(word: str) -> str:
    """Return a word in lower case as it is listed if it is listed with capitals only; otherwise as is.

    >>> proper_spelling("paris"), proper_spelling("may")
    ('Paris', 'may')
    """
    listed = spellings().get(word, word)
    is_name = len(listed) >= _MIN_NAME or (len(listed) == _MIN_NAME - 1 and listed.isupper())
    return _single_names().get(word) or (listed if is_name else word)


def spelling_in_name(word: str, before: str, after: str) -> str:
    """Return a word as it is written in the name of several words that the texts before and after it complete.

    >>> spelling_in_name("states", "the United ", " of America"), spelling_in_name("house", "a white ", " on a hill")
    ('States', 'house')
    """
    for name, index in _names_with().get(word.casefold(), ()):
        if name.is_beside(index, before, after):
            return name.words[index]
    return word


def begins_name(word: str, following: str) -> bool:
    """Return whether a word in lower case begins a name that the following word continues.

    >>> begins_name("new", "York"), begins_name("new", "German"), begins_name("north", "Korea")
    (True, False, True)
    """
    return following in _AFTER_NEW if word == "new" else word in _BEGINS_NAMES and following[:1].isupper()


def _words_before(text: str) -> tuple[str, ...]:
    match = _WORDS_BEFORE.search(text[-_NAME_REACH:])
    return tuple(match[0].split()) if match else ()


def _words_after(text: str) -> tuple[str, ...]:
    match = _WORDS_AFTER.match(text[:_NAME_REACH])
    return tuple(match[0].split()) if match else ()


def _without_words(text: str, count: int) -> str:
    """Return the end of a text without its last words, which whitespace ends."""
    return "".join(f"{word} " for word in text[-2 * _NAME_REACH :].split()[:-count])
