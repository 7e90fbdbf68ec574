"""reStructuredText: the text without roles, directives, targets and code. Blocks are found by their indentation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from fillmask_ls.spans import Span

from .directives import NOT_PROSE, PROSE_ARGUMENT, VERSION_ARGUMENT
from .fragments import Fragment, paragraph_break
from .rst_inline import inline_fragments
from .rst_tables import GRID_BORDER, SIMPLE_BORDER, grid_table, simple_table

_LINE = re.compile(r"[^\n]+|(?<=\n)(?=\n)|\A(?=\n)")
_INDENT = re.compile(r"[ \t]*")
_DIRECTIVE = re.compile(r"\.\.[ \t]+(?:\|[^|\n]*\|[ \t]+)?(?P<name>[\w+.:-]*\w)[ \t]*::(?:[ \t]+|$)")
_FOOTNOTE = re.compile(r"\.\.[ \t]+\[[^\]\n]*\](?:[ \t]+|$)")
_EXPLICIT = re.compile(r"\.\.(?:[ \t]|$)|__[ \t]")
_OPTION = re.compile(r":[\w-]+:(?:[ \t]|$)")
_VERSION = re.compile(r"\S+[ \t]*")
_FIELD = re.compile(r":(?![: ])(?:\\.|[^:\\\n]|:(?!\s|$)){1,200}:(?:[ \t]+|$)")
_ITEM = re.compile(r"(?:[-*+•‣]|\(?(?:\d+|#|[a-zA-Z]|[ivxlcIVXLC]+)[.)]|\|)(?:[ \t]+|$)")
_RULE = re.compile(r"([!-/:-@\[-`{-~])\1+\Z")


def fragments(source: str) -> Iterator[Fragment]:
    """Yield the prose of a reStructuredText text; a heading, a list item, a field and a table cell are paragraphs."""
    lines = [match.span() for match in _LINE.finditer(source)]
    number = 0
    while number < len(lines):
        number, prose = _block(source, lines, number)
        yield from prose


def _block(source: str, lines: Sequence[Span], number: int) -> tuple[int, Iterator[Fragment] | list[Fragment]]:
    """Return the number of the line after a block, and the prose of the block or of its head.

    The content of a directive or an item is read as blocks of their own.
    """
    start, end = lines[number]
    first = _text_start(source, lines[number])
    text = source[first:end]
    if not text:
        return number + 1, [paragraph_break(start)]
    directive = _DIRECTIVE.match(text)
    if directive:
        return _directive(source, lines, number, directive)
    footnote = _FOOTNOTE.match(text)
    if footnote:
        return _paragraph(source, lines, number, first + footnote.end())
    if _EXPLICIT.match(text):
        return _after_indented(source, lines, number), [paragraph_break(start)]
    if text.startswith(">>>"):
        return _after_paragraph(source, lines, number), [paragraph_break(start)]
    if GRID_BORDER.match(text):
        end_number = _after_paragraph(source, lines, number)
        return end_number, grid_table(
            source, [(_text_start(source, line), line[1]) for line in lines[number:end_number]]
        )
    if SIMPLE_BORDER.match(text):
        end_number = _after_simple_table(source, lines, number)
        return end_number, simple_table(
            source, [(min(first - start + low, high), high) for low, high in lines[number:end_number]]
        )
    if _RULE.match(text.rstrip()):
        return number + 1, [paragraph_break(start)]
    marker = _FIELD.match(text) or _ITEM.match(text)
    return _paragraph(source, lines, number, first + marker.end() if marker else first)


def _directive(
    source: str, lines: Sequence[Span], number: int, directive: re.Match[str]
) -> tuple[int, Iterator[Fragment] | list[Fragment]]:
    name = directive["name"].lower()
    first = _text_start(source, lines[number])
    if name in NOT_PROSE:
        return _after_indented(source, lines, number), [paragraph_break(first)]
    indent = _indent(source, lines[number])
    content = number + 1
    has_prose_argument = name in PROSE_ARGUMENT or name in VERSION_ARGUMENT
    if not has_prose_argument:  # its argument can be of several lines
        while (
            content < len(lines)
            and _is_inside(source, lines[content], indent)
            and not _is_option(source, lines[content])
        ):
            content += 1
    options = content
    while options < len(lines) and _is_inside(source, lines[options], indent) and _is_option(source, lines[options]):
        options += 1
    if not has_prose_argument:
        return options, [paragraph_break(first)]
    argument = first + directive.end()
    if name in VERSION_ARGUMENT:
        version = _VERSION.match(source, argument, lines[number][1])
        argument = version.end() if version else argument
    if options > content:
        return options, [
            paragraph_break(first),
            *inline_fragments(source, argument, lines[number][1]),
            paragraph_break(lines[number][1]),
        ]
    return _paragraph(source, lines, number, argument)


def _paragraph(source: str, lines: Sequence[Span], number: int, first: int) -> tuple[int, list[Fragment]]:
    """Return the number of the line after a paragraph or heading, and its prose.

    Args:
        first: where its text starts in its first line, after a marker.
    """
    start, end = lines[number]
    has_marker = first > _text_start(source, (start, end))
    marker_indent = _indent(source, (start, end))
    indent = first - start
    last = number
    while last + 1 < len(lines):
        next_line = lines[last + 1]
        text = source[_text_start(source, next_line) : next_line[1]]
        next_indent = _indent(source, next_line)
        if not text or (_RULE.match(text.rstrip()) and len(text.rstrip()) > 3) or _EXPLICIT.match(text):
            break
        if last == number and has_marker:
            if next_indent <= marker_indent:
                break
        elif next_indent != indent:
            break
        if _FIELD.match(text) or (has_marker and _ITEM.match(text)):
            break
        last, indent = last + 1, next_indent
    end = lines[last][1]
    text = source[first:end].rstrip()
    literal = text.endswith("::")
    text_end = first + len(text) - literal
    if literal and text == "::":
        text_end = first
    prose = [paragraph_break(first), *inline_fragments(source, first, text_end), paragraph_break(end)]
    number = last + 1
    return (_after_literal_block(source, lines, number, marker_indent) if literal else number), prose


def _after_literal_block(source: str, lines: Sequence[Span], number: int, indent: int) -> int:
    """Return the number of the line after the literal block that follows, indented or quoted."""
    while number < len(lines) and not source[slice(*lines[number])].strip():
        number += 1
    if number == len(lines):
        return number
    if _indent(source, lines[number]) > indent:
        return _after_indented(source, lines, number - 1, indent)
    text = source[slice(*lines[number])].strip()
    return _after_paragraph(source, lines, number) if re.match(r"[!-/:-@\[-`{-~]", text) else number


def _after_indented(source: str, lines: Sequence[Span], number: int, indent: int | None = None) -> int:
    """Return the number of the first line after ``number`` that is not indented more."""
    indent = _indent(source, lines[number]) if indent is None else indent
    number += 1
    while number < len(lines) and (
        _is_inside(source, lines[number], indent) or not source[slice(*lines[number])].strip()
    ):
        number += 1
    return number


def _after_paragraph(source: str, lines: Sequence[Span], number: int) -> int:
    while number < len(lines) and source[slice(*lines[number])].strip():
        number += 1
    return number


def _after_simple_table(source: str, lines: Sequence[Span], number: int) -> int:
    """Return the number of the line after a table: after the border that a blank line follows."""
    for last in range(number + 1, len(lines)):
        is_border = SIMPLE_BORDER.match(source[_text_start(source, lines[last]) : lines[last][1]])
        if is_border and (last + 1 == len(lines) or not source[slice(*lines[last + 1])].strip()):
            return last + 1
    return _after_paragraph(source, lines, number)


def _text_start(source: str, line: Span) -> int:
    match = _INDENT.match(source, *line)
    return match.end() if match else line[0]


def _indent(source: str, line: Span) -> int:
    return _text_start(source, line) - line[0]


def _is_inside(source: str, line: Span, indent: int) -> bool:
    first = _text_start(source, line)
    return first - line[0] > indent and first < line[1]


def _is_option(source: str, line: Span) -> bool:
    return bool(_OPTION.match(source, _text_start(source, line), line[1]))
