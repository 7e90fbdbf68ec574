"""``textDocument/documentSymbol``: the masks of a document as its outline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.engine.api import Predictions
from fillmask_ls.presentation.percent import percent
from fillmask_ls.spans import Span

from .places import mask_ranges

TOP_K = 3
"""How many words are shown for a mask."""

_MASKS_WITH_WORDS = 100
"""Each passage is a forward."""
_MOST_MASKS = 5_000
"""More are no outline, and ten thousand would hold up the event loop for a tenth of a second to be written."""
_REACH = 30


def with_words(document: TextDocument) -> Span:
    """The part of the document whose masks are shown with words."""
    masks = document.masks(0, len(document))[:_MASKS_WITH_WORDS]
    return 0, masks[-1][1] if masks else 0


def detail(ranking: Predictions, mask: int) -> str:
    """The best words for a mask, by its number, with their probabilities."""
    return ", ".join(f"{word.text} {percent(word.probability)}" for word in ranking.predictions[mask].candidates)


def symbols(document: TextDocument, details: Mapping[Span, str], kind: types.SymbolKind) -> list[types.DocumentSymbol]:
    """The document's first masks, each in its line, named by the text around it.

    Args:
        details: of masks whose words are known.
    """
    masks = document.masks(0, len(document))[:_MOST_MASKS]
    found = []
    for line, in_line in groupby(zip(masks, mask_ranges(document, masks), strict=True), lambda one: one[1].start.line):
        low, high = document.line_span(line)
        whole = types.Range(types.Position(line, 0), types.Position(*document.position(high)))
        for mask, place in in_line:
            before = document.slice(max(low, mask[0] - _REACH - 1), mask[0])
            after = document.slice(mask[1], min(high, mask[1] + _REACH + 1))
            name = _few_words(before, after)
            found.append(types.DocumentSymbol(name, kind, whole, place, detail=details.get(mask)))
    return found


def flat(symbols: Sequence[types.DocumentSymbol], uri: str) -> list[types.SymbolInformation]:
    """The same for a client that knows no other form: the words stand where it shows what contains a symbol."""
    return [
        types.SymbolInformation(
            types.Location(uri, symbol.selection_range), symbol.name, symbol.kind, container_name=symbol.detail
        )
        for symbol in symbols
    ]


def kind(capabilities: types.DocumentSymbolClientCapabilities | None) -> types.SymbolKind:
    """The kind of a mask that a client has a picture for: ``Key``, or one of those that the first protocol had."""
    known = capabilities and capabilities.symbol_kind and capabilities.symbol_kind.value_set
    return types.SymbolKind.Key if types.SymbolKind.Key in (known or ()) else types.SymbolKind.String


def _few_words(before: str, after: str) -> str:
    if len(before) > _REACH:
        before = "…" + (before[-_REACH:].partition(" ")[2] or before[-_REACH:])
    if len(after) > _REACH:
        after = (after[:_REACH].rpartition(" ")[0] or after[:_REACH]) + "…"
    return " ".join(f"{before}{MASK}{after}".split())
