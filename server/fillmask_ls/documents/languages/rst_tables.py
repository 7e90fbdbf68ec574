"""Tables of reStructuredText: a cell is a paragraph, though its lines are not consecutive."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from fillmask_ls.spans import Span

from .fragments import Fragment, paragraph_break
from .rst_inline import inline_fragments

SIMPLE_BORDER = re.compile(r"[ \t]*=+(?:[ \t]+=+)+[ \t]*\Z")
GRID_BORDER = re.compile(r"[ \t]*\+(?:[-=]+\+)+[ \t]*\Z")
_RULE = re.compile(r"[-=+ \t|]+\Z")
_WORD_END = re.compile(r"\S*")
_COLUMN = re.compile(r"=+[ \t]*")


def simple_table(source: str, lines: Sequence[Span]) -> Iterator[Fragment]:
    """Yield the cells of a table whose first line is a border of equals signs. The last column has no end."""
    border = source[slice(*lines[0])]
    columns = [match.span() for match in _COLUMN.finditer(border)]
    row: list[Span] = []
    for start, end in lines:
        text = source[start:end]
        if not text.strip() or _RULE.match(text) or text[: columns[0][1]].strip():
            yield from _row(source, row, columns)
            row = []
        if text.strip() and not _RULE.match(text):
            row.append((start, end))
    yield from _row(source, row, columns)


def grid_table(source: str, lines: Sequence[Span]) -> Iterator[Fragment]:
    """Yield the cells of a table whose columns are separated by bars."""
    row: list[list[Span]] = []
    for start, end in [*lines, (0, 0)]:
        text = source[start:end]
        if text.startswith("|"):
            # Each line has its own bars: a mask in place of a word moves those after it.
            bars = [start + index for index, character in enumerate(text) if character == "|"]
            row.append([(low + 1, high) for low, high in pairwise(bars)])
            continue
        for column in range(max(map(len, row), default=0)):
            yield from _cell(source, [cells[column] for cells in row if column < len(cells)])
        row = []


def _row(source: str, row: Sequence[Span], columns: Sequence[Span]) -> Iterator[Fragment]:
    """Yield the cells of a row. A word that is wider than its column stays whole: a mask is wider than most words."""
    if not row:
        return
    bounds = [[_word_boundary(source, start + low, end) for low, _ in columns] + [end] for start, end in row]
    for number in range(len(columns)):
        yield from _cell(source, [(line[number], line[number + 1]) for line in bounds])


def _word_boundary(source: str, index: int, end: int) -> int:
    boundary = _WORD_END.match(source, min(index, end), end)
    is_inside = 0 < index < end and not source[index - 1].isspace()
    return boundary.end() if boundary and is_inside else min(index, end)


def _cell(source: str, lines: Sequence[Span]) -> Iterator[Fragment]:
    for start, end in lines:
        yield from inline_fragments(source, start, end)
        yield Fragment(end, end, "\n")
    if lines:
        yield paragraph_break(lines[-1][1])
