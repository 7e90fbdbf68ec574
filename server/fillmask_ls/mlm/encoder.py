"""BERT's encoder by hand (Devlin et al. 2019, section 3): the network's arithmetic without its bookkeeping.

On a short text the bookkeeping of transformers' modules costs as much as a third of the time. Behind the last layer's
attention only the positions that were asked for go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import BertForMaskedLM, PreTrainedModel

from .linear import Linear


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """One layer; ``query_key_value`` are the three projections in one, [..., h] to [..., 3h]."""

    query_key_value: Linear
    attended: Linear
    attended_norm: nn.LayerNorm
    intermediate: Callable[[Tensor], Tensor]
    output: Linear
    output_norm: nn.LayerNorm


@dataclass(frozen=True, slots=True, eq=False)
class BertEncoder:
    """The embeddings and layers of a BERT network with ``h`` wide hidden states."""

    embeddings: nn.Module
    layers: tuple[_Layer, ...]
    heads: int

    @classmethod
    def of(cls, network: PreTrainedModel) -> BertEncoder | None:
        """The encoder of a BERT network; None for another architecture."""
        if not isinstance(network, BertForMaskedLM):
            return None
        bert: Any = network.bert
        layers = tuple(_layer(layer) for layer in bert.encoder.layer)
        return cls(bert.embeddings, layers, network.config.num_attention_heads)

    def last_hidden_state(self, ids: Tensor, asked: Tensor, present: Tensor | None = None) -> Tensor:
        """The last layer's output [m, h] at the ``m`` positions that are asked for.

        Args:
            ids: int64 [b, n].
            asked: int64 [m], each ``row * n + position``.
            present: bool [b, n], false where a row is padded; None when no row is.
        """
        hidden: Tensor = self.embeddings(input_ids=ids)
        rows, length, size = hidden.shape
        allowed = None if present is None else present[:, None, None, :]
        for layer in self.layers:
            projected = layer.query_key_value(hidden).view(rows, length, 3, self.heads, size // self.heads)
            query, key, value = projected.permute(2, 0, 3, 1, 4)
            attention = scaled_dot_product_attention(query, key, value, allowed)
            attention = attention.transpose(1, 2).reshape(rows, length, size)
            if layer is self.layers[-1]:
                attention, hidden = attention.flatten(0, 1)[asked], hidden.flatten(0, 1)[asked]
            hidden = layer.attended_norm(layer.attended.plus(attention, hidden))
            hidden = layer.output_norm(layer.output.plus(layer.intermediate(hidden), hidden))
        return hidden


def activated(linear: Linear, activation: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """``activation`` of the linear layer, in one pass where it is BERT's own."""
    exact_gelu = isinstance(activation, nn.GELU) or type(activation).__name__ == "GELUActivation"
    return linear.gelu if exact_gelu else lambda inputs: activation(linear(inputs))


def _layer(layer: Any) -> _Layer:
    attention = layer.attention
    parts = (attention.self.query, attention.self.key, attention.self.value)
    return _Layer(
        query_key_value=Linear.of(torch.cat([part.weight for part in parts]), torch.cat([part.bias for part in parts])),
        attended=Linear.of(attention.output.dense.weight, attention.output.dense.bias),
        attended_norm=attention.output.LayerNorm,
        intermediate=activated(
            Linear.of(layer.intermediate.dense.weight, layer.intermediate.dense.bias),
            layer.intermediate.intermediate_act_fn,
        ),
        output=Linear.of(layer.output.dense.weight, layer.output.dense.bias),
        output_norm=layer.output.LayerNorm,
    )
