"""Typst: the text without functions, labels, raw blocks and displayed formulas."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pygments.token import Comment, Generic, Keyword, Name, Number, Operator, Punctuation, String, Text

from .fragments import Fragment, paragraph_break
from .lexing import Token, blank_dense_marks, tokens

_MARKS = "*/_=~+[]{}$#|`<>-"
_TYPOGRAPHIC = {"~": " ", "--": "–", "---": "—", "...": "…"}
_HEADING = re.compile(r"\s*=+\s+(.*?)\s*(?:<[^<>\s]*>\s*)?\Z", re.DOTALL)


def fragments(source: str) -> Iterator[Fragment]:
    """Yield the prose of a Typst text; a heading, a list item and a content block are paragraphs."""
    in_formula = in_raw = False
    at_line_start = True
    for token in tokens("typst", blank_dense_marks(source, _MARKS)):
        if token.type is String.Backtick:
            if token.text == "``":
                in_raw = not in_raw
                yield token.paragraph_break()
            elif not in_raw:
                yield token.trimmed(1, 1)
        elif token.type is Punctuation and token.text == "$":
            in_formula = not in_formula
        elif token.type is Generic.Heading:
            heading = _HEADING.match(token.text)
            start, end = heading.span(1) if heading else (0, len(token.text))
            yield from (
                token.paragraph_break(),
                token.trimmed(start, len(token.text) - end),
                paragraph_break(token.end),
            )
        elif token.type in (Generic.Strong, Generic.Emph):
            yield token.trimmed(1, 1)
        elif at_line_start and (token.type in (Name.Function, Keyword.Declaration) or token.text in ("-", "+", "/")):
            yield token.paragraph_break()
        elif token.type is Punctuation and token.text in _TYPOGRAPHIC:
            yield token.fragment(_TYPOGRAPHIC[token.text])
        elif token.type in Text or (in_formula and token.type in (Name.Variable, Number, Operator)):
            yield token.fragment()
        elif token.type in Comment:
            yield token.fragment("\n" if token.text.endswith("\n") else "")
        at_line_start = _is_at_line_start(token, at_line_start)


def _is_at_line_start(token: Token, before: bool) -> bool:
    """Return whether the next token starts a line, or is only indented."""
    return (before or "\n" in token.text) if token.text.isspace() else token.text.endswith("\n")
