"""Conversions between spans of a document and ranges of the protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.documents.text import Position, TextDocument
from fillmask_ls.spans import Span


def to_index(document: TextDocument, position: types.Position) -> int:
    """Return the index of a client's position, clamped to the document."""
    return document.index(Position(position.line, position.character))


def to_span(document: TextDocument, range_: types.Range) -> Span:
    """Return the span of a client's range; a reversed range is turned around."""
    start, end = to_index(document, range_.start), to_index(document, range_.end)
    return min(start, end), max(start, end)


def to_range(document: TextDocument, span: Span) -> types.Range:
    """Return the range of a span."""
    start, end = (types.Position(*document.position(index)) for index in span)
    return types.Range(start, end)


def mask_ranges(document: TextDocument, masks: Sequence[Span]) -> Iterator[types.Range]:
    """Yield the ranges of masks in document order, in one walk over the document."""
    # A mask is ASCII: as many code units as characters in every encoding.
    for line, column in document.positions(start for start, _ in masks):
        yield types.Range(types.Position(line, column), types.Position(line, column + len(MASK)))
