"""``fillmask.unmask``: restore the words that masks replaced."""

from __future__ import annotations

from typing import Any

from ..edits import restore_words
from ..session import Session
from .apply_edit import apply
from .arguments import Arguments


async def unmask(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Restore the words that the masks of a range replaced, if the server saw them.

    Args:
        uri: the open document.
        range: by default the whole document.

    Returns:
        ``{"applied": true, "words": ["door"]}``: whether the client made the edit, and the new words.
    """
    document = arguments.document()
    span = arguments.span(document)
    async with session.snapshot(document) as snapshot:
        replacements = restore_words(snapshot, span)
    return await apply(session.client, snapshot, replacements)
