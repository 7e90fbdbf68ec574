"""``fillmask.score``: how likely a text is, word by word."""

from __future__ import annotations

from typing import Any

from fillmask_ls.engine.api import ScoreQuestion

from ..session import Session
from .arguments import Arguments

_METRICS = ("within_word_l2r", "original", "whole_word")


async def score(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Return the pseudo-log-likelihood of ``text``, or of ``range`` of ``uri``, and the surprisal of each word.

    ``metric``: ``within_word_l2r``, ``original`` or ``whole_word``.
    """
    metric: Any = arguments.choice("metric", "within_word_l2r", _METRICS)
    found = await session.engine.score(ScoreQuestion(arguments.text_or_span(), metric))
    return {
        "model": session.engine.model_for(ScoreQuestion),
        "pseudoLogLikelihood": found.pseudo_log_likelihood,
        "perplexity": found.perplexity,
        "tokens": len(found.tokens),
        "words": [{"text": word.text, "span": word.span, "surprisal": word.surprisal} for word in found.words],
    }
