"""``textDocument/inlineCompletion``: the best word as ghost text at the mask with the cursor, and its whole passage."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.engine.api import Predictions


def word(ranking: Predictions, focus: int, replaced: types.Range) -> list[types.InlineCompletionItem]:
    """The best word for the mask, over the mask and what was typed behind it; none where no word fits.

    The filter text begins with the mask: clients show an item only if that is what stands in the range.
    """
    return [
        types.InlineCompletionItem(insert_text=word.text, filter_text=MASK + word.text, range=replaced)
        for word in ranking.predictions[focus].candidates[:1]
    ]


def sentences(items: Sequence[types.CompletionItem]) -> list[types.InlineCompletionItem]:
    """The passage filled as a whole, of the same items that a completion list has."""
    return [
        types.InlineCompletionItem(item.text_edit.new_text, item.filter_text, item.text_edit.range)
        for item in items[:1]
        if isinstance(item.text_edit, types.TextEdit)
    ]
