"""Groups of English words: those that people confuse or contrast, function words and profane words."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FUNCTION_WORDS = {
    "a", "about", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did", "do", "does",
    "for", "from", "had", "has", "have", "he", "her", "his", "i", "if", "in", "into", "is", "it", "its", "my",
    "not", "of", "on", "or", "our", "than", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "those", "to", "was", "we", "were", "which", "who", "will", "with", "would", "you", "your",
}  # fmt: skip
"""The commonest function words."""
_OTHER_FUNCTION_WORDS = {
    "after", "against", "all", "along", "although", "am", "among", "any", "around", "because", "before", "behind", "being",
    "below", "beside", "between", "beyond", "both", "during", "each", "either", "every", "few", "having", "here", "hers",
    "herself", "him", "himself", "how", "itself", "many", "may", "me", "might", "mine", "more", "most", "much", "must",
    "myself", "near", "neither", "never", "no", "nor", "off", "one", "onto", "others", "ours", "ourselves", "out", "over",
    "several", "shall", "she", "should", "since", "so", "some", "such", "themselves", "though", "through", "throughout",
    "till", "too", "toward", "towards", "under", "unless", "until", "up", "upon", "us", "very", "what", "whatever", "when",
    "where", "whether", "while", "whom", "whose", "why", "within", "without", "yet", "yours", "yourself",
}  # fmt: skip


@cache
def _profanities() -> frozenset[str]:
    return frozenset((Path(__file__).with_name("profanity.txt")).read_text(encoding="ascii").split())


@cache
def _confusables() -> dict[str, frozenset[str]]:
    return _others_in_groups("confusables.txt")


@cache
def _contrasts() -> dict[str, frozenset[str]]:
    return _others_in_groups("contrasts.txt")


def _others_in_groups(file: str) -> dict[str, frozenset[str]]:
    """Map each word of a file to the other words of its lines."""
    others: dict[str, frozenset[str]] = {}
    for line in (Path(__file__).with_name(file)).read_text(encoding="ascii").splitlines():
        group = frozenset(line.split())
        for word in group:
            others[word] = others.get(word, frozenset()) | group - {word}
    return others


def is_function_word(word: str) -> bool:
    """Return whether a word, in any case, is one of the sixty commonest function words: *of*, *the*, *were*."""
    return word.casefold() in _FUNCTION_WORDS


def function_words() -> frozenset[str]:
    """Return the sixty commonest function words: *of*, *the*, *were*."""
    return frozenset(_FUNCTION_WORDS)


def is_content_word(word: str) -> bool:
    """Return whether a word, in any case, has a meaning of its own: it is no preposition, pronoun, auxiliary or such.

    >>> is_content_word("House"), is_content_word("during")
    (True, False)
    """
    word = word.casefold()
    return word not in _FUNCTION_WORDS and word not in _OTHER_FUNCTION_WORDS


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
