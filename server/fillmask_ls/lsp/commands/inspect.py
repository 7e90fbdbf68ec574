"""``fillmask.inspect``: the whole masked-language-model walk over a text."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fillmask_ls.engine.api import InspectQuestion
from fillmask_ls.presentation import html

from ..session import Session
from .arguments import Arguments


async def inspect(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Mask ``text``, or ``range`` of ``uri``, at random and return what the model predicts.

    ``format``: ``json``, ``markdown`` or ``html``; ``rate``, ``seed`` and ``wholeWords`` set the masking.
    """
    format_ = arguments.choice("format", "json", ("json", "markdown", "html"))
    text = arguments.text_or_span()
    whole_words = arguments.flag("wholeWords", default=False)
    inspection = await session.engine.inspect(InspectQuestion(text, arguments.rate(), arguments.seed(), whole_words))
    if format_ == "json":
        return {**asdict(inspection), "perplexity": inspection.perplexity}
    render = html.markdown if format_ == "markdown" else html.page
    return {"format": format_, "content": await session.reader.run(render, inspection, text)}
