"""What a hover over a mask or a word says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from fillmask_ls.documents import masks, word_spans
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.engine.api import SurprisalQuestion
from fillmask_ls.spans import Span

from . import client
from .features import hover
from .features.places import span_range
from .requests import place

if TYPE_CHECKING:
    from .server import FillmaskServer


async def show(server: FillmaskServer, params: types.HoverParams) -> types.Hover | None:
    """The predictions for a mask, or how surprising a word is; None elsewhere."""
    found = place(server, params.text_document, params.position)
    if found is None:
        return None
    document, index = found
    target = masks.mask_at(document, index)
    if target is None:
        word = word_spans.word_at(document, index)
        return await _word(server, document, word) if word else None
    at = span_range(document, (target.start, target.end))
    ranking, passage = await server.rank(document, target, lambda settings: settings.hover_top_k)
    return hover.hover(
        ranking,
        passage.focus,
        at,
        markdown=client.shows_markdown(server.client_capabilities),
        subwords=(await server.settled(document)).hover_subwords,
    )


async def _word(server: FillmaskServer, document: TextDocument, word: Span) -> types.Hover | None:
    found = await server.unless_changed(document, server.surprise(document, word))
    if found is None:
        return None
    passage, surprise = found
    return hover.word(
        surprise,
        str(server.engine.model_for(SurprisalQuestion)),
        span_range(document, passage.document_span),
        markdown=client.shows_markdown(server.client_capabilities),
        subwords=(await server.settled(document)).hover_subwords,
    )
