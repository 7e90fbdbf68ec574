"""``textDocument/documentHighlight``: the masks that the model reads together with the one under the cursor."""

from __future__ import annotations

from lsprotocol import types

from fillmask_ls.documents import masks

from ..ranges import mask_ranges
from ..session import Session
from ..snapshot import Snapshot


async def document_highlight(
    _session: Session, snapshot: Snapshot, params: types.DocumentHighlightParams
) -> list[types.DocumentHighlight] | None:
    """Return the masks of the cursor's passage; None where no mask is under the cursor."""
    focus = masks.mask_at(snapshot.document, snapshot.index(params.position))
    if focus is None:
        return None
    passage = await snapshot.passage(focus)
    spans = (passage.document_span(number) for number in range(len(passage.masks)))
    in_document = sorted({span for span in spans if span is not None})
    return [
        types.DocumentHighlight(range_, types.DocumentHighlightKind.Text)
        for range_ in mask_ranges(snapshot.document, in_document)
    ]
