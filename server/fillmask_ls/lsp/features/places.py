"""Spans of a document as ranges of the protocol, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.documents.text import Position, TextDocument
from fillmask_ls.spans import Span


def span_range(document: TextDocument, span: Span) -> types.Range:
    """The range of any span."""
    start, end = (types.Position(*document.position(index)) for index in span)
    return types.Range(start, end)


def mask_ranges(document: TextDocument, masks: Sequence[Span]) -> Iterator[types.Range]:
    """The ranges of masks, given in order. A mask has as many code units as characters, in any encoding."""
    for line, column in document.positions(start for start, _ in masks):
        yield types.Range(types.Position(line, column), types.Position(line, column + len(MASK)))


def span_of(document: TextDocument, of: types.Range) -> Span:
    """The characters of a client's range."""
    start, end = (document.index(Position(at.line, at.character)) for at in (of.start, of.end))
    return min(start, end), max(start, end)
