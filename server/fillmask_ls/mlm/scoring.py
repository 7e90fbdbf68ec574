"""What a masked language model makes of a text: logits, hidden states, loss, perplexity."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .masking import IGNORED
from .model import MaskedLM


@dataclass(frozen=True, slots=True, eq=False)
class Forward:
    """One forward pass over a batch of ``b`` rows of ``n`` tokens.

    ``logits`` [b, n, vocabulary]; ``hidden_states``: the embeddings' output, then each layer's, each [b, n, h].
    """

    logits: Tensor
    hidden_states: tuple[Tensor, ...]


@torch.inference_mode()
def forward(model: MaskedLM, input_ids: Tensor, attention_mask: Tensor | None = None) -> Forward:
    """Run the whole network over ``input_ids`` [b, n], and keep the hidden states of all layers."""
    output = model.network(
        input_ids=input_ids.to(model.device),
        attention_mask=None if attention_mask is None else attention_mask.to(model.device),
        output_hidden_states=True,
    )
    return Forward(output.logits, output.hidden_states)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean negative log-likelihood of the labels, by hand, in nats.

    Args:
        logits: [..., vocabulary].
        labels: int64 [...], :data:`~fillmask_ls.mlm.masking.IGNORED` where a position doesn't count.

    Returns:
        A scalar in float32, at least 0; exactly 0 when no position counts.
    """
    counted = labels != IGNORED
    logits, labels = logits[counted].float(), labels[counted]
    if not len(labels):
        return torch.zeros(())
    likelihood = logits.gather(-1, labels[:, None]).squeeze(-1) - logits.logsumexp(-1)
    return -likelihood.mean()


def perplexity(loss: Tensor | float) -> float:
    """The number of equally likely tokens that a loss in nats amounts to, at least 1."""
    return float(torch.as_tensor(loss).exp())
