"""``fillmask.score``: how likely a text is, word by word."""

from __future__ import annotations

from typing import Any, get_args

from fillmask_ls.engine.api import Metric, ScoreQuestion

from ..long_answer import long_answer
from ..session import Session
from .arguments import Arguments
from .prose import prose


async def score(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Score a text: its pseudo-log-likelihood, and the surprisal of each word.

    Args:
        text: the text to score; or ``uri`` and ``range``.
        uri: an open document, whose prose is scored: no markup, no code.
        range: by default the whole document.
        metric: what is masked with each token, in minicons' terms: ``within_word_l2r`` (the default), ``original`` or
            ``whole_word``.

    Returns:
        ``{"model": …, "pseudoLogLikelihood": …, "perplexity": …, "tokens": …, "words": [{"text": …, "span": [0, 3],
        "surprisal": …}]}``: the log-likelihood in nats, the number of tokens, and the surprisals in bits. Spans are of
        the text that was scored.
    """
    metric: Any = arguments.choice("metric", "within_word_l2r", get_args(Metric))
    question = ScoreQuestion(await prose(session, arguments), metric)
    result = await long_answer(session, question, "Scoring words")
    return {
        "model": session.engine.model_for(ScoreQuestion),
        "pseudoLogLikelihood": result.pseudo_log_likelihood,
        "perplexity": result.perplexity,
        "tokens": len(result.tokens),
        "words": [{"text": word.text, "span": word.span, "surprisal": word.surprisal} for word in result.words],
    }
