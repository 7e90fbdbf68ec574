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
        """The encoder of a BERT network, which loses its layers to it; None for another architecture."""
        if not isinstance(network, BertForMaskedLM):
            return None
        _take_from_file(network)
        bert: Any = network.bert
        layers = []
        while bert.encoder.layer:  # one by one: at no time are there two copies of all weights
            layers.append(_layer(bert.encoder.layer[0]))
            del bert.encoder.layer[0]
        return cls(bert.embeddings, tuple(layers), network.config.num_attention_heads)

    def last_hidden_state(self, ids: Tensor, asked: Tensor, present: Tensor | None = None) -> Tensor:
        """The last layer's output [m, h] at the ``m`` positions that are asked for.

        Args:
            ids: int64 [b, n].
            asked: int64 [m], each ``row * n + position``.
            present: bool [b, n], false where a row is padded; None when no row is.
        """
        hidden: Tensor = self.embeddings(input_ids=ids)
        for layer in self.layers[:-1]:
            hidden = self._through(layer, hidden, present)
        return self._through(self.layers[-1], hidden, present, asked)

    def hidden_states(self, ids: Tensor, present: Tensor | None = None) -> tuple[Tensor, ...]:
        """The embeddings' output, then each layer's, each [b, n, h]; arguments as above."""
        states: list[Tensor] = [self.embeddings(input_ids=ids)]
        for layer in self.layers:
            states.append(self._through(layer, states[-1], present))
        return tuple(states)

    def _through(self, layer: _Layer, hidden: Tensor, present: Tensor | None, asked: Tensor | None = None) -> Tensor:
        rows, length, size = hidden.shape
        projected = layer.query_key_value(hidden).view(rows, length, 3, self.heads, size // self.heads)
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        allowed = None if present is None else present[:, None, None, :]
        attention = scaled_dot_product_attention(query, key, value, allowed)
        attention = attention.transpose(1, 2).reshape(rows, length, size)
        if asked is not None:
            attention, hidden = attention.flatten(0, 1)[asked], hidden.flatten(0, 1)[asked]
        hidden = layer.attended_norm(layer.attended.plus(attention, hidden))
        normed: Tensor = layer.output_norm(layer.output.plus(layer.intermediate(hidden), hidden))
        return normed


def _take_from_file(network: nn.Module) -> None:
    """Copy what is not packed out of the checkpoint's file: one tensor of it keeps the whole file in memory."""
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if not (isinstance(module, nn.Linear) and name == "weight"):
                parameter.data = parameter.data.clone()


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
