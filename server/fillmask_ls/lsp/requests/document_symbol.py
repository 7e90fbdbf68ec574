"""``textDocument/documentSymbol``: the masks of a document as its outline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.engine.api import EngineError, Priority
from fillmask_ls.presentation.percent import percent
from fillmask_ls.spans import Span

from ..predictions import predict_masks
from ..ranges import mask_ranges
from ..session import Session
from ..snapshot import Snapshot

_TOP_K = 3
_MAX_PREDICTED_MASKS = 100
"""Maximum masks with predicted words: each passage takes a forward pass."""
_MAX_SYMBOLS = 5_000
"""Maximum masks in the outline: serializing ten thousand would block the event loop for a tenth of a second."""
_CONTEXT_CHARACTERS = 30


async def document_symbol(
    session: Session, snapshot: Snapshot, _params: types.DocumentSymbolParams
) -> list[types.DocumentSymbol] | list[types.SymbolInformation]:
    """Return the masks of a document, the first hundred with the words that the model expects there."""
    document, capabilities = snapshot.document, snapshot.capabilities
    if not document.has_masks:
        return []
    masks = document.masks(0, len(document))[:_MAX_PREDICTED_MASKS]
    details = await _details(session, snapshot, masks)
    symbols = await snapshot.reader.run(_symbols, document, details, capabilities.symbol_kind)
    return symbols if capabilities.hierarchical_symbols else _flat(symbols, document.uri)


async def _details(session: Session, snapshot: Snapshot, masks: Sequence[Span]) -> dict[Span, str]:
    """Return the best words for each mask; none without a model."""
    try:
        answers = await predict_masks(session, snapshot, masks, Priority.HINT)
    except EngineError:
        return {}
    return {
        mask: ", ".join(f"{word.text} {percent(word.probability)}" for word in answer.candidates[:_TOP_K])
        for mask, answer in answers.items()
    }


def _symbols(document: TextDocument, details: Mapping[Span, str], kind: types.SymbolKind) -> list[types.DocumentSymbol]:
    """Return the document's first masks, each named by the text around it."""
    masks = document.masks(0, len(document))[:_MAX_SYMBOLS]
    symbols = []
    with_ranges = zip(masks, mask_ranges(document, masks), strict=True)
    for line, in_line in groupby(with_ranges, lambda mask_and_range: mask_and_range[1].start.line):
        low, high = document.line_span(line)
        line_range = types.Range(types.Position(line, 0), types.Position(*document.position(high)))
        for mask, range_ in in_line:
            before = document.slice(max(low, mask[0] - _CONTEXT_CHARACTERS - 1), mask[0])
            after = document.slice(mask[1], min(high, mask[1] + _CONTEXT_CHARACTERS + 1))
            name = _name(before, after)
            symbols.append(types.DocumentSymbol(name, kind, line_range, range_, detail=details.get(mask)))
    return symbols


def _flat(symbols: Sequence[types.DocumentSymbol], uri: str) -> list[types.SymbolInformation]:
    """Return the symbols for a client without hierarchical symbols, with the words as the container's name."""
    return [
        types.SymbolInformation(
            types.Location(uri, symbol.selection_range), symbol.name, symbol.kind, container_name=symbol.detail
        )
        for symbol in symbols
    ]


def _name(before: str, after: str) -> str:
    """Return the mask with a few words around it."""
    if len(before) > _CONTEXT_CHARACTERS:
        before = before[-_CONTEXT_CHARACTERS:]
        before = "…" + (before.partition(" ")[2] or before)
    if len(after) > _CONTEXT_CHARACTERS:
        after = after[:_CONTEXT_CHARACTERS]
        after = (after.rpartition(" ")[0] or after) + "…"
    return " ".join(f"{before}{MASK}{after}".split())
