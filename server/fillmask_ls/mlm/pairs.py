"""Minimal pairs: does the model prefer the acceptable sentence of two? (BLiMP, Warstadt et al. 2020)"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from .forward_steps import MAX_TOKENS_PER_STEP
from .model import LoadedModel
from .paradigms import MinimalPairs, PairScore
from .results import Metric
from .scoring import score


def minimal_pairs(
    model: LoadedModel,
    pairs: Iterable[tuple[str, str]],
    by: Iterable[Hashable] | None = None,
    *,
    metric: Metric = "within_word_l2r",
    batch_tokens: int = MAX_TOKENS_PER_STEP,
    progress: bool = False,
) -> MinimalPairs:
    """Compare the pseudo-log-likelihoods of the sentences of each pair.

    Args:
        model: the model.
        pairs: the acceptable sentence first, then the other.
        by: the paradigm of each pair, such as BLiMP's ``UID``.
        metric: as for :func:`~fillmask_ls.mlm.scoring.score`.
        batch_tokens: as for :func:`~fillmask_ls.mlm.scoring.score`.
        progress: as for :func:`~fillmask_ls.mlm.scoring.score`.

    Returns:
        The scores of the pairs, in order, and the accuracy, its interval and the margin (in nats) of each
        paradigm.

    Raises:
        TypeError: a pair is not two strings.
        ValueError: a sentence is empty, there are not as many paradigms as pairs, or ``metric`` is unknown.

    >>> result = mlm.minimal_pairs(model, [("The keys to the house are old.", "The keys to the house is old.")])
    >>> result.accuracy
    1.0
    """
    sentences = list(_sentences(pairs))
    labels = [""] * (len(sentences) // 2) if by is None else [str(label) for label in by]
    if 2 * len(labels) != len(sentences):
        raise ValueError(f"there are {len(sentences) // 2} pairs, but {len(labels)} values in 'by'")
    scores = score.stream(model, sentences, metric=metric, batch_tokens=batch_tokens, progress=progress)
    likelihoods = (found.pseudo_log_likelihood for found in scores)
    return MinimalPairs(
        tuple(
            PairScore(good, bad, next(likelihoods), next(likelihoods), label)
            for good, bad, label in zip(sentences[::2], sentences[1::2], labels, strict=True)
        )
    )


def _sentences(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for index, pair in enumerate(pairs):
        match pair:
            case (str(good), str(bad)):
                if not (good.strip() and bad.strip()):
                    raise ValueError(f"a sentence of the pair at index {index} is empty")
                yield good
                yield bad
            case _:
                raise TypeError(f"expected pairs of two str, but the item at index {index} is {pair!r:.60}")
