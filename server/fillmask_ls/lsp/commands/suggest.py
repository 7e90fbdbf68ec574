"""``fillmask.suggest``: the words that fit at a cursor, with or without a mask there."""

from __future__ import annotations

from typing import Any

from fillmask_ls.documents import masks
from fillmask_ls.documents.insertion_points import insertion_point_at

from ..predictions import MaskAnswer, predict_mask
from ..session import Session
from ..snapshot import Snapshot
from ..suggestions import suggest_words
from .arguments import Arguments


async def suggest(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Suggest words: for a mask, for the gap between two words, or in the place of a word.

    Args:
        uri: the open document.
        position: of the cursor.

    Returns:
        ``{"range": {"start": …, "end": …}, "words": [{"text": "door", "probability": 0.83}]}``: the range that an accepted
        word replaces, and the words, the best first; ``{"range": null, "words": []}`` in code. Nothing is edited.
    """
    document = arguments.document()
    index = arguments.index(document)
    async with session.snapshot(document) as snapshot:
        span, answer = await _answer(session, snapshot, index)
    if answer is None:
        return {"range": None, "words": []}
    start, end = snapshot.range(span).start, snapshot.range(span).end
    words = answer.candidates[: snapshot.settings.completion_top_k]
    return {
        "range": {
            "start": {"line": start.line, "character": start.character},
            "end": {"line": end.line, "character": end.character},
        },
        "words": [{"text": word.text, "probability": word.probability} for word in words],
    }


async def _answer(session: Session, snapshot: Snapshot, index: int) -> tuple[tuple[int, int], MaskAnswer | None]:
    focus = masks.mask_before_cursor(snapshot.document, index) or masks.mask_at(snapshot.document, index)
    if focus is not None:
        return (focus.start, focus.typed_end), await predict_mask(session, snapshot, focus)
    point = insertion_point_at(snapshot.document, index)
    return (point.span, await suggest_words(session, snapshot, point)) if point else ((index, index), None)
