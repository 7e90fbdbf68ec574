"""Org: the text without keywords, drawers, source blocks and link targets, line by line.

Syntax: https://orgmode.org/worg/org-syntax.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from fillmask_ls.spans import Span

from .fragments import Fragment, paragraph_break
from .org_inline import inline_fragments

_LINE = re.compile(r"^.*$", re.MULTILINE)
_HEADING = re.compile(r"\*+[ \t]")
_EDGE = re.compile(
    r"[ \t]*(?:#\+(?P<edge>begin|end)_(?P<block>src|example|export|comment)\b|:(?P<drawer>[\w-]+):[ \t]*\Z)",
    re.IGNORECASE,
)
# What a line starts with. A line that starts with nothing of these belongs to the paragraph of the line before.
_START = re.compile(
    r"""(?P<heading>\*+[ \t]+
        (?:(?:TODO|NEXT|STARTED|WAIT|WAITING|HOLD|PROJ|DONE|CANCELL?ED)[ \t]+)?(?:\[\#\w\][ \t]+)?(?:COMMENT[ \t]+)?)
    | [ \t]*(?P<title>\#\+(?i:title|subtitle|caption)(?:\[[^\]]*\])?:)
    | [ \t]*(?P<comment>\#(?:[ \t]+|\Z))
    | [ \t]*(?P<hidden>\Z | \#\+ | :(?:[ \t]|\Z|[\w@\#%-]+:[ \t]*\Z) | -{5,}[ \t]*\Z | \\(?:begin|end)\{
        | (?:CLOSED|DEADLINE|SCHEDULED|CLOCK):)
    | [ \t]*(?P<row>\|)
    | (?P<item>[ \t]*(?:[-+]|(?<=[ \t])\*|\d+[.)])(?:[ \t]+|\Z)(?:\[@\d+\][ \t]*)?(?:\[[ X-]\][ \t]*)?)
    | (?P<footnote>\[fn:[\w-]+\][ \t]*)""",
    re.VERBOSE,
)
_TAGS = re.compile(r"[ \t]+:[\w@#%:]+:[ \t]*\Z")
_CELL = re.compile(r"[^|]+")
_BORDER = re.compile(r"[|+\-: \t]*\Z")


def fragments(source: str) -> Iterator[Fragment]:
    """Yield the prose of an Org text; a heading, a list item and a table cell are paragraphs."""
    for start, end in _paragraphs(source):
        yield paragraph_break(start)
        yield from inline_fragments(source, start, end)
        yield paragraph_break(end)


def _paragraphs(source: str) -> Iterator[Span]:
    """Yield the spans of the paragraphs, without what their first line starts with."""
    lines = [match.span() for match in _LINE.finditer(source)]
    hidden = _hidden_blocks(source, lines)
    paragraph: Span | None = None
    is_comment = False
    number = 0
    while number < len(lines):
        first, last = lines[number]
        match = _START.match(source, first, last)
        kind = "hidden" if number in hidden else match.lastgroup if match else None
        number = hidden.get(number, number + 1)
        if paragraph and kind == ("comment" if is_comment else None):
            paragraph = paragraph[0], last
            continue
        if paragraph:
            yield paragraph
        paragraph = (match.end() if match else first, last) if kind not in ("hidden", "row") else None
        is_comment = kind == "comment"
        if paragraph and kind in ("heading", "title"):
            tags = _TAGS.search(source, *paragraph) if kind == "heading" else None
            yield paragraph[0], tags.start() if tags else last
            paragraph = None
        elif kind == "row" and not _BORDER.match(source, first, last):
            yield from (cell.span() for cell in _CELL.finditer(source, first, last))
    if paragraph:
        yield paragraph


def _hidden_blocks(source: str, lines: Sequence[Span]) -> dict[int, int]:
    """Return for the first line of each code block and drawer the number of the line after its last one.

    Neither contains a heading, so one that is never closed hides nothing.
    """
    hidden: dict[int, int] = {}
    opened: dict[str, int] = {}
    for number, line in enumerate(lines):
        edge = _EDGE.match(source, *line)
        if _HEADING.match(source, *line):
            opened.clear()
        elif edge and (edge["edge"] or edge["drawer"]).lower() == "end":
            name = (edge["block"] or "drawer").lower()
            if name in opened:
                hidden[opened.pop(name)] = number + 1
        elif edge:
            opened.setdefault((edge["block"] or "drawer").lower(), number)
    return hidden
