"""BERT's encoder by hand (Devlin et al. 2019, section 3): the network's arithmetic without its bookkeeping.

On a short text the bookkeeping of transformers' modules costs as much as a third of the time. Behind the last layer's
attention only the positions that were asked for go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import embedding, pad, scaled_dot_product_attention

from .linear import Linear, bucket_size


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One layer; ``query_key_value`` are the three projections in one, [..., h] to [..., 3h]."""

    query_key_value: Linear
    attended: Linear
    attended_norm: Callable[[Tensor], Tensor]
    intermediate: Callable[[Tensor], Tensor]
    output: Linear
    output_norm: Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class BertEncoder:
    """The embeddings and layers of a BERT with ``h`` wide hidden states.

    Attributes:
        words: the embeddings of the tokens, [vocabulary, h].
        positions: those of the positions, [positions, h].
        segment: that of the first of the two segments that BERT was trained with, [h]; a text is of one.
    """

    words: Tensor
    positions: Tensor
    segment: Tensor
    norm: Callable[[Tensor], Tensor]
    layers: tuple[Layer, ...]
    heads: int

    def last_hidden_state(
        self,
        ids: Tensor,
        asked: Tensor,
        present: Tensor | None = None,
        yield_point: Callable[[], None] = lambda: None,
    ) -> Tensor:
        """The last layer's output [m, h] at the ``m`` positions that are asked for.

        Args:
            ids: int64 [b, n].
            asked: int64 [m], each ``row * n + position``.
            present: bool [b, n], false where a row is padded; None when no row is.
            yield_point: called behind each layer but the last.
        """
        hidden = self._embedded(ids)
        for layer in self.layers[:-1]:
            hidden = self._through(layer, hidden, ids.shape, present)
            yield_point()
        return self._through(self.layers[-1], hidden, ids.shape, present, asked)

    def hidden_states(self, ids: Tensor, present: Tensor | None = None) -> tuple[Tensor, ...]:
        """The embeddings' output, then each layer's, each [b, n, h]; arguments as above."""
        states = [self._embedded(ids)]
        for layer in self.layers:
            states.append(self._through(layer, states[-1], ids.shape, present))
        return tuple(state[: ids.numel()].view(*ids.shape, -1) for state in states)

    def _embedded(self, ids: Tensor) -> Tensor:
        """The embeddings' output [b * n or more, h]."""
        embedded = embedding(ids, self.words) + self.segment + self.positions[: ids.shape[1]]
        return _padded(self.norm(embedded).flatten(0, 1), bucket_size(ids.numel()))

    def _through(
        self, layer: Layer, hidden: Tensor, shape: Sequence[int], present: Tensor | None, asked: Tensor | None = None
    ) -> Tensor:
        """The layer's output: as many as ``hidden``, of which the first are those of ``shape`` [b, n]; or as ``asked``."""
        rows, length = shape
        projected = layer.query_key_value(hidden)[: rows * length].view(rows, length, 3, self.heads, -1)
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        allowed = None if present is None else present[:, None, None, :]
        attention = scaled_dot_product_attention(query, key, value, allowed)
        attention = attention.transpose(1, 2).reshape(rows * length, -1)
        if asked is None:
            attention = _padded(attention, len(hidden))
        else:
            attention, hidden = attention[asked], hidden[asked]
        hidden = layer.attended_norm(layer.attended.plus(attention, hidden))
        return layer.output_norm(layer.output.plus(layer.intermediate(hidden), hidden))


def _padded(states: Tensor, count: int) -> Tensor:
    """Hidden states [m, h] with zeros behind them, so that there are ``count``."""
    return pad(states, (0, 0, 0, count - len(states))) if count > len(states) else states
