"""The text inside a paragraph of Org, without emphasis, link targets, citations and time stamps."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator

from fillmask_ls.spans import Span

from .fragments import Fragment, paragraph_break
from .placeholders import PLACEHOLDER, SIMPLE_FORMULA

_MARKUP = re.compile(
    r"""(?P<mark>[*/_+=~])
    | \[\[(?P<target>[^\[\]]{1,1000})\](?:\]|(?P<described>\[))
    | (?P<link_end>\]\])
    | \[fn:[\w-]{0,60}(?:\]|(?P<note>:))
    | (?P<macro>\{\{\{[^{}\n]{1,500}\}\}\})
    | \\\((?P<formula>(?:[^\\\n]|\\(?![()])){1,500})\\\)
    | (?P<comment>\n[ \t]*\#(?:[ \t]|(?=\n|\Z)))
    | (?P<term>[ \t]+::(?=[ \t\n]))
    | (?P<dropped>\\\\(?=[ \t]*(?:\n|\Z)) | [<\[]\d{4}-\d\d-\d\d[^<>\[\]\n]{0,60}[>\]](?:--)? | \[\d*(?:/\d*|%)\]
        | <<<?[^<>\n]{1,200}>>>? | <[a-z]+:[^<>\s]{1,1000}> | \[cite[\w/]{0,20}:[^\[\]]{1,500}\]
        | @@[\w-]{1,20}:[^@\n]{0,500}@@)""",
    re.VERBOSE,
)
_OPENER = re.compile(r"""(?<![^\s\-–—({'"*/_+=~])[*/_+=~](?=\S)""")
_CLOSER = re.compile(r"""(?<=\S)[*/_+=~](?![^\s\-–—.,;:!?'")}\[\]|*/_+=~])""")
_VERBATIM = "=~"
_LONGEST_EMPHASIS = 1_000
_BRACKET = re.compile(r"[\[\]]")
_LONGEST_NOTE = 2_000
_ADDRESS = re.compile(r"[:/]")
"""What the target of a link contains unless it is a heading or a name of the document."""


def inline_fragments(source: str, start: int, end: int) -> Iterator[Fragment]:
    """Yield the prose of a paragraph, and then its footnotes as paragraphs of their own."""
    notes: list[Span] = []
    yield from _read(source, start, end, notes)
    for note in notes:
        yield paragraph_break(note[0])
        yield from _read(source, *note, [])


def _read(source: str, start: int, end: int, notes: list[Span]) -> Iterator[Fragment]:
    """Yield the prose without its footnotes, and add the spans of these to ``notes``."""
    closers: dict[str, list[int]] = defaultdict(list)
    for match in _CLOSER.finditer(source, start, end):
        closers[match[0]].append(match.start())
    emphasis_ends: set[int] = set()
    literal_end = 0
    in_link = False
    for match in _MARKUP.finditer(source, start, end):
        kind, (first, last) = match.lastgroup, match.span()
        if first < max(start, literal_end):  # in a note or verbatim
            continue
        kept, text = (last, last), ""
        if kind == "mark" and first not in emphasis_ends:
            closer = _closer(source, first, end, closers)
            if closer is None:
                continue
            emphasis_ends.add(closer)
            literal_end = closer if match[0] in _VERBATIM else 0
        elif kind == "target" and not _ADDRESS.search(match["target"]):
            kept = match.span("target")
        elif kind == "link_end" and not in_link:
            continue
        elif kind in ("described", "link_end"):
            in_link = kind == "described"
        elif kind == "note":
            notes.append((last, _note_end(source, last, end)))
            last = min(notes[-1][1] + 1, end)
            kept = last, last
        elif kind == "formula" and SIMPLE_FORMULA.match(match["formula"]):
            kept = match.span("formula")
        elif kind in ("macro", "formula"):
            text = PLACEHOLDER
        elif kind in ("comment", "term"):
            text = "\n" if kind == "comment" else ":"
        yield Fragment(start, first, source[start:first])
        yield Fragment(first, kept[0], text)
        yield Fragment(*kept, source[slice(*kept)])
        yield Fragment(kept[1], last, "")
        start = last
    yield Fragment(start, end, source[start:end])


def _closer(source: str, mark: int, end: int, closers: dict[str, list[int]]) -> int | None:
    """Return where the emphasis ends that starts at ``mark``; None if none does. It contains one line end at most."""
    if not _OPENER.match(source, mark, end):
        return None
    positions = closers[source[mark]]
    number = bisect_right(positions, mark + 1)
    if number == len(positions) or positions[number] - mark > _LONGEST_EMPHASIS:
        return None
    return positions[number] if source.count("\n", mark, positions[number]) <= 1 else None


def _note_end(source: str, start: int, end: int) -> int:
    """Return the index of the bracket that closes a note, or its last index."""
    depth = 1
    for match in _BRACKET.finditer(source, start, min(end, start + _LONGEST_NOTE)):
        depth += 1 if match[0] == "[" else -1
        if not depth:
            return match.start()
    return min(end, start + _LONGEST_NOTE)
