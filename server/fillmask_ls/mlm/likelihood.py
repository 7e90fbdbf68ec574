"""Log-likelihoods of tokens, cross-entropy and perplexity from logits: the one home of this arithmetic.

All use ``logits - logsumexp(logits)``. On processors with AVX2 only, torch's ``log_softmax`` is off by 2e-5 in float32.
"""

from __future__ import annotations

import torch
from torch import Tensor

IGNORE_INDEX = -100
"""The label of a position that the loss ignores, as in torch and transformers."""


def log_probabilities(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Return the log-probability of every token.

    Args:
        logits: [..., vocabulary].
        temperature: divides the logits (Guo et al. 2017); 1 for the distribution that training optimizes.

    Returns:
        Log-probabilities [..., vocabulary] in nats, at most 0.
    """
    scaled = _scale(logits, temperature)
    return scaled - scaled.logsumexp(-1, keepdim=True)


def log_likelihoods(logits: Tensor, labels: Tensor, temperature: float = 1.0) -> Tensor:
    """Return the log-probability of one token at each position, without computing those of all others.

    Args:
        logits: [..., vocabulary].
        labels: int64 [...], the id of the token at each position.
        temperature: as for :func:`log_probabilities`.

    Returns:
        Log-likelihoods [...] in nats, at most 0 but for rounding.
    """
    scaled = _scale(logits, temperature)
    return scaled.gather(-1, labels[..., None]).squeeze(-1) - scaled.logsumexp(-1)


def ranks(logits: Tensor, labels: Tensor) -> list[int]:
    """Return the rank of one token at each position among all tokens, from 1; ties share the first rank.

    Args:
        logits: [m, vocabulary].
        labels: int64 [m], the id of the token at each position.
    """
    higher: list[int] = (logits > logits.gather(-1, labels[:, None])).count_nonzero(dim=-1).tolist()
    return [count + 1 for count in higher]


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean negative log-likelihood of the labels: the training objective, not calibrated by a temperature.

    Args:
        logits: [..., vocabulary].
        labels: int64 [...], :data:`IGNORE_INDEX` at positions to ignore.

    Returns:
        A scalar in float32, in nats, at least 0; exactly 0 if all positions are ignored.

    >>> mlm.cross_entropy(torch.zeros(2, 4), torch.tensor([1, 3]))
    tensor(1.3863)
    """
    counted = labels != IGNORE_INDEX
    if not counted.any():
        return torch.zeros(())
    return -log_likelihoods(logits[counted].float(), labels[counted]).mean()


def perplexity(loss: Tensor | float) -> float:
    """Return the number of equally likely tokens that a loss in nats is equivalent to, at least 1.

    >>> round(mlm.perplexity(1.3863), 2)
    4.0
    """
    return float(torch.as_tensor(loss).exp())


def _scale(logits: Tensor, temperature: float) -> Tensor:
    return logits if temperature == 1 else logits / temperature
