"""``textDocument/semanticTokens``: highlight masks in every language."""

from __future__ import annotations

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.spans import Span

from ..session import Session
from ..snapshot import Snapshot

# Themes color macros in prose, too, and a mask is one: a name for the text that replaces it.
LEGEND = types.SemanticTokensLegend(token_types=[types.SemanticTokenTypes.Macro], token_modifiers=[])


async def semantic_tokens(
    _session: Session, snapshot: Snapshot, params: types.SemanticTokensParams | types.SemanticTokensRangeParams
) -> types.SemanticTokens:
    """Return the masks of a document, or those that touch a range of it."""
    document = snapshot.document
    span = snapshot.span(params.range) if isinstance(params, types.SemanticTokensRangeParams) else (0, len(document))
    return await snapshot.reader.run(_tokens, document, span)


def _tokens(document: TextDocument, span: Span) -> types.SemanticTokens:
    """Return each mask that touches ``span`` as a token, its position relative to the one before it."""
    low, high = max(0, span[0] - len(MASK) + 1), min(span[1] + len(MASK) - 1, len(document))
    data: list[int] = []
    previous_line = previous_column = 0
    for line, column in document.positions(start for start, _ in document.masks(low, high)):
        delta = column - previous_column if line == previous_line else column
        data += (line - previous_line, delta, len(MASK), 0, 0)
        previous_line, previous_column = line, column
    return types.SemanticTokens(data=data)
