"""reStructuredText: the text without roles, directives, targets and code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pygments.token import Generic, Literal, Name, Number, Punctuation, String, Text

from . import Piece, Token, blanked, tokens

_ADMONITIONS = (
    "admonition|attention|caution|danger|deprecated|epigraph|error|hint|important|note|pull-quote|seealso|sidebar|tip"
    "|topic|versionadded|versionchanged|warning"
)
# Directives that hold code or names, with all that is indented under them; of the others, only the head. Targets,
# substitutions and comments; doctests; what is indented below two colons; the lines around headings and in tables.
_NOT_PROSE = re.compile(
    rf"^(?P<indent>[ \t]*)\.\.[ \t]+(?!(?:{_ADMONITIONS}|figure)::)(?!\[)(?!\w+::[ \t]*$(?!.))[^\n]*"
    r"(?:\n(?:(?P=indent)[ \t]+[^\n]*|[ \t]*(?=\n)))*"
    rf"|^[ \t]*\.\.[ \t]+(?:figure::[^\n]*(?:\n[ \t]+:[\w-]+:[^\n]*)*|(?:{_ADMONITIONS})::|\[[^\]\n]*\])"
    r"|^[ \t]*>>>.*(?:\n[ \t]*\S.*)*"
    r"|(?<=::\n)(?:[ \t]*\n)+(?P<code>[ \t]+)\S[^\n]*(?:\n(?:(?P=code)[^\n]*|[ \t]*(?=\n)))*"
    r"|^[ \t]*[-=+~^`\"'#*.:_<>]{2,}(?:[-=+ \t|]*)$",
    re.MULTILINE,
)
_MOST_BACKTICKS = 200
_REFERENCE = re.compile(r"\|(?P<substitution>[^|\s][^|\n]*)\||(?P<name>\w)__?(?!\w)|\\\s")


def pieces(text: str) -> Iterator[Piece]:
    """The prose of a reStructuredText text; a heading, a list's item and a field are paragraphs."""
    # Pygments' time goes with the third power of a line's backticks.
    text = "\n".join(line if line.count("`") < _MOST_BACKTICKS else line.replace("`", " ") for line in text.split("\n"))
    for token in tokens("rst", blanked(text, (found.span() for found in _NOT_PROSE.finditer(text)))):
        kind = token.kind
        if kind is Generic.Heading:
            yield from (token.gap(), token.piece(), token.gap())
        elif kind in Generic.Emph:
            yield token.inside(1, 1)
        elif kind in Generic.Strong:
            yield token.inside(2, 2)
        elif kind is Name.Variable or kind is String:
            yield from _quoted(token)
        elif kind is Number or kind is Name.Class:
            yield token.gap()
        elif kind in Text:
            yield from _plain(token)
        elif kind not in (Punctuation, Name.Attribute, String.Interpol) and kind not in Literal.String.Escape:
            yield token.piece()
        elif token.text == "::":
            yield token.inside(0, 1)


def _quoted(token: Token) -> Iterator[Piece]:
    """A role's or a literal's text: without its quotes and without where it points to."""
    if re.fullmatch(r"\[.*\]_+|`__?|``?", token.text):
        return
    found = re.match(r"`*[~!]?(.*?)(?:\s*<[^>]*>)?`*_{0,2}\Z", token.text, re.DOTALL)
    assert found is not None  # noqa: S101 - it matches anything
    yield token.inside(found.start(1), len(token.text) - found.end(1))


def _plain(token: Token) -> Iterator[Piece]:
    at = 0
    for found in _REFERENCE.finditer(token.text):
        inner = found.lastgroup
        low, high = found.span(inner) if inner else (found.end(), found.end())
        yield token.inside(at, len(token.text) - found.start())
        yield token.inside(low, len(token.text) - high)
        at = found.end()
    yield token.inside(at, 0)
