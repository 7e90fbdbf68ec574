"""Spans of a document as the protocol has them."""

from __future__ import annotations

from lsprotocol import types

from fillmask_ls.documents.text import Span, TextDocument


def range_of(document: TextDocument, span: Span) -> types.Range:
    """The range of a span, in the client's code units."""
    start, end = (types.Position(*document.position(index)) for index in span)
    return types.Range(start, end)
