"""Comments and strings by Pygments, which knows some five hundred languages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pygments.token import Comment, String, string_to_tokentype

from .code_language import CodeLanguage
from .code_texts import CodeText, Kind
from .delimiters import Markers, find_opener, is_open
from .fragments import Fragment
from .lexing import Token, blank_dense_marks, tokens
from .placeholders import PLACEHOLDER, interpolation_end, placeholder

_NOT_PROSE = (Comment.Preproc, Comment.PreprocFile, Comment.Hashbang)


def lexer_texts(source: str, lexer: str, language: CodeLanguage) -> Iterator[CodeText]:
    """Yield the comments and strings of a source, each followed by those in the code that is interpolated in it."""
    string_types = tuple(string_to_tokentype(name) for name in language.string_tokens)
    readable = blank_dense_marks(source, language.slow_marks) if language.slow_marks else source
    yield from _code_texts(tokens(lexer, readable), source, string_types, language.markers)


@dataclass(slots=True)
class _OpenText:
    """A comment or string that tokens are added to."""

    kind: Kind
    type: Any  # of its last token
    start: int
    end: int
    replaced: list[Fragment] = field(default_factory=list)
    interpolation_end: int = 0
    blank_end: int = 0
    interpolated: list[Token] = field(default_factory=list)


def _code_texts(
    stream: Iterable[Token], source: str, string_types: tuple[Any, ...], markers: Markers
) -> Iterator[CodeText]:
    code_text: _OpenText | None = None

    def finished() -> Iterator[CodeText]:
        if code_text is not None:
            text = source[code_text.start : code_text.end].rstrip("\n")
            if len(text.split()) > 1 or code_text.type not in string_types:  # a single word can be a value of a program
                yield CodeText(code_text.start, text, code_text.kind, tuple(code_text.replaced))
            if code_text.interpolated:
                yield from _code_texts(code_text.interpolated, source, string_types, markers)

    for token in stream:
        if code_text is not None and token.start < code_text.interpolation_end:
            if token.type not in String.Interpol:
                code_text.interpolated.append(token)
            continue
        kind = _kind(token, string_types)
        if code_text is None and kind is None:
            continue
        if (
            code_text is not None
            and kind is None
            and token.text.isspace()
            and _can_continue(code_text, source, markers)
        ):
            code_text.blank_end = token.end
            continue
        if (
            code_text is not None
            and code_text.blank_end
            and (kind is not code_text.kind or token.type is not code_text.type)
        ):
            yield from finished()
            code_text = None
        if code_text is not None and _interpolates(code_text, token, kind, source, markers):
            continue
        if code_text is not None and kind is code_text.kind and not _ends_line(code_text, source, markers):
            code_text.end, code_text.type, code_text.blank_end = token.end, token.type, 0
            continue
        yield from finished()
        code_text = None if kind is None else _OpenText(kind, token.type, token.start, token.end)
    yield from finished()


def _interpolates(code_text: _OpenText, token: Token, kind: Kind | None, source: str, markers: Markers) -> bool:
    """Add a token that starts interpolated code in an open string; return whether it does."""
    is_marked = token.type in String.Interpol
    if code_text.kind is Kind.COMMENT or (kind is code_text.kind and not is_marked):
        return False
    if not is_marked and not is_open(source[code_text.start : code_text.end], markers):
        return False
    end = interpolation_end(source, token.start)
    if end is None:
        if not is_marked:
            return False
        code_text.replaced.append(Fragment(token.start, token.end, PLACEHOLDER if token.text.strip("{}()") else ""))
        code_text.end = token.end
        return True
    code_text.replaced += placeholder(source, token.start, end)
    code_text.end = code_text.interpolation_end = end
    if not is_marked:
        code_text.interpolated.append(token)
    return True


def _can_continue(code_text: _OpenText, source: str, markers: Markers) -> bool:
    """Return whether an open or unquoted string continues after whitespace that the lexer calls code."""
    text = source[code_text.start : code_text.end]
    return code_text.kind is not Kind.COMMENT and (is_open(text, markers) or not find_opener(text, markers).quote)


def _ends_line(code_text: _OpenText, source: str, markers: Markers) -> bool:
    """Return whether the text is a line comment that has ended."""
    return (
        code_text.kind is not Kind.STRING
        and source[code_text.end - 1] == "\n"
        and not is_open(source[code_text.start : code_text.end], markers)
    )


def _kind(token: Token, string_types: tuple[Any, ...]) -> Kind | None:
    """Return the kind of comment or string that a token belongs to; None for code."""
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
