"""Org: the text without keywords, drawers, source blocks and links' addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pygments.token import Generic, Keyword, Name, Operator, String, Text

from . import BREAK, Piece, Token, tokens

_SHOWN = re.compile(r"#\+(?:title|subtitle|caption):", re.IGNORECASE)
_CODE = re.compile(r"#\+begin_(?:src|example|export|comment)", re.IGNORECASE)
_TAGS = re.compile(r"\s*:[\w@#%:]+:\Z")
_EMPHASIS = re.compile(r"(?<!\w)([*/_=~+])(\S|\S.*?\S)\1(?!\w)")
_STARS = re.compile(r"\*+\s+")


def pieces(text: str) -> Iterator[Piece]:
    """The prose of an Org text; a heading, a list's item and a table's cell are paragraphs."""
    hidden = in_code = False
    for token in tokens("org", text):
        kind = token.kind
        if kind is Operator.Word:
            in_code = bool(_CODE.match(token.text))
            yield token.gap()
        elif in_code:
            continue
        elif kind is Name.Namespace:
            hidden = not _SHOWN.match(token.text)
            yield token.gap()
        elif hidden:
            hidden = not token.text.startswith("\n")
            yield token.gap()
        elif kind in Generic.Heading or kind in Generic.Subheading:
            stars = _STARS.match(token.text)
            if stars:
                yield token.gap()
            yield from _emphasised(token, stars.end() if stars else 0)
            yield Piece(token.end, token.end, BREAK)
        elif kind is Keyword:
            yield token.gap()
        elif kind is Name.Tag:
            if not token.text.startswith("[fn"):
                yield token.piece()
        elif kind is String and token.text.startswith("|"):
            yield from _cells(token)
        elif kind in (Generic.Strong, Generic.Emph, Generic.EmphStrong, Generic.Deleted, String):
            if not _TAGS.match(token.text):
                yield token.inside(1, 1)
        elif kind in Text:
            yield token.piece()


def _emphasised(token: Token, start: int) -> Iterator[Piece]:
    tags = _TAGS.search(token.text)
    length = tags.start() if tags else len(token.text)
    for found in _EMPHASIS.finditer(token.text, start, length):
        yield token.inside(start, len(token.text) - found.start())
        yield token.inside(found.start(2), len(token.text) - found.end(2))
        start = found.end()
    yield token.inside(start, len(token.text) - length)


def _cells(token: Token) -> Iterator[Piece]:
    for found in re.finditer(r"[^|]*[^|+-][^|]*", token.text):
        yield token.gap()
        yield token.inside(found.start(), len(token.text) - found.end())
    yield token.gap()
