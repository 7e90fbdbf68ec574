"""Comments and strings by Pygments, which knows some five hundred languages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pygments.token import Comment, String, string_to_tokentype

from .code_language import CodeLanguage
from .delimiters import Markers, find_opener, is_open
from .fragments import Fragment
from .lexing import Token, blank_dense_marks, tokens
from .placeholders import PLACEHOLDER, interpolation_end, placeholder
from .runs import Kind, Run

_NOT_PROSE = (Comment.Preproc, Comment.PreprocFile, Comment.Hashbang)


def lexer_runs(source: str, lexer: str, language: CodeLanguage) -> Iterator[Run]:
    """Yield the comments and strings of a source, each followed by those in the code that is interpolated in it."""
    string_types = tuple(string_to_tokentype(name) for name in language.string_tokens)
    readable = blank_dense_marks(source, language.slow_marks) if language.slow_marks else source
    yield from _runs(tokens(lexer, readable), source, string_types, language.markers)


@dataclass(slots=True)
class _OpenRun:
    """A run that tokens are added to."""

    kind: Kind
    type: Any  # of its last token
    start: int
    end: int
    replaced: list[Fragment] = field(default_factory=list)
    interpolation_end: int = 0
    blank_end: int = 0
    interpolated: list[Token] = field(default_factory=list)


def _runs(stream: Iterable[Token], source: str, string_types: tuple[Any, ...], markers: Markers) -> Iterator[Run]:
    run: _OpenRun | None = None

    def finished() -> Iterator[Run]:
        if run is not None:
            text = source[run.start : run.end].rstrip("\n")
            if len(text.split()) > 1 or run.type not in string_types:  # a single word can be a value of a program
                yield Run(run.start, text, run.kind, tuple(run.replaced))
            if run.interpolated:
                yield from _runs(run.interpolated, source, string_types, markers)

    for token in stream:
        if run is not None and token.start < run.interpolation_end:
            if token.type not in String.Interpol:
                run.interpolated.append(token)
            continue
        kind = _kind(token, string_types)
        if run is None and kind is None:
            continue
        if run is not None and kind is None and token.text.isspace() and _can_continue(run, source, markers):
            run.blank_end = token.end
            continue
        if run is not None and run.blank_end and (kind is not run.kind or token.type is not run.type):
            yield from finished()
            run = None
        if run is not None and _interpolates(run, token, kind, source, markers):
            continue
        if run is not None and kind is run.kind and not _ends_line(run, source, markers):
            run.end, run.type, run.blank_end = token.end, token.type, 0
            continue
        yield from finished()
        run = None if kind is None else _OpenRun(kind, token.type, token.start, token.end)
    yield from finished()


def _interpolates(run: _OpenRun, token: Token, kind: Kind | None, source: str, markers: Markers) -> bool:
    """Add a token that starts interpolated code in an open string; return whether it does."""
    is_marked = token.type in String.Interpol
    if run.kind is Kind.COMMENT or (kind is run.kind and not is_marked):
        return False
    if not is_marked and not is_open(source[run.start : run.end], markers):
        return False
    end = interpolation_end(source, token.start)
    if end is None:
        if not is_marked:
            return False
        run.replaced.append(Fragment(token.start, token.end, PLACEHOLDER if token.text.strip("{}()") else ""))
        run.end = token.end
        return True
    run.replaced += placeholder(source, token.start, end)
    run.end = run.interpolation_end = end
    if not is_marked:
        run.interpolated.append(token)
    return True


def _can_continue(run: _OpenRun, source: str, markers: Markers) -> bool:
    """Return whether a run can go on after blanks that its lexer takes for code: a string that is open or has no marks."""
    text = source[run.start : run.end]
    return run.kind is not Kind.COMMENT and (is_open(text, markers) or not find_opener(text, markers).quote)


def _ends_line(run: _OpenRun, source: str, markers: Markers) -> bool:
    """Return whether a run is a comment up to the end of a line. The next comment is another run."""
    return (
        run.kind is not Kind.STRING
        and source[run.end - 1] == "\n"
        and not is_open(source[run.start : run.end], markers)
    )


def _kind(token: Token, string_types: tuple[Any, ...]) -> Kind | None:
    """Return the kind of run that a token belongs to; None for code."""
    kind = _kind_of_type(token.type, string_types)
    is_label = kind is Kind.STRING and token.type in String.Delimiter and token.text.strip().isidentifier()
    return None if is_label else kind  # the label of a heredoc is code


@cache
def _kind_of_type(token_type: Any, string_types: tuple[Any, ...]) -> Kind | None:
    if token_type in Comment:
        return None if any(token_type in other for other in _NOT_PROSE) else Kind.COMMENT
    if token_type in String.Doc:
        return Kind.DOC
    return Kind.STRING if token_type in String or token_type in string_types else None
