"""BERT's and MPNet's encoder (Devlin et al. 2019, section 3), without the bookkeeping of transformers' modules.

After the last layer's attention, only the positions to predict continue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding, pad, scaled_dot_product_attention

from .linear import Linear, bucket_size
from .relative_positions import bias_between


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One layer of the encoder.

    Attributes:
        query_key_value: the three projections in one, [..., h] to [..., 3h].
        attention_output: [..., h] to [..., h].
        attention_norm: a layer norm.
        intermediate: a linear layer with its activation, [..., h] to [..., 4h].
        output: [..., 4h] to [..., h].
        output_norm: a layer norm.
    """

    query_key_value: Linear
    attention_output: Linear
    attention_norm: Callable[[Tensor], Tensor]
    intermediate: Callable[[Tensor], Tensor]
    output: Linear
    output_norm: Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class BertEncoder:
    """The embeddings and layers of a BERT or MPNet with ``h`` wide hidden states.

    Attributes:
        word_embeddings: [vocabulary, h].
        position_embeddings: [positions, h].
        segment_embedding: of the first of the two segments that BERT was trained with, [h].
        norm: the layer norm of the embeddings.
        layers: in the order in which they are computed.
        heads: the number of attention heads.
        position_bias: MPNet's bias of each head by distance, [heads, 2 * positions - 1]; None for a BERT.
        padding_id: the token that MPNet doesn't count in positions, which begin at the row after it; -1 for a BERT.
    """

    word_embeddings: Tensor
    position_embeddings: Tensor
    segment_embedding: Tensor
    norm: Callable[[Tensor], Tensor]
    layers: tuple[Layer, ...]
    heads: int
    position_bias: Tensor | None = None
    padding_id: int = -1

    @property
    def max_positions(self) -> int:
        """The number of tokens that have a position."""
        return len(self.position_embeddings) - (self.padding_id + 1)

    def last_hidden_state(
        self,
        input_ids: Tensor,
        positions: Tensor,
        attention_mask: Tensor | None = None,
        yield_point: Callable[[], None] = lambda: None,
    ) -> Tensor:
        """Compute the last layer's output at some positions.

        Args:
            input_ids: int64 [b, n].
            positions: int64 [m], each ``row * n + position``.
            attention_mask: bool [b, n], False where a row is padded; None if no row is.
            yield_point: called after each layer but the last.

        Returns:
            Hidden states [m, h].
        """
        hidden = self._embed(input_ids)
        attention_bias = self.attention_bias(input_ids.shape[1], attention_mask)
        for layer in self.layers[:-1]:
            hidden = self._apply(layer, hidden, input_ids.shape, attention_bias)
            yield_point()
        return self._apply(self.layers[-1], hidden, input_ids.shape, attention_bias, positions)

    def hidden_states(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> tuple[Tensor, ...]:
        """Compute the embeddings' output, then each layer's, each [b, n, h]; arguments as above."""
        states = [self._embed(input_ids)]
        attention_bias = self.attention_bias(input_ids.shape[1], attention_mask)
        for layer in self.layers:
            states.append(self._apply(layer, states[-1], input_ids.shape, attention_bias))
        return tuple(state[: input_ids.numel()].view(*input_ids.shape, -1) for state in states)

    def attention_bias(self, length: int, attention_mask: Tensor | None) -> Tensor | None:
        """Return what torch's attention takes as its mask, for scores [b, heads, n, n]; None if nothing is masked.

        Args:
            length: ``n``.
            attention_mask: bool [b, n], False where a row is padded; None if no row is.
        """
        allowed = None if attention_mask is None else attention_mask[:, None, None, :]
        if self.position_bias is None:
            return allowed
        bias = bias_between(self.position_bias, length)[None]
        return bias if allowed is None else bias.masked_fill(~allowed, -torch.inf)

    def _embed(self, input_ids: Tensor) -> Tensor:
        """Return the embeddings' output [bucket_size(b * n), h]."""
        words = embedding(input_ids, self.word_embeddings)
        embedded = words + self.segment_embedding + self._positions(input_ids)
        return _pad_rows(self.norm(embedded).flatten(0, 1), bucket_size(input_ids.numel()))

    def _positions(self, input_ids: Tensor) -> Tensor:
        """Return the position embeddings of rows, [n, h] or [b, n, h]."""
        if self.padding_id < 0:
            return self.position_embeddings[: input_ids.shape[1]]
        counted = input_ids != self.padding_id
        return embedding(self.padding_id + counted.cumsum(1) * counted, self.position_embeddings)

    def _apply(
        self,
        layer: Layer,
        hidden: Tensor,
        shape: torch.Size,
        attention_bias: Tensor | None,
        positions: Tensor | None = None,
    ) -> Tensor:
        """Apply a layer to ``hidden``, whose first rows are those of ``shape`` [b, n].

        Returns:
            As many rows as ``hidden``, or one for each of ``positions``.
        """
        rows, length = shape
        projected = layer.query_key_value(hidden)[: rows * length].view(rows, length, 3, self.heads, -1)
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        attention = scaled_dot_product_attention(query, key, value, attention_bias)
        attention = attention.transpose(1, 2).reshape(rows * length, -1)
        if positions is None:
            attention = _pad_rows(attention, len(hidden))
        else:
            attention, hidden = attention[positions], hidden[positions]
        hidden = layer.attention_norm(layer.attention_output.add(attention, hidden))
        return layer.output_norm(layer.output.add(layer.intermediate(hidden), hidden))


def _pad_rows(states: Tensor, count: int) -> Tensor:
    """Append rows of zeros to hidden states [m, h] until there are ``count``."""
    return pad(states, (0, 0, 0, count - len(states))) if count > len(states) else states
