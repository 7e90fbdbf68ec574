"""Code of any language: comments, doc strings and the text in quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pygments.token import Comment, String

from . import BREAK, Piece, Token, tokens

_NOT_PROSE = (Comment.Preproc, Comment.PreprocFile, Comment.Hashbang)

# How a comment or a string begins, and how it then ends; a comment to the line's end has no end of its own.
_QUOTE = r"""[a-zA-Z]{0,3}(?P<quote>\"{3}|'{3}|["'`])"""
_MARKERS = [
    (re.compile(opener, re.IGNORECASE), re.compile(rf"\s*(?:{closer})\s*\Z") if closer else None)
    for opener, closer in [
        (r"/\*+[!<]*", r"\*+/"),
        (r"//+[!<]*", ""),
        (r"<!--+", r"--+>"),
        (r"\(\*+", r"\*+\)"),
        (r"\{-+\|?", r"-+\}"),
        (r"--+\[=*\[", r"(?:--)?\]=*\]"),
        (r"<#", r"#>"),
        (r"#\|", r"\|#"),
        (r"#?=(?:begin\b|pod\b)?", r"=(?:end|cut|#)"),
        (r"@?rem\b|dnl\b|::", ""),
        (r"#+[!:.]?|;+|%+\{?|--+(?:\s*[|^])?|!+[<>]?|\.\\\"", ""),
        (_QUOTE, r"\"{3}|'{3}|[\"'`]"),
    ]
]
_LINE_MARKER = re.compile(r"[ \t]*(?:\*+(?=\s|\Z))?[ \t]*")
_INDENT = re.compile(r"[ \t]*")
_DECORATION = re.compile(r"[^\w\s]*\s*\Z")
_QUOTES = re.compile(r"`+")
_ESCAPE = re.compile(r"\\([ntr])|\\(?=[^\w\s])")
_ITEM = re.compile(r"(?:[-*+•]|\d+[.)]|@\w+|\\(?:param|return|brief|note)\w*|:\w[^:\n]*:)(?:[ \t]+|$)")


def passage(text: str, index: int, lexer: str) -> list[Piece]:
    """What is read with the character at ``index``: the string it is in, or else all comments and doc strings.

    Comments of one line each that stand under one another, and strings likewise, are one; each is a paragraph or more.
    Where the character is in none, there is nothing to read.
    """
    blocks = _blocks(text, lexer)
    here = next((block for block in blocks if any(run[0].start <= index < run[-1].end for run in block)), None)
    if here is None:
        return []
    return [
        piece
        for block in ([here] if _is_string(here) else blocks)
        if block is here or not _is_string(block)
        for piece in _block(block)
    ]


def pieces(text: str, lexer: str) -> Iterator[Piece]:
    """All comments and strings."""
    for block in _blocks(text, lexer):
        yield from _block(block)


def _blocks(text: str, lexer: str) -> list[list[list[Token]]]:
    blocks: list[list[list[Token]]] = []
    for run in _runs(text, lexer):
        if blocks and _continues(text, blocks[-1][-1], run):
            blocks[-1].append(run)
        else:
            blocks.append([run])
    return blocks


def _is_string(block: list[list[Token]]) -> bool:
    return block[0][0].kind in String and block[0][0].kind not in String.Doc


def _block(block: list[list[Token]]) -> Iterator[Piece]:
    for run in block:
        yield from _pieces(run)
        yield Piece(run[-1].end, run[-1].end, "\n")
    yield Piece(block[-1][-1].end, block[-1][-1].end, BREAK)


def _kind(token: Token) -> object:
    """Comment or String, or None for code."""
    if token.kind in Comment:
        return None if any(token.kind in other for other in _NOT_PROSE) else Comment
    return String if token.kind in String else None


def _runs(text: str, lexer: str) -> Iterator[list[Token]]:
    """The comments and the strings, each with what is interpolated in it."""
    run: list[Token] = []
    depth = 0
    for token in tokens(lexer, text):
        kind = _kind(token)
        if kind is None and depth == 0:
            if run:
                yield run
            run = []
            continue
        # A comment to the line's end can hold its line end: the next comment is another one.
        if run and depth == 0 and (kind is not _kind(run[-1]) or run[-1].text.endswith("\n")):
            yield run
            run = []
        if token.kind in String.Interpol:
            depth = max(0, depth + token.text.endswith("{") - token.text.startswith("}"))
        run.append(token)
    if run:
        yield run


def _continues(text: str, above: list[Token], below: list[Token]) -> bool:
    """Whether two runs are of one kind, with nothing between, and one stands straight under the other."""
    low, high = above[-1].start + len(above[-1].text.rstrip()), below[0].start
    between = text[low:high]
    return (
        _kind(above[0]) is _kind(below[0])
        and _opener(above[0].text) == _opener(below[0].text)
        and not between.strip()
        and between.count("\n") == 1
        and _column(text, above[0].start) == _column(text, high)
    )


def _opener(text: str) -> str:
    marker = next((found[0] for opener, _ in _MARKERS if (found := opener.match(text))), "")
    return marker.rstrip(" \t|^")  # Haskell marks the first line of documentation only


def _column(text: str, index: int) -> int:
    return index - text.rfind("\n", 0, index)


def _pieces(run: list[Token]) -> Iterator[Piece]:
    start, text = run[0].start, "".join(token.text for token in run).rstrip("\n")
    low, high = _content(text)
    # What reads otherwise than it is written: escapes, and the brackets of what is interpolated.
    special = {
        token.start - start: Piece(token.start, token.end, "")
        for token in run
        if token.kind in String.Interpol and not token.text.strip("${#}\\(")
    }
    if run[0].kind in Comment or run[0].kind in String.Doc:
        for quotes in _QUOTES.finditer(text, low, high):
            at, end = quotes.span()
            special[at] = Piece(start + at, start + end, "")
    else:
        for escape in _ESCAPE.finditer(text, low, high):
            at, end = escape.span()
            special[at] = Piece(start + at, start + end, " " if escape[1] else "")
    at = low
    while at < high:
        end = text.find("\n", at, high) + 1 or high
        marker = (_LINE_MARKER if at > low else _INDENT).match(text, at, end)
        first = marker.end() if marker else at
        line = text[first:end]
        if _DECORATION.match(line):
            yield Piece(start + first, start + first, BREAK)
        else:
            item = _ITEM.match(line)
            if item:
                yield Piece(start + first, start + first, BREAK)
                first += item.end()
            yield from _line(text, first, end, start, special)
        at = end


def _content(text: str) -> tuple[int, int]:
    """The characters between the markers of a comment or string."""
    for opener, closer in _MARKERS:
        found = opener.match(text)
        if found:
            closed = closer.search(text, found.end()) if closer else None
            return found.end(), closed.start() if closed else len(text)
    return 0, len(text)


def _line(text: str, first: int, end: int, start: int, special: dict[int, Piece]) -> Iterator[Piece]:
    for at in sorted(at for at in special if first <= at < end):
        if first <= at:
            yield Piece(start + first, start + at, text[first:at])
            yield special[at]
            first = special[at].end - start
    yield Piece(start + first, start + end, text[first:end])
