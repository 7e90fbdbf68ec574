"""``fillmask.fill``: replace one mask."""

from __future__ import annotations

from typing import Any

from pygls.exceptions import JsonRpcInvalidParams

from fillmask_ls import MASK
from fillmask_ls.documents import masks

from ..edits import Replacements
from ..predictions import predict_mask
from ..session import Session
from ..staleness import mask_unmoved
from .apply_edit import apply
from .arguments import Arguments


async def fill(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Replace one mask.

    Args:
        uri: the open document.
        position: of the mask.
        word: the replacement; by default the best word.

    Returns:
        ``{"applied": true, "words": ["door"]}``: whether the client made the edit, and the new words.
    """
    document = arguments.document()
    focus = masks.mask_at(document, arguments.index(document))
    if focus is None:
        raise JsonRpcInvalidParams(f"no {MASK} at 'position'")
    session.client.require_apply_edit()
    word = arguments.text("word") if arguments.has("word") else None
    async with session.snapshot(document, mask_unmoved(document, focus)) as snapshot:
        if word is None:
            answer = await predict_mask(session, snapshot, focus)
            word = next((candidate.text for candidate in answer.candidates), None)
    replacements: Replacements = [] if word is None else [((focus.start, focus.end), word)]
    return await apply(session.client, snapshot, replacements)
