"""reStructuredText: the text without roles, directives, targets and code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pygments.token import Generic, Literal, Name, Number, Punctuation, String, Text

from .fragments import Fragment
from .lexing import Token, blank_out, tokens

_ADMONITIONS = (
    "admonition|attention|caution|danger|deprecated|epigraph|error|hint|important|note|pull-quote|seealso|sidebar|tip"
    "|topic|versionadded|versionchanged|warning"
)
# In order: directives that contain code or names, comments and targets, with their indented block; the head of other
# directives; doctests; the block after a double colon; the lines around headings and in tables.
_NOT_PROSE = re.compile(
    rf"^(?P<indent>[ \t]*)\.\.[ \t]+(?!(?:{_ADMONITIONS}|figure)::)(?!\[)(?!\w+::[ \t]*$(?!.))[^\n]*"
    r"(?:\n(?:(?P=indent)[ \t]+[^\n]*|[ \t]*(?=\n)))*"
    rf"|^[ \t]*\.\.[ \t]+(?:figure::[^\n]*(?:\n[ \t]+:[\w-]+:[^\n]*)*|(?:{_ADMONITIONS})::|\[[^\]\n]*\])"
    r"|^[ \t]*>>>.*(?:\n[ \t]*\S.*)*"
    r"|(?<=::\n)(?:[ \t]*\n)+(?P<code>[ \t]+)\S[^\n]*(?:\n(?:(?P=code)[^\n]*|[ \t]*(?=\n)))*"
    r"|^[ \t]*[-=+~^`\"'#*.:_<>]{2,}(?:[-=+ \t|]*)$",
    re.MULTILINE,
)
_MAX_BACKTICKS = 200
_SUBSTITUTION_OR_REFERENCE = re.compile(r"\|(?P<substitution>[^|\s][^|\n]*)\||(?P<name>\w)__?(?!\w)|\\\s")
_FOOTNOTE_OR_QUOTES = re.compile(r"\[.*\]_+|`__?|``?")
_QUOTED = re.compile(r"`*[~!]?(.*?)(?:\s*<[^>]*>)?`*_{0,2}\Z", re.DOTALL)


def fragments(source: str) -> Iterator[Fragment]:
    """Yield the prose of a reStructuredText text; a heading, a list item and a field are paragraphs."""
    # The time of Pygments' lexer grows with the third power of the number of backticks in a line.
    source = "\n".join(
        line if line.count("`") < _MAX_BACKTICKS else line.replace("`", " ") for line in source.split("\n")
    )
    for token in tokens("rst", blank_out(source, (match.span() for match in _NOT_PROSE.finditer(source)))):
        if token.type is Generic.Heading:
            yield from (token.paragraph_break(), token.fragment(), token.paragraph_break())
        elif token.type in Generic.Emph:
            yield token.trimmed(1, 1)
        elif token.type in Generic.Strong:
            yield token.trimmed(2, 2)
        elif token.type is Name.Variable or token.type is String:
            yield from _quoted(token)
        elif token.type is Number or token.type is Name.Class:
            yield token.paragraph_break()
        elif token.type in Text:
            yield from _plain(token)
        elif (
            token.type not in (Punctuation, Name.Attribute, String.Interpol) and token.type not in Literal.String.Escape
        ):
            yield token.fragment()
        elif token.text == "::":
            yield token.trimmed(0, 1)


def _quoted(token: Token) -> Iterator[Fragment]:
    """Yield the text of a role, a link or a literal, without its quotes and its target."""
    if _FOOTNOTE_OR_QUOTES.fullmatch(token.text):
        return
    match = _QUOTED.match(token.text)
    assert match is not None  # noqa: S101 - the pattern matches any text
    yield token.trimmed(match.start(1), len(token.text) - match.end(1))


def _plain(token: Token) -> Iterator[Fragment]:
    """Yield plain text without the marks of substitutions and references."""
    copied = 0
    for match in _SUBSTITUTION_OR_REFERENCE.finditer(token.text):
        start, end = match.span(match.lastgroup) if match.lastgroup else (match.end(), match.end())
        yield token.trimmed(copied, len(token.text) - match.start())
        yield token.trimmed(start, len(token.text) - end)
        copied = match.end()
    yield token.trimmed(copied, 0)
