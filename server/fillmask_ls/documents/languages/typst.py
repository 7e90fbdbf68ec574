"""Typst: the text without functions, labels, raw blocks and displayed formulas."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pygments.token import Comment, Generic, Keyword, Name, Number, Operator, Punctuation, String, Text

from . import BREAK, Piece, Token, tokens

_TYPED = {"~": " ", "--": "–", "---": "—", "...": "…"}
_HEADING = re.compile(r"\s*=+\s+(.*?)\s*(?:<[^<>\s]*>\s*)?\Z", re.DOTALL)


def pieces(text: str) -> Iterator[Piece]:
    """The prose of a Typst text; a heading, a list's item and a content block are paragraphs."""
    in_formula = in_raw = False
    line_start = True
    for token in tokens("typst", text):
        kind = token.kind
        if kind is String.Backtick:
            if token.text == "``":
                in_raw = not in_raw
                yield token.gap()
            elif not in_raw:
                yield token.inside(1, 1)
        elif kind is Punctuation and token.text == "$":
            in_formula = not in_formula
        elif kind is Generic.Heading:
            found = _HEADING.match(token.text)
            low, high = found.span(1) if found else (0, len(token.text))
            yield from (token.gap(), token.inside(low, len(token.text) - high), Piece(token.end, token.end, BREAK))
        elif kind in (Generic.Strong, Generic.Emph):
            yield token.inside(1, 1)
        elif line_start and (kind in (Name.Function, Keyword.Declaration) or token.text in ("-", "+", "/")):
            yield token.gap()
        elif kind is Punctuation and token.text in _TYPED:
            yield token.piece(_TYPED[token.text])
        elif kind in Text or (in_formula and kind in (Name.Variable, Number, Operator)):
            yield token.piece()
        elif kind in Comment:
            yield token.piece("\n" if token.text.endswith("\n") else "")
        line_start = _ends_line(token, line_start)


def _ends_line(token: Token, line_start: bool) -> bool:
    return (line_start or "\n" in token.text) if token.text.isspace() else token.text.endswith("\n")
