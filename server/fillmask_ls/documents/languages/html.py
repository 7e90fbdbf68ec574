"""HTML and its templates: the text between the tags."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape

from pygments.token import Name, Punctuation, Text

from .fragments import Fragment
from .lexing import tokens

_INLINE = {
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i",
    "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u",
    "var", "wbr"
}  # fmt: skip
_NOT_PROSE = {"pre", "script", "style", "svg", "math"}
_SPACES = str.maketrans("\n\t", "  ")


def fragments(source: str) -> Iterator[Fragment]:
    """Yield the prose of an HTML text; every element that is not inline is a paragraph."""
    tag = ""
    in_tag = is_end_tag = False
    skipped_element = ""
    for token in tokens("html", source):
        if token.type is Punctuation and token.text in ("<", "/", ">"):
            if token.text == ">" and in_tag:
                if tag in _NOT_PROSE:
                    skipped_element = "" if is_end_tag else tag
                if tag not in _INLINE:
                    yield token.paragraph_break()
            in_tag = token.text != ">"
            is_end_tag = token.text == "/"
        elif token.type in Name.Tag:
            tag = token.text.lower()
        elif in_tag or skipped_element:
            continue
        elif token.type is Text:
            yield token.fragment(token.text.translate(_SPACES))
        elif token.type is Name.Entity:
            yield token.fragment(unescape(token.text))
