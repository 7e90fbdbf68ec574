"""``fillmask.inspect``: mask a text at random and report the predictions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fillmask_ls.engine.api import InspectQuestion
from fillmask_ls.presentation.html import inspection_page
from fillmask_ls.presentation.markdown import inspection_markdown

from ..long_answer import long_answer
from ..session import Session
from .arguments import Arguments
from .prose import prose


async def inspect(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Mask a text at random and report what the model predicts.

    Args:
        text: the text to inspect; or ``uri`` and ``range``.
        uri: an open document, whose prose is inspected: no markup, no code.
        range: by default the whole document.
        format: ``json`` (the default), ``markdown`` or ``html``.
        rate: the share of tokens to mask, 0 to 1; 0.15 by default.
        seed: of the random choice; by default a new one.
        wholeWords: whether to mask whole words; by default subwords.

    Returns:
        the report: as JSON, the fields of ``fillmask_ls.mlm.inspect``'s result; otherwise
        ``{"format": …, "content": …}``.
    """
    format_ = arguments.choice("format", "json", ("json", "markdown", "html"))
    text = await prose(session, arguments)
    whole_words = arguments.flag("wholeWords", default=False)
    question = InspectQuestion(text, arguments.rate(), arguments.seed(), whole_words)
    inspection = await long_answer(session, question, "Predicting masked words")
    if format_ == "json":
        return {**asdict(inspection), "perplexity": inspection.perplexity}
    render = inspection_markdown if format_ == "markdown" else inspection_page
    return {"format": format_, "content": await session.reader.run(render, inspection, text)}
