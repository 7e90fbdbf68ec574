"""BERT's masked-language-model head: a transform, then the decoder (Devlin et al. 2019, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from .linear import Linear


@dataclass(frozen=True, slots=True, eq=False)
class MLMHead:
    """The head of a BERT with ``h`` wide hidden states.

    Attributes:
        dense: the dense layer with its activation.
        norm: the layer norm.
        decoder: its weight is a copy of the token embeddings, packed.
    """

    dense: Callable[[Tensor], Tensor]
    norm: Callable[[Tensor], Tensor]
    decoder: Linear

    def transform(self, hidden: Tensor) -> Tensor:
        """Apply the dense layer, activation and layer norm: [..., h] to [..., h]."""
        return self.norm(self.dense(hidden))

    def logits(self, hidden: Tensor) -> Tensor:
        """Turn last hidden states [..., h] into logits [..., vocabulary]."""
        return self.decoder(self.transform(hidden))
