"""``fillmask.fillAll``: fill every mask of a range."""

from __future__ import annotations

from typing import Any

from ..edits import fill_masks
from ..session import Session
from .apply_edit import apply
from .arguments import Arguments


async def fill_all(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Fill every mask of a range, the masks of a passage together.

    Args:
        uri: the open document.
        range: by default the whole document.

    Returns:
        ``{"applied": true, "words": ["door"]}``: whether the client made the edit, and the new words.
    """
    document = arguments.document()
    span = arguments.span(document)
    session.client.require_apply_edit()
    async with session.snapshot(document) as snapshot:
        replacements = await fill_masks(session, snapshot, span)
    return await apply(session.client, snapshot, replacements)
