"""Forward pass and loss of a BERT masked language model: no padding, last layer and head at the masks only."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, linear, scaled_dot_product_attention
from transformers import BertForMaskedLM


def masked_loss(network: BertForMaskedLM, ids: Tensor, at: Tensor, labels: Tensor) -> Tensor:
    """Return the summed cross-entropy of the labels, in nats.

    Args:
        ids: int64 [b, n], rows of one length.
        at: int64 [b, m], the positions of the masks in each row.
        labels: int64 [b, m], the original tokens there.
    """
    bert: Any = network.bert
    hidden = bert.embeddings(input_ids=ids).to(torch.get_autocast_dtype(ids.device.type))
    *layers, last = bert.encoder.layer
    heads = network.config.num_attention_heads
    for layer in layers:
        hidden = _layer(layer, hidden, heads)
    hidden = _layer(last, hidden, heads, at)
    head: Any = network.cls.predictions
    transformed = head.transform(hidden.flatten(0, 1))
    weight = head.decoder.weight.to(transformed.dtype)
    loss: Tensor = _CrossEntropy.apply(transformed, weight, head.decoder.bias.to(weight.dtype), labels.flatten())  # type: ignore[no-untyped-call]
    return loss


def _layer(layer: Any, hidden: Tensor, heads: int, at: Tensor | None = None) -> Tensor:
    rows, _, size = hidden.shape

    def split(projected: Tensor) -> Tensor:
        return projected.view(rows, -1, heads, size // heads).transpose(1, 2)

    attention = layer.attention.self
    key, value = split(attention.key(hidden)), split(attention.value(hidden))
    if at is not None:
        hidden = hidden.gather(1, at[..., None].expand(-1, -1, size))
    query = split(attention.query(hidden))
    if hidden.device.type == "cpu":  # torch's fused attention has a slow backward pass here
        scores = (query * (size // heads) ** -0.5) @ key.transpose(-1, -2)
        attended = scores.softmax(-1, dtype=query.dtype) @ value
    else:
        attended = scaled_dot_product_attention(query, key, value)
    attended = attended.transpose(1, 2).reshape(rows, -1, size)
    hidden = layer.attention.output.LayerNorm(layer.attention.output.dense(attended) + hidden)
    intermediate = gelu(layer.intermediate.dense(hidden))
    normed: Tensor = layer.output.LayerNorm(layer.output.dense(intermediate) + hidden)
    return normed


class _CrossEntropy(torch.autograd.Function):
    """Decoder, softmax and loss in one: computes the gradient in the forward pass, so it reads the logits once."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, labels: Tensor) -> Tensor:
        probabilities = linear(hidden, weight, bias).softmax(-1, dtype=torch.float32)
        at = labels[:, None]
        loss = -probabilities.gather(1, at).clamp_min(1e-30).log().sum()
        gradient = probabilities.scatter_add_(1, at, torch.full_like(at, -1, dtype=torch.float32)).to(weight.dtype)
        ctx.save_for_backward(gradient @ weight, gradient.T @ hidden, gradient.sum(0, dtype=torch.float32))
        return loss

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        hidden, weight, bias = ctx.saved_tensors
        return hidden * scale, weight * scale, bias * scale, None
