"""One forward pass with logits at all positions, the hidden states and the attention of all layers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from .encoder import BertEncoder
from .likelihood import cross_entropy
from .model import LoadedModel


@dataclass(frozen=True, slots=True, eq=False)
class ForwardOutput:
    """The output of a forward pass over ``b`` rows of ``n`` tokens; an attribute is also an item, as in transformers.

    Attributes:
        logits: [b, n, vocabulary].
        hidden_states: the embeddings' output, then each layer's, each [b, n, h]; of an encoder-decoder, its decoder's.
            A network that shortens its input in some layers (Funnel) has fewer than ``n`` positions there.
        loss: the mean cross-entropy of the labels, in nats; None without labels.
        attentions: the weights of each layer's heads, each [b, heads, n, n]; None if they were not asked for.
    """

    logits: Tensor
    hidden_states: tuple[Tensor, ...]
    loss: Tensor | None = None
    attentions: tuple[Tensor, ...] | None = None

    def __getitem__(self, name: str) -> Any:
        if name not in self.keys():
            raise KeyError(name)
        return getattr(self, name)

    def keys(self) -> list[str]:
        """Return the names of the attributes that are not None."""
        return [field.name for field in fields(self) if getattr(self, field.name) is not None]


@torch.inference_mode()
def forward(
    model: LoadedModel,
    input_ids: Tensor,
    attention_mask: Tensor | None = None,
    labels: Tensor | None = None,
    *,
    token_type_ids: Tensor | None = None,
    output_attentions: bool = False,
) -> ForwardOutput:
    """Run the whole network and keep the hidden states of all layers.

    Args:
        model: the model.
        input_ids: int64 [b, n].
        attention_mask: [b, n], 0 or False where a row is padded; None if no row is.
        labels: int64 [b, n], the ids to predict; -100 at positions to ignore.
        token_type_ids: int64 [b, n], all 0: this library reads a text as one segment.
        output_attentions: whether to compute the attention weights as well.

    Raises:
        TypeError: ``input_ids`` is not a tensor.
        ValueError: ``token_type_ids`` are not all 0.

    >>> inputs = model.tokenizer("Paris is the capital of [MASK].", return_tensors="pt")
    >>> mlm.forward(model, **inputs).logits.shape
    torch.Size([1, 9, 30522])
    """
    if not isinstance(input_ids, Tensor):
        raise TypeError(
            f"input_ids must be a tensor, not {type(input_ids).__name__}: model.tokenizer(text, return_tensors='pt') makes it"
        )
    if token_type_ids is not None and token_type_ids.any():
        raise ValueError("token_type_ids must all be 0: a text is read as one segment")
    input_ids = input_ids.to(model.device)
    if attention_mask is not None:
        attention_mask = attention_mask.to(model.device, torch.bool)
    attentions: tuple[Tensor, ...] | None = None
    if model.encoder is not None and model.head is not None:
        states = model.encoder.hidden_states(input_ids, attention_mask)
        logits = model.head.logits(states[-1])
        if output_attentions:
            attentions = _attentions(model.encoder, states, attention_mask)
    else:
        assert model.network is not None  # noqa: S101 - a model has an encoder or a network
        logits, states, attentions = model.network.forward(input_ids, attention_mask, output_attentions)
    loss = None if labels is None else cross_entropy(logits, labels.to(model.device))
    return ForwardOutput(logits, states, loss, attentions)


def _attentions(encoder: BertEncoder, states: tuple[Tensor, ...], attention_mask: Tensor | None) -> tuple[Tensor, ...]:
    """Compute the attention weights of a BERT or MPNet from the input of each layer."""
    weights = []
    bias = encoder.attention_bias(states[0].shape[1], attention_mask)
    for layer, hidden in zip(encoder.layers, states, strict=False):
        rows, length, _ = hidden.shape
        projected = layer.query_key_value(hidden).view(rows, length, 3, encoder.heads, -1)
        query, key, _ = projected.permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        if bias is not None:
            scores = scores.masked_fill(~bias, -torch.inf) if bias.dtype == torch.bool else scores + bias
        weights.append(scores.softmax(-1))
    return tuple(weights)
