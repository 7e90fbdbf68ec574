"""Score texts by pseudo-log-likelihood (Salazar et al. 2020, Kauf & Ivanova 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from .forward_steps import ForwardSteps, run_steps
from .masked_copies import batch_copies, masked_copies
from .model import MaskedLM
from .results import Metric, Score, TokenScore


def score(model: MaskedLM, texts: Sequence[str], *, metric: Metric = "within_word_l2r") -> list[Score]:
    """Compute the pseudo-log-likelihood of each text: each token is masked in turn and predicted.

    Log-likelihoods are those of the training objective, not calibrated by the model's temperature, so they are
    comparable with minicons and with published figures.

    Args:
        model: the model.
        texts: texts of any length. Texts longer than the model's limit are read in windows that overlap. ``[MASK]``
            is context and is not scored.
        metric: what is masked together with a token; see :data:`~fillmask_ls.mlm.results.Metric`.

    Returns:
        One score for each text, in order.

    Raises:
        ValueError: the metric is unknown.

    >>> good, bad = mlm.score(model, ["The keys to the house are old.", "The keys to the house is old."])
    >>> good.pseudo_log_likelihood > bad.pseudo_log_likelihood
    True
    """
    return run_steps(model, score_steps(model, texts, metric=metric))


def score_steps(model: MaskedLM, texts: Sequence[str], *, metric: Metric) -> ForwardSteps[list[Score]]:
    """Do the work of :func:`score`."""
    if metric not in get_args(Metric):
        raise ValueError(f"metric must be one of {', '.join(get_args(Metric))}, not {metric!r}")
    encodings = [model.tokenizer.encode(text) for text in texts]
    # Longest first, so that rows of a batch need little padding; lazily, because the copies of a long text are large.
    by_length = sorted(range(len(texts)), key=lambda number: -len(encodings[number].ids))
    copies = (
        copy for number in by_length for copy in masked_copies(model, number, encodings[number], texts[number], metric)
    )
    likelihoods: list[dict[int, float]] = [{} for _ in texts]
    for batch in batch_copies(copies):
        logits = yield batch.step
        for (number, token), likelihood in zip(batch.tokens, batch.log_likelihoods(logits), strict=True):
            likelihoods[number][token] = likelihood
    return [
        Score(
            text,
            tuple(
                TokenScore(text[slice(*encoding.offsets[token])], encoding.offsets[token], scores[token])
                for token in sorted(scores)
            ),
        )
        for text, encoding, scores in zip(texts, encodings, likelihoods, strict=True)
    ]
