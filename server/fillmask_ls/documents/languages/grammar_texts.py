"""Comments and strings by a grammar for tree-sitter, if it is installed: ten times as fast as Pygments."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module

from tree_sitter import Language, Node, Parser, Query, QueryCursor

from fillmask_ls.spans import Span

from .code_language import CodeLanguage
from .code_texts import CodeText, Kind
from .fragments import Fragment
from .parsing import to_ascii
from .placeholders import placeholder
from .time_limit import TimeLimitError, timer

_CHUNK = 4_096
"""Bytes that the parser reads at a time."""
_MAX_ERROR_NODES = 4_000
"""The most nodes in a source that isn't in the language at all: a query takes quadratic time for them."""
_LINE = re.compile(r"\S[^\n]*")
_BRACKETS = (("\\(", ")"), ("{", "}"))
"""Brackets of interpolated code that are not in its node, in Swift and PHP."""
_KINDS = {"doc": Kind.DOC, "comment": Kind.COMMENT, "string": Kind.STRING}


def grammar_texts(source: str, language: CodeLanguage) -> list[CodeText] | None:
    """Return the comments and strings of a source; None if the language's grammar isn't installed.

    Raises:
        TimeLimitError: parsing takes too long.
    """
    grammar = _load(language)
    if grammar is None:
        return None
    parser, query = grammar
    captures = _captures(parser, query, to_ascii(source) + b"\n")
    interpolations, markup = _spans(captures, "interpolation"), _spans(captures, "markup")
    marked = sorted((dict.fromkeys(interpolations, False) | dict.fromkeys(markup, True)).items())
    code_texts: dict[Span, CodeText] = {}
    for name, kind in _KINDS.items():
        for start, end in _spans(captures, name) + (_line_spans(source, captures) if kind is Kind.COMMENT else []):
            end = min(end, len(source))
            if start == 0 and source.startswith("#!"):  # names the program that runs the file
                continue
            replaced = _inside(source, (start, end), marked)
            code_texts.setdefault((start, end), CodeText(start, source[start:end].rstrip("\n"), kind, replaced))
    return [code_texts[span] for span in sorted(code_texts, key=lambda span: (span[0], -span[1]))]


def _captures(parser: Parser, query: Query, source: bytes) -> dict[str, list[Node]]:
    is_exceeded = timer()

    def read(offset: int, _point: object) -> bytes:
        return b"" if is_exceeded() else source[offset : offset + _CHUNK]

    try:
        tree = parser.parse(read, progress_callback=lambda _offset, _error: is_exceeded())
    except ValueError as error:
        parser.reset()
        raise TimeLimitError from error
    if is_exceeded() or (tree.root_node.is_error and tree.root_node.child_count > _MAX_ERROR_NODES):
        raise TimeLimitError
    captures = QueryCursor(query).captures(tree.root_node)
    if is_exceeded():
        raise TimeLimitError
    return captures


@lru_cache(maxsize=16)
def _load(language: CodeLanguage) -> tuple[Parser, Query] | None:
    if not language.grammar:
        return None
    try:
        package = import_module(language.grammar)
    except ImportError:
        return None
    grammar = Language(getattr(package, language.grammar_function)())
    return Parser(grammar), Query(grammar, language.query)


def _spans(captures: dict[str, list[Node]], name: str) -> list[Span]:
    return sorted((node.start_byte, node.end_byte) for node in captures.get(name, []))


def _line_spans(source: str, captures: dict[str, list[Node]]) -> list[Span]:
    """Return the spans of the lines of comments that have a mark in each line."""
    return [
        (start + line.start(), start + line.end())
        for start, end in _spans(captures, "lines")
        for line in _LINE.finditer(source[start:end])
    ]


def _inside(source: str, span: Span, marked: Sequence[tuple[Span, bool]]) -> tuple[Fragment, ...]:
    """Return fragments for the outermost interpolated code and the markup in a comment or string.

    Args:
        marked: the spans of both in the source, in order, and whether each is markup.
    """
    replaced: list[Fragment] = []
    for number in range(bisect_left(marked, ((span[0], 0), False)), len(marked)):
        (start, end), is_markup = marked[number]
        if start >= span[1]:
            break
        if end > span[1] or (replaced and start < replaced[-1].end):
            continue
        if is_markup:
            replaced.append(Fragment(start, end, ""))
            continue
        for opener, closer in _BRACKETS:
            if source.endswith(opener, 0, start) and source.startswith(closer, end):
                start, end = start - len(opener), end + len(closer)
        replaced += placeholder(source, start, end)
    return tuple(replaced)
