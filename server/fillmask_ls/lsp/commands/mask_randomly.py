"""``fillmask.maskRandomly``: mask a random share of the words."""

from __future__ import annotations

from typing import Any

from .. import edits
from ..session import Session
from .apply_edit import apply
from .arguments import Arguments


async def mask_randomly(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Mask a random share of the words of a range.

    Args:
        uri: the open document.
        range: by default the whole document.
        rate: the share to mask, 0 to 1; 0.15 by default.
        seed: of the random choice; by default a new one.
        wholeWords: whether to mask words, the default, or subwords.

    Returns:
        ``{"seed": 7, "applied": true, "words": ["[MASK]"]}``: the seed, whether the client made the edit, and a mask for
        each masked word.
    """
    document, seed = arguments.document(), arguments.seed()
    span, rate = arguments.span(document), arguments.rate()
    session.client.require_apply_edit()
    whole_words = arguments.flag("wholeWords", default=True)
    async with session.snapshot(document) as snapshot:
        replacements = await edits.mask_randomly(session, snapshot, span, rate=rate, seed=seed, whole_words=whole_words)
    return {"seed": seed, **await apply(session.client, snapshot, replacements)}
