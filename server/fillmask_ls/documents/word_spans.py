"""The word at a cursor or in a selection."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fillmask_ls.spans import Span
from fillmask_ls.words import find_unmasked_words

from .languages.registry import find_language, is_code
from .text import TextDocument

_LONGEST_WORD = 64
_REACH = 300
"""Characters on each side of a word in which the markup around it can begin and end."""
_UNBROKEN = re.compile(r"[^\s()\[\]{}<>\"“”«»,;*|]+")
_ADDRESS = re.compile(r"://|\w@\w|\\\w|[^\W\d]\.\w|\w[_=+^]\w")
"""How an unbroken row of characters shows that it is an address, a path, code or an abbreviation with dots."""
_ESCAPE_OR_PREFIX = re.compile(
    r"(?<=[^\\]\\)(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[abefnrtv])|(?:[uUbBfF][rR]?|[rR][bBfF]?)'"
)
_FORMULA = re.compile(r"(?<![\\$\w])\$(?=[^\s$])[^$\n]*[^\s$\\]\$(?![\w$])|\\\([^\n]*?\\\)")
_TAG = re.compile(r"<[a-zA-Z][^<>]*>")
_ATTRIBUTE = re.compile(r"(?P<name>[\w:.-]+)\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_PROSE_ATTRIBUTES = {"alt", "aria-label", "content", "label", "placeholder", "summary", "title"}


def word_at(document: TextDocument, index: int) -> Span | None:
    """Return the span of the word that contains the character at ``index``; markup inside a word splits it."""
    return next((span for span in _words_near(document, (index, index)) if span[0] <= index < span[1]), None)


def word_in_selection(document: TextDocument, selection: Span) -> Span | None:
    """Return the span of the word that contains a selection; an empty selection can be at the word's end."""
    words = _words_near(document, selection)
    return next((span for span in words if span[0] <= selection[0] and selection[1] <= span[1]), None)


def _words_near(document: TextDocument, span: Span) -> list[Span]:
    low = max(0, span[0] - _LONGEST_WORD)
    text = document.slice(low, span[1] + _LONGEST_WORD)
    words = find_unmasked_words(text)
    if is_code(find_language(document.language_id, document.uri)):
        words = [(_word_start(text, start, end), end) for start, end in words]
    return [(low + start, low + end) for start, end in words if start < end]


def _word_start(source: str, start: int, end: int) -> int:
    """Return where a word of source code starts, after the letters of an escape or the prefix of a string."""
    match = _ESCAPE_OR_PREFIX.match(source, start, end)
    return match.end() if match else start


def is_fixed(document: TextDocument, span: Span) -> bool:
    """Return whether no other word fits in the place of the one at ``span``, whatever its meaning.

    It is part of what :func:`find_addresses` finds, of a formula between dollar signs, or of the value of an attribute
    that isn't prose.
    """
    low = max(0, span[0] - _REACH)
    text = document.slice(low, span[1] + _REACH)
    start, end = span[0] - low, span[1] - low
    return any(first <= start and end <= last for first, last in _fixed_spans(text))


def find_addresses(text: str) -> Iterator[Span]:
    """Yield the spans of addresses, paths, names in code and abbreviations such as ``U.S.``, in order.

    >>> [text[slice(*span)] for text in ["Ask me@example.com now."] for span in find_addresses(text)]
    ['me@example.com']
    """
    return (match.span() for match in _UNBROKEN.finditer(text) if _ADDRESS.search(match[0]))


def _fixed_spans(text: str) -> Iterator[Span]:
    yield from find_addresses(text)
    yield from (match.span() for match in _FORMULA.finditer(text))
    for tag in _TAG.finditer(text):
        for attribute in _ATTRIBUTE.finditer(text, *tag.span()):
            if attribute["name"].lower() not in _PROSE_ATTRIBUTES:
                yield attribute.span()
