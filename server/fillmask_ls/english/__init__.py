"""English words: which letters make a word, which words have capitals, and which are often confused.

The word list is SCOWL's (size 60, American and British), under the license in ``COPYING``; ``names.txt`` adds to it.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fillmask_ls.words import find_unmasked_words, starts_sentence

_FOLDER = Path(__file__).parent

_SUFFIXES = (
    "'s", "s", "es", "d", "ed", "r", "er", "rs", "ers", "st", "est", "ing", "ings", "ly", "y", "ness", "ful", "less",
    "able", "ible", "ability", "al", "ally", "ial", "ity", "ion", "ions", "ation", "ations", "ize", "ized", "izes",
    "izing", "ise", "ised", "ises", "ising", "ist", "ists", "ism", "ic", "like", "wise", "ward", "ship", "hood", "ish",
)  # fmt: skip
_PREFIXES = (
    "un", "re", "non", "pre", "over", "under", "out", "mis", "dis", "anti", "co", "de", "multi", "sub", "super", "inter",
    "micro", "hyper", "auto", "semi", "counter", "cyber", "bio", "geo", "neuro", "in", "im",
)  # fmt: skip
_BEGINS_NAMES = {"hong", "las", "los", "north", "san", "santa", "saudi", "south", "sri"}
"""First words of names of several words, before any word with a capital: *South Africa*, *South African*."""
_AFTER_NEW = {
    "Brunswick", "Caledonia", "Delhi", "England", "Guinea", "Hampshire", "Haven", "Jersey", "Mexico", "Orleans", "South",
    "Testament", "York", "Yorker", "Yorkers", "Zealand", "Zealander", "Zealanders",
}  # fmt: skip
"""Names that *New* begins. Before other words it is an adjective: *new German laws*."""
_FUNCTION_WORDS = {
    "a", "about", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did", "do", "does",
    "for", "from", "had", "has", "have", "he", "her", "his", "i", "if", "in", "into", "is", "it", "its", "my",
    "not", "of", "on", "or", "our", "than", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "those", "to", "was", "we", "were", "which", "who", "will", "with", "would", "you", "your",
}  # fmt: skip
"""Short words that a writer easily leaves out."""
_OTHER_FUNCTION_WORDS = {
    "after", "against", "all", "along", "although", "am", "among", "any", "around", "because", "before", "behind", "being",
    "below", "beside", "between", "beyond", "both", "during", "each", "either", "every", "few", "having", "here", "hers",
    "herself", "him", "himself", "how", "itself", "many", "may", "me", "might", "mine", "more", "most", "much", "must",
    "myself", "near", "neither", "never", "no", "nor", "off", "one", "onto", "others", "ours", "ourselves", "out", "over",
    "several", "shall", "she", "should", "since", "so", "some", "such", "themselves", "though", "through", "throughout",
    "till", "too", "toward", "towards", "under", "unless", "until", "up", "upon", "us", "very", "what", "whatever", "when",
    "where", "whether", "while", "whom", "whose", "why", "within", "without", "yet", "yours", "yourself",
}  # fmt: skip
_MIN_WORDS = 4
"""The minimum number of words that tell a text's language."""
_ENGLISH_SHARE = 0.5
"""The minimum share of listed words in an English text: some short words of other languages are English words, too."""
_MIN_NAME = 4
"""Minimum letters of a listed name; an abbreviation may have one fewer. A shorter one can be a word: *al* is not *AL*."""
_ONE_OF_SEVERAL = {"a", "an", "another", "any", "each", "every", "no", "this"}
"""Words before a thing that has no name of its own: *a Catholic church*."""
_NAME_REACH = 60
"""Characters on each side of a word in which the rest of its name can be."""
_WORDS_BEFORE = re.compile(r"(?:[\w'’]+\s)+\Z")
_WORDS_AFTER = re.compile(r"(?:\s[\w'’]+)+")
_MIN_STEM = 4
"""The minimum letters of a stem: with fewer, most rows of letters would be words."""


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
    lines = (_FOLDER / "names.txt").read_text(encoding="ascii").splitlines()
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


@cache
def _spellings() -> dict[str, str]:
    """Map each word in lower case to its listed spelling; one that is listed with and without capitals, to lower case."""
    text = gzip.decompress((_FOLDER / "words.txt.gz").read_bytes()).decode()
    spellings: dict[str, str] = {}
    for word in text.splitlines():
        key = word.casefold()
        if key not in spellings or word == key:
            spellings[key] = word
    return spellings


@cache
def _profanities() -> frozenset[str]:
    return frozenset((_FOLDER / "profanity.txt").read_text(encoding="ascii").split())


@cache
def _confusables() -> dict[str, frozenset[str]]:
    return _others_in_groups("confusables.txt")


@cache
def _contrasts() -> dict[str, frozenset[str]]:
    return _others_in_groups("contrasts.txt")


def _others_in_groups(file: str) -> dict[str, frozenset[str]]:
    """Map each word of a file to the other words of its lines."""
    others: dict[str, frozenset[str]] = {}
    for line in (_FOLDER / file).read_text(encoding="ascii").splitlines():
        group = frozenset(line.split())
        for word in group:
            others[word] = others.get(word, frozenset()) | group - {word}
    return others


def listed_words() -> frozenset[str]:
    """Return the words of the list, with capitals if they are listed with capitals only."""
    return frozenset(_spellings().values())


def is_listed(word: str) -> bool:
    """Return whether a word is in the list, in any case."""
    return word.casefold() in _spellings()


def is_english(text: str) -> bool:
    """Return whether a text is probably English, or too short to tell.

    >>> is_english("The patient was taken to the hospital."), is_english("Der Patient wurde ins Krankenhaus gebracht.")
    (True, False)
    """
    words = [text[start:end] for start, end in find_unmasked_words(text)]
    words = [word for word in words if word.isalpha()]
    return len(words) < _MIN_WORDS or sum(map(_is_spelled_as_listed, words)) >= len(words) * _ENGLISH_SHARE


def is_function_word(word: str) -> bool:
    """Return whether a word, in any case, is one that holds others together: *of*, *the*, *were*."""
    return word.casefold() in _FUNCTION_WORDS


def function_words() -> frozenset[str]:
    """Return the commonest words that hold others together: *of*, *the*, *were*."""
    return frozenset(_FUNCTION_WORDS)


def is_content_word(word: str) -> bool:
    """Return whether a word, in any case, has a meaning of its own: it is no preposition, pronoun, auxiliary or such.

    >>> is_content_word("House"), is_content_word("during")
    (True, False)
    """
    return word.casefold() not in _FUNCTION_WORDS | _OTHER_FUNCTION_WORDS


def is_word(word: str) -> bool:
    """Return whether letters make a word: a listed one, one with a common ending or beginning, or two listed words.

    >>> is_word("rebooting"), is_word("healthcare"), is_word("kubernet")
    (True, True, False)
    """
    word = word.casefold()
    if word in _spellings():
        return True
    if _has_ending(word):
        return True
    rests = [word.removeprefix(prefix) for prefix in _PREFIXES if word.startswith(prefix)]
    if any(len(rest) >= _MIN_STEM and (rest in _spellings() or _has_ending(rest)) for rest in rests):
        return True
    splits = range(_MIN_STEM, len(word) - _MIN_STEM + 1)
    return any(word[:split] in _spellings() and word[split:] in _spellings() for split in splits)


def proper_spelling(word: str) -> str:
    """Return a word in lower case as it is listed if it is listed with capitals only; otherwise as is.

    >>> proper_spelling("paris"), proper_spelling("may")
    ('Paris', 'may')
    """
    listed = _spellings().get(word, word)
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


def confused_with(word: str) -> frozenset[str]:
    """Return the words, in lower case, that people often write in place of a word, or mean by it.

    >>> sorted(confused_with("Loose")), sorted(confused_with("table"))
    (['lose'], [])
    """
    return _confusables().get(word.casefold(), frozenset())


def contrasts_with(word: str) -> frozenset[str]:
    """Return the words, in lower case, that stand beside a word in a small closed set, and so mean another thing.

    >>> sorted(contrasts_with("Yesterday")), sorted(contrasts_with("table"))
    (['today', 'tomorrow'], [])
    """
    return _contrasts().get(word.casefold(), frozenset())


def is_profane(word: str) -> bool:
    """Return whether most people would not want to read a word in a list of suggestions."""
    return word.casefold() in _profanities()


def _words_before(text: str) -> tuple[str, ...]:
    match = _WORDS_BEFORE.search(text[-_NAME_REACH:])
    return tuple(match[0].split()) if match else ()


def _words_after(text: str) -> tuple[str, ...]:
    match = _WORDS_AFTER.match(text[:_NAME_REACH])
    return tuple(match[0].split()) if match else ()


def _without_words(text: str, count: int) -> str:
    """Return the end of a text without its last words, which whitespace ends."""
    return "".join(f"{word} " for word in text[-2 * _NAME_REACH :].split()[:-count])


def _is_spelled_as_listed(word: str) -> bool:
    """Return whether a word is listed, a name with its capitals: *mit* is not *MIT*."""
    return _spellings().get(word.casefold()) in (word, word.casefold())


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
    return not forms.isdisjoint(_spellings())
