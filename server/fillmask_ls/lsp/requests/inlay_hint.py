"""``textDocument/inlayHint``: the best word and its probability after each mask."""

from __future__ import annotations

import asyncio

from lsprotocol import types

from fillmask_ls.engine.api import Predictions, PredictQuestion, Priority
from fillmask_ls.presentation.percent import percent
from fillmask_ls.spans import Span

from ..session import Session
from ..snapshot import Snapshot
from .hover import render_prediction

_MAX_HINTS = 200
"""Maximum hints in a response: some clients request those of a whole document."""


async def inlay_hint(session: Session, snapshot: Snapshot, params: types.InlayHintParams) -> list[types.InlayHint]:
    """Return a hint for each mask in the range; an empty list for none, because Neovim keeps old hints at null."""
    masks = snapshot.document.masks(*snapshot.span(params.range))[:_MAX_HINTS]
    if not masks or not snapshot.settings.inlay_hints:
        return []
    passages = await snapshot.passages((masks[0][0], masks[-1][1]))
    questions = [
        PredictQuestion(passage.text, passage.masks, snapshot.settings.hover_top_k, passage.focus)
        for passage, _ in passages
    ]
    answers = await asyncio.gather(*(session.engine.predict(question, Priority.HINT) for question in questions))
    hints = [
        _hint(snapshot, answer, passage.focus + offset, mask)
        for (passage, passage_masks), answer in zip(passages, answers, strict=True)
        for offset, mask in enumerate(passage_masks)
    ]
    return [hint for hint in hints if hint is not None]


def _hint(snapshot: Snapshot, answer: Predictions, number: int, mask: Span) -> types.InlayHint | None:
    """Return the hint of a mask, which inserts the word at a double-click; None where no word fits."""
    candidates = answer.predictions[number].candidates
    if not candidates:
        return None
    range_, best = snapshot.range(mask), candidates[0]
    return types.InlayHint(
        position=range_.end,
        label=f"{best.text} {percent(best.probability)}",
        text_edits=[types.TextEdit(range_, best.text)],
        tooltip=render_prediction(answer, number, markdown=snapshot.capabilities.hover_markdown),
        padding_left=True,
    )
