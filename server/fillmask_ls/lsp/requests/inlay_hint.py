"""``textDocument/inlayHint``: the best word and its probability after each mask."""

from __future__ import annotations

from lsprotocol import types

from fillmask_ls.engine.api import Priority
from fillmask_ls.presentation.percent import percent
from fillmask_ls.spans import Span

from ..predictions import MaskAnswer, predict_masks
from ..session import Session
from ..snapshot import Snapshot
from .hover import render_prediction

_MAX_HINTS = 200
"""Maximum hints in a response: some clients request those of a whole document."""
_MAX_LETTERS = 32
"""Maximum letters of a word in a hint: VS Code cuts off hints of more than 43 characters, number and all."""


async def inlay_hint(session: Session, snapshot: Snapshot, params: types.InlayHintParams) -> list[types.InlayHint]:
    """Return a hint for each mask in the range; an empty list for none, because Neovim keeps old hints at null."""
    masks = snapshot.document.masks(*snapshot.span(params.range))[:_MAX_HINTS]
    if not masks or not snapshot.settings.inlay_hints:
        return []
    answers = await predict_masks(session, snapshot, masks, Priority.HINT)
    hints = [_hint(snapshot, answers[mask], mask) for mask in masks]
    return [hint for hint in hints if hint is not None]


def _hint(snapshot: Snapshot, answer: MaskAnswer, mask: Span) -> types.InlayHint | None:
    """Return the hint of a mask, which inserts the word at a double-click; None where no word is likely enough."""
    best = answer.candidates[0] if answer.candidates else None
    if best is None or best.probability < snapshot.settings.inlay_hints_minimum / 100:
        return None
    range_ = snapshot.range(mask)
    word = best.text if len(best.text) <= _MAX_LETTERS else best.text[: _MAX_LETTERS - 1] + "…"
    return types.InlayHint(
        position=range_.end,
        label=f"{word} {percent(best.probability)}",
        text_edits=[types.TextEdit(range_, best.text)],
        tooltip=render_prediction(answer, snapshot),
        padding_left=True,
    )
