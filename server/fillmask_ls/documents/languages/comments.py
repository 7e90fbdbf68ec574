"""Code in any language: its comments, docstrings and strings.

A block consists of comments or strings of one kind in consecutive lines: a comment of several lines, or a long string in parts.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from operator import attrgetter

from fillmask_ls.spans import replace_spans

from .code_language import CodeLanguage
from .code_texts import CodeText, Kind
from .delimiters import content_span, find_opener
from .fragments import Fragment, paragraph_break
from .grammar_texts import grammar_texts
from .lexer_texts import lexer_texts
from .placeholders import find_placeholders
from .registry import code_language, lexer_name
from .time_limit import TimeLimitError, timer

Block = list[CodeText]

_LINE_MARKER = re.compile(r"[ \t]*(?:\*+(?=\s|\Z))?[ \t]*")
_INDENT = re.compile(r"[ \t]*")
_DECORATION = re.compile(r"[^\w\s]*\s*\Z")
_DOCUMENTATION = re.compile(r"(?<=--)\s*[|^]\Z")
_BACKTICKS = re.compile(r"`+")
_BOX_TOP = re.compile(r"[ \t]*/?([-#*/;%!])\1{4,}[ \t]*$", re.MULTILINE)
_ESCAPE = re.compile(
    r"\\(?:(?P<blank>[ntr])|x(?P<x>[0-9a-fA-F]{2})|u(?P<u>(?![dD][89a-fA-F])[0-9a-fA-F]{4})|(?P<backslash>\\)|(?=[^\w\s]|\n))"
)
_ITEM = re.compile(r"(?:[-*+•]|\d+[.)]|@\w+|\\(?:param|return|brief|note)\w*|:\w[^:\n]*:)(?:[ \t]+|$)")


def fragments(source: str, language: str) -> Iterator[Fragment]:
    """Yield the prose of all comments and strings.

    Args:
        language: the name of a language or of a lexer of Pygments.
    """
    code = code_language(language)
    for block in _blocks(source, language, code):
        yield from _block_fragments(source, block, code)


def fragments_around(source: str, index: int, language: str) -> list[Fragment]:
    """Return the prose to read with the character at ``index``.

    In a string, that is the string; in a comment or docstring, all comments and docstrings; in code, nothing.

    Raises:
        TimeLimitError: it takes too long.
    """
    code = code_language(language)
    current: Block | None = None
    comments: list[Block] = []
    for block in _blocks(source, language, code):
        if any(code_text.contains(index) for code_text in block):
            current = block
        elif block[0].start > index and (current is None or current[0].kind is Kind.STRING):
            break
        if block[0].kind is not Kind.STRING:
            comments.append(block)
    if current is None:
        return []
    blocks = [current] if current[0].kind is Kind.STRING else comments
    found: list[Fragment] = []
    is_exceeded = timer()
    for block in blocks:
        if is_exceeded():
            raise TimeLimitError
        found += _block_fragments(source, block, code)
    return found


def _blocks(source: str, language: str, code: CodeLanguage) -> Iterator[Block]:
    code_texts: Iterable[CodeText] | None = grammar_texts(source, code)
    if code_texts is None:
        code_texts = lexer_texts(source, lexer_name(language), code)
    block: Block = []
    for code_text in code_texts:
        if block and not _continues(source, block[-1], code_text, code):
            yield block
            block = []
        block.append(code_text)
    if block:
        yield block


def _continues(source: str, above: CodeText, below: CodeText, code: CodeLanguage) -> bool:
    """Return whether two comments or strings of the same kind are in consecutive lines and start in the same column."""
    end_above = above.start + len(above.text.rstrip())
    between = source[end_above : below.start]
    return (
        above.kind is below.kind
        and not between.strip()
        and between.count("\n") == 1
        and _column(source, above.start) == _column(source, below.start)
        and _opener(above.text, code) == _opener(below.text, code)
    )


def _opener(text: str, code: CodeLanguage) -> str:
    opener = find_opener(text, code.markers)
    # In Haskell, only the first line of documentation has this mark.
    return opener.quote or _DOCUMENTATION.sub("", opener.text).rstrip(" \t")


def _column(source: str, index: int) -> int:
    return index - source.rfind("\n", 0, index)


def _block_fragments(source: str, block: Block, code: CodeLanguage) -> Iterator[Fragment]:
    border = _right_border(source, block)
    for code_text in block:
        yield from _content_fragments(source, code_text, code, border)
        yield Fragment(code_text.end, code_text.end, "\n")
    yield paragraph_break(block[-1].end)


def _content_fragments(
    source: str, code_text: CodeText, code: CodeLanguage, border: re.Pattern[str] | None
) -> Iterator[Fragment]:
    """Yield a comment or string without its markers; a list item and a parameter are paragraphs."""
    start, end = content_span(code_text.text, code.markers)
    start, content_end = code_text.start + start, code_text.start + end
    replaced = _replaced(source, code_text, start, content_end, code, border)
    shape = _shape(code_text, replaced)
    is_first = True
    while start < content_end:
        end = shape.find("\n", start - code_text.start, content_end - code_text.start) + 1 + code_text.start
        end = end if end > code_text.start else content_end
        first = _after(
            (_INDENT if is_first else _LINE_MARKER).match(shape, start - code_text.start, end - code_text.start),
            code_text,
        )
        if _DECORATION.match(shape, first - code_text.start, end - code_text.start):
            yield paragraph_break(first)
        else:
            item = _ITEM.match(shape, first - code_text.start, end - code_text.start)
            if item:
                yield paragraph_break(first)
                first = _after(item, code_text)
            yield from _line_fragments(source, first, end, replaced)
        start, is_first = end, False


def _after(match: re.Match[str] | None, code_text: CodeText) -> int:
    assert match is not None  # noqa: S101 - the patterns match an empty text
    return code_text.start + match.end()


def _shape(code_text: CodeText, replaced: list[Fragment]) -> str:
    """Return the text of a comment or string, with letters where it reads differently, so that no line ends there."""
    letters = [((start - code_text.start, end - code_text.start), "x" * (end - start)) for start, end, _ in replaced]
    return replace_spans(code_text.text, letters)


def _right_border(source: str, block: Block) -> re.Pattern[str] | None:
    """Return the pattern of the marks at the ends of the lines in a box; None for a block that is not in a box."""
    if block[0].kind is Kind.STRING:
        return None
    line = source.rfind("\n", 0, block[0].start) + 1
    line_above = source.rfind("\n", 0, max(0, line - 1)) + 1
    top = _BOX_TOP.match(source, block[0].start) or _BOX_TOP.match(source, line_above, line)
    if top is None:
        return None
    mark = re.escape(top[1])
    return re.compile(rf"(?<=[^\s{mark}])[ \t]+{mark}+[ \t]*$", re.MULTILINE)


def _replaced(
    source: str, code_text: CodeText, start: int, end: int, code: CodeLanguage, border: re.Pattern[str] | None
) -> list[Fragment]:
    """Return what reads differently, in order: interpolated code, escapes in strings, backticks and borders in comments."""
    candidates = list(code_text.replaced)
    if code_text.kind is Kind.STRING:
        quote = find_opener(code_text.text, code.markers).quote
        if len(quote) == 1:
            doubled = re.compile(quote * 2).finditer(source, start, end)
            candidates += (Fragment(match.start(), match.start() + 1, "") for match in doubled)
        escapes = _ESCAPE.finditer(source, start, end)
        candidates += (Fragment(*match.span(), _unescaped(match)) for match in escapes)
        candidates += find_placeholders(source, start, end)
    else:
        candidates += (Fragment(*match.span(), "") for match in _BACKTICKS.finditer(source, start, end))
        if border:
            candidates += (Fragment(*match.span(), "") for match in border.finditer(source, start, end))
    candidates.sort(key=lambda fragment: fragment.start)
    kept: list[Fragment] = []
    for fragment in candidates:
        if start <= fragment.start and fragment.end <= end and (not kept or fragment.start >= kept[-1].end):
            kept.append(fragment)
    return kept


def _unescaped(escape: re.Match[str]) -> str:
    """Return how an escape in a string reads."""
    code = escape["x"] or escape["u"]
    character = chr(int(code, 16)) if code else escape["backslash"] or ""
    return " " if escape["blank"] or not character.isprintable() else character


def _line_fragments(source: str, start: int, end: int, replaced: list[Fragment]) -> Iterator[Fragment]:
    for number in range(bisect_left(replaced, start, key=attrgetter("start")), len(replaced)):
        fragment = replaced[number]
        if fragment.start >= end:
            break
        if fragment.start >= start:
            yield Fragment(start, fragment.start, source[start : fragment.start])
            yield fragment
            start = fragment.end
    yield Fragment(start, end, source[start:end])
