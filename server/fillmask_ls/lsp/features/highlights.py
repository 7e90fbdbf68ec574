"""``textDocument/documentHighlight``: the masks that the model reads together with the one under the cursor."""

from __future__ import annotations

from lsprotocol import types

from fillmask_ls.documents.context import Passage
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.spans import Span

from .places import mask_ranges


def places(passage: Passage) -> list[Span]:
    """Where in the document the masks of a passage are, in order, the one that was asked for among them."""
    found = (passage.document_span(number) for number in range(len(passage.masks)))
    return sorted({place for place in found if place is not None})


def highlights(document: TextDocument, passage: Passage) -> list[types.DocumentHighlight]:
    """The masks of a passage of ``document``."""
    return [
        types.DocumentHighlight(at, types.DocumentHighlightKind.Text) for at in mask_ranges(document, places(passage))
    ]
