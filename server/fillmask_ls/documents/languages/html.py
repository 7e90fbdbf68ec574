"""HTML and its templates: the text between the tags."""

from __future__ import annotations

import html
from collections.abc import Iterator

from pygments.token import Name, Punctuation, Text

from . import Piece, tokens

_INLINE = {
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i",
    "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u",
    "var", "wbr"
}  # fmt: skip
_NOT_PROSE = {"pre", "script", "style", "svg", "math"}
_SPACES = str.maketrans("\n\t", "  ")


def pieces(text: str, lexer: str = "html") -> Iterator[Piece]:
    """The prose of an HTML text; each element that is no part of a sentence is a paragraph."""
    tag = ""
    in_tag = closing = False
    hidden = ""
    for token in tokens(lexer, text):
        if token.kind is Punctuation and token.text in ("<", "/", ">"):
            if token.text == ">" and in_tag:
                if tag in _NOT_PROSE:
                    hidden = "" if closing else tag
                if tag not in _INLINE:
                    yield token.gap()
            in_tag = token.text != ">"
            closing = token.text == "/"
        elif token.kind in Name.Tag:
            tag = token.text.lower()
        elif in_tag or hidden:
            continue
        elif token.kind is Text:
            yield token.piece(token.text.translate(_SPACES))
        elif token.kind is Name.Entity:
            yield token.piece(html.unescape(token.text))
