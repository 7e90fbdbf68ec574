"""Org: the text without keywords, drawers, source blocks and link targets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pygments.token import Generic, Keyword, Name, Operator, String, Text

from .fragments import Fragment, paragraph_break
from .lexing import Token, tame, tokens

_PROSE_KEYWORD = re.compile(r"#\+(?:title|subtitle|caption):", re.IGNORECASE)
_CODE_BLOCK = re.compile(r"#\+begin_(?:src|example|export|comment)", re.IGNORECASE)
_TAGS = re.compile(r"\s*:[\w@#%:]+:\Z")
_EMPHASIS = re.compile(r"(?<!\w)([*/_=~+])(\S|\S.*?\S)\1(?!\w)")
_STARS = re.compile(r"\*+\s+")
_CELL = re.compile(r"[^|]*[^|+-][^|]*")


def fragments(source: str) -> Iterator[Fragment]:
    """Yield the prose of an Org text; a heading, a list item and a table cell are paragraphs."""
    in_keyword = in_code = False
    for token in tokens("org", tame(source)):
        if token.type is Operator.Word:
            in_code = bool(_CODE_BLOCK.match(token.text))
            yield token.paragraph_break()
        elif in_code:
            continue
        elif token.type is Name.Namespace:
            in_keyword = not _PROSE_KEYWORD.match(token.text)
            yield token.paragraph_break()
        elif in_keyword:
            in_keyword = not token.text.startswith("\n")
            yield token.paragraph_break()
        else:
            yield from _prose(token)


def _prose(token: Token) -> Iterator[Fragment]:
    if token.type in Generic.Heading or token.type in Generic.Subheading:
        stars = _STARS.match(token.text)
        if stars:
            yield token.paragraph_break()
        yield from _heading(token, stars.end() if stars else 0)
        yield paragraph_break(token.end)
    elif token.type is Keyword:
        yield token.paragraph_break()
    elif token.type is Name.Tag:
        if not token.text.startswith("[fn"):
            yield token.fragment()
    elif token.type is String and token.text.startswith("|"):
        yield from _cells(token)
    elif token.type in (Generic.Strong, Generic.Emph, Generic.EmphStrong, Generic.Deleted, String):
        if not _TAGS.match(token.text):
            yield token.trimmed(1, 1)
    elif token.type in Text:
        yield token.fragment()


def _heading(token: Token, start: int) -> Iterator[Fragment]:
    """Yield a heading from ``start`` on, without its tags and the marks of emphasis."""
    tags = _TAGS.search(token.text)
    end = tags.start() if tags else len(token.text)
    for match in _EMPHASIS.finditer(token.text, start, end):
        yield token.trimmed(start, len(token.text) - match.start())
        yield token.trimmed(match.start(2), len(token.text) - match.end(2))
        start = match.end()
    yield token.trimmed(start, len(token.text) - end)


def _cells(token: Token) -> Iterator[Fragment]:
    for match in _CELL.finditer(token.text):
        yield token.paragraph_break()
        yield token.trimmed(match.start(), len(token.text) - match.end())
    yield token.paragraph_break()
