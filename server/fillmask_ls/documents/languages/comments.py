"""Code in any language: its comments, doc strings and strings.

A run is the tokens of one comment or string. A block is runs of one kind in consecutive lines: a comment of several
lines, or a long string in parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pygments.token import Comment, String

from fillmask_ls.spans import Span

from .fragments import Fragment, paragraph_break
from .lexing import Token, tokens

Run = list[Token]
Block = list[Run]

_NOT_PROSE = (Comment.Preproc, Comment.PreprocFile, Comment.Hashbang)

_QUOTE = r"""[a-zA-Z]{0,3}(?P<quote>\"{3}|'{3}|["'`])"""
# How a comment or string starts, and how it then ends. A comment up to the line's end has no end marker.
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
_BACKTICKS = re.compile(r"`+")
_ESCAPE = re.compile(r"\\([ntr])|\\(?=[^\w\s])")
_ITEM = re.compile(r"(?:[-*+•]|\d+[.)]|@\w+|\\(?:param|return|brief|note)\w*|:\w[^:\n]*:)(?:[ \t]+|$)")


def fragments(source: str, lexer: str) -> Iterator[Fragment]:
    """Yield the prose of all comments and strings."""
    for block in _blocks(source, lexer):
        yield from _block_fragments(block)


def fragments_around(source: str, index: int, lexer: str) -> list[Fragment]:
    """Return the prose to read with the character at ``index``.

    In a string, that is the string; in a comment or doc string, all comments and doc strings; in code, nothing.
    """
    blocks = _blocks(source, lexer)
    current = next((block for block in blocks if any(run[0].start <= index < run[-1].end for run in block)), None)
    if current is None:
        return []
    if _is_string(current):
        return list(_block_fragments(current))
    return [fragment for block in blocks if not _is_string(block) for fragment in _block_fragments(block)]


def _blocks(source: str, lexer: str) -> list[Block]:
    blocks: list[Block] = []
    for run in _runs(source, lexer):
        if blocks and _continues(source, blocks[-1][-1], run):
            blocks[-1].append(run)
        else:
            blocks.append([run])
    return blocks


def _runs(source: str, lexer: str) -> Iterator[Run]:
    """Yield the comments and strings, each with the code that is interpolated in it."""
    run: Run = []
    interpolation_depth = 0
    for token in tokens(lexer, source):
        category = _category(token)
        if category is None and interpolation_depth == 0:
            if run:
                yield run
            run = []
            continue
        # A comment token can contain its line end. The next comment is another run.
        if run and interpolation_depth == 0 and (category is not _category(run[-1]) or run[-1].text.endswith("\n")):
            yield run
            run = []
        if token.type in String.Interpol:
            interpolation_depth += token.text.endswith("{") - token.text.startswith("}")
            interpolation_depth = max(0, interpolation_depth)
        run.append(token)
    if run:
        yield run


def _category(token: Token) -> object:
    """Return Comment or String; None for code."""
    if token.type in Comment:
        return None if any(token.type in other for other in _NOT_PROSE) else Comment
    return String if token.type in String else None


def _is_string(block: Block) -> bool:
    return block[0][0].type in String and block[0][0].type not in String.Doc


def _continues(source: str, above: Run, below: Run) -> bool:
    """Return whether two runs of the same kind are in consecutive lines and start in the same column."""
    end_above = above[-1].start + len(above[-1].text.rstrip())
    between = source[end_above : below[0].start]
    return (
        _category(above[0]) is _category(below[0])
        and _opener(above[0].text) == _opener(below[0].text)
        and not between.strip()
        and between.count("\n") == 1
        and _column(source, above[0].start) == _column(source, below[0].start)
    )


def _opener(text: str) -> str:
    marker = next((match[0] for opener, _ in _MARKERS if (match := opener.match(text))), "")
    return marker.rstrip(" \t|^")  # in Haskell, only the first line of documentation has this mark


def _column(source: str, index: int) -> int:
    return index - source.rfind("\n", 0, index)


def _block_fragments(block: Block) -> Iterator[Fragment]:
    for run in block:
        yield from _run_fragments(run)
        yield Fragment(run[-1].end, run[-1].end, "\n")
    yield paragraph_break(block[-1][-1].end)


def _run_fragments(run: Run) -> Iterator[Fragment]:
    """Yield a comment or string without its markers; a list item and a parameter are paragraphs."""
    offset, text = run[0].start, "".join(token.text for token in run).rstrip("\n")
    content_start, content_end = _content_span(text)
    replaced = _replaced(run, text, (content_start, content_end))
    start = content_start
    while start < content_end:
        end = text.find("\n", start, content_end) + 1 or content_end
        marker = (_LINE_MARKER if start > content_start else _INDENT).match(text, start, end)
        first = marker.end() if marker else start
        line = text[first:end]
        if _DECORATION.match(line):
            yield paragraph_break(offset + first)
        else:
            item = _ITEM.match(line)
            if item:
                yield paragraph_break(offset + first)
                first += item.end()
            yield from _line_fragments(text, (first, end), offset, replaced)
        start = end


def _content_span(text: str) -> Span:
    """Return the span between the markers of a comment or string."""
    for opener, closer in _MARKERS:
        match = opener.match(text)
        if match:
            end_marker = closer.search(text, match.end()) if closer else None
            return match.end(), end_marker.start() if end_marker else len(text)
    return 0, len(text)


def _replaced(run: Run, text: str, content: Span) -> dict[int, Fragment]:
    """Return what reads differently, by index: interpolation brackets, backticks in comments, escapes in strings."""
    offset = run[0].start
    replaced = {
        token.start - offset: token.fragment("")
        for token in run
        if token.type in String.Interpol and not token.text.strip("${#}\\(")
    }
    if run[0].type in Comment or run[0].type in String.Doc:
        for match in _BACKTICKS.finditer(text, *content):
            replaced[match.start()] = Fragment(offset + match.start(), offset + match.end(), "")
    else:
        for match in _ESCAPE.finditer(text, *content):
            whitespace = " " if match[1] else ""
            replaced[match.start()] = Fragment(offset + match.start(), offset + match.end(), whitespace)
    return replaced


def _line_fragments(text: str, span: Span, offset: int, replaced: dict[int, Fragment]) -> Iterator[Fragment]:
    copied, end = span
    for index in sorted(index for index in replaced if copied <= index < end):
        if copied <= index:
            yield Fragment(offset + copied, offset + index, text[copied:index])
            yield replaced[index]
            copied = replaced[index].end - offset
    yield Fragment(offset + copied, offset + end, text[copied:end])
