"""``textDocument/inlayHint``: the best word and its probability behind each mask."""

from __future__ import annotations

from lsprotocol import types

from fillmask_ls.engine.api import Predictions
from fillmask_ls.presentation.percent import percent

from .hover import contents


def hint(ranking: Predictions, number: int, place: types.Range, *, markdown: bool) -> types.InlayHint | None:
    """The hint for the mask ``number`` at ``place``, which takes the word when it is double-clicked; None without a word."""
    words = ranking.predictions[number].candidates
    if not words:
        return None
    return types.InlayHint(
        position=place.end,
        label=f"{words[0].text} {percent(words[0].probability)}",
        text_edits=[types.TextEdit(place, words[0].text)],
        tooltip=contents(ranking, number, markdown=markdown),
        padding_left=True,
    )
