"""``textDocument/inlineCompletion``: the best word as ghost text at the mask with the cursor, and its line filled."""

from __future__ import annotations

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.documents import masks

from ..session import Session
from ..snapshot import Snapshot
from .completion import complete_mask


async def inline_completion(
    session: Session, snapshot: Snapshot, params: types.InlineCompletionParams
) -> list[types.InlineCompletionItem] | None:
    """Return the best word for the mask before the cursor, and all masks of the line filled; None without a mask."""
    index = snapshot.index(params.position)
    focus = masks.mask_before_cursor(snapshot.document, index)
    if focus is None or not snapshot.settings.inline_completion:
        return None
    answer, lines = await complete_mask(session, snapshot, focus, index)
    # Clients show an item only if its filter text begins with the text in its range.
    range_ = snapshot.range((focus.start, focus.typed_end))
    items = [types.InlineCompletionItem(word.text, MASK + word.text, range_) for word in answer.candidates[:1]]
    items += [
        types.InlineCompletionItem(line.text_edit.new_text, line.filter_text, line.text_edit.range)
        for line in lines[:1]
        if isinstance(line.text_edit, types.TextEdit)
    ]
    return items
