"""``fillmask.maskRandomly``: hide a random share of the words."""

from __future__ import annotations

from typing import Any

from .. import edits
from ..session import Session
from .apply_edit import apply
from .arguments import Arguments


async def mask_randomly(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Mask a share (``rate``) of the words, or of the subwords (``wholeWords`` false), in ``range`` of ``uri``."""
    document, seed = arguments.document(), arguments.seed()
    span, rate = arguments.span(document), arguments.rate()
    whole_words = arguments.flag("wholeWords", default=True)
    async with session.snapshot(document) as snapshot:
        replacements = await edits.mask_randomly(session, snapshot, span, rate=rate, seed=seed, whole_words=whole_words)
    return {"seed": seed, **await apply(session.client, snapshot, replacements)}
