"""``textDocument/semanticTokens``: masks in a colour of their own, in whatever language they stand."""

from __future__ import annotations

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.spans import Span

# Themes colour a macro, in prose too; and a mask is one: a name that stands for the text that will replace it.
LEGEND = types.SemanticTokensLegend(token_types=[types.SemanticTokenTypes.Macro], token_modifiers=[])


def tokens(document: TextDocument, span: Span | None = None) -> types.SemanticTokens:
    """Every mask of the document, or that has a character in ``span``, as a token relative to the one before it."""
    start, end = span or (0, len(document))
    masks = document.masks(max(0, start - len(MASK) + 1), min(end + len(MASK) - 1, len(document)))
    data: list[int] = []
    line_before = column_before = 0
    for line, column in document.positions(low for low, _ in masks):
        # No mask has a line end in it, and none overlaps another.
        data += (line - line_before, column - column_before if line == line_before else column, len(MASK), 0, 0)
        line_before, column_before = line, column
    return types.SemanticTokens(data=data)
