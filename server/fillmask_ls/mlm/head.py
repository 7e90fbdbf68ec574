"""BERT's masked-language-model head by hand: transform, then decoder (Devlin et al. 2019, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from .linear import Linear


@dataclass(frozen=True, slots=True, eq=False)
class MLMHead:
    """The head of a BERT network with ``h`` wide hidden states and ``v`` tokens.

    ``dense`` is the dense layer with its activation; ``decoder`` has the word embeddings for a weight, laid out anew.
    """

    dense: Callable[[Tensor], Tensor]
    norm: Callable[[Tensor], Tensor]
    decoder: Linear

    def transform(self, hidden: Tensor) -> Tensor:
        """Dense layer, activation and layer norm: [..., h] to [..., h]."""
        return self.norm(self.dense(hidden))

    def logits(self, hidden: Tensor) -> Tensor:
        """Last hidden states [..., h] to logits [..., v]: the likeness to each word embedding, plus the bias."""
        return self.decoder(self.transform(hidden))
