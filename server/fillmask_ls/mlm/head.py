"""BERT's masked-language-model head by hand: transform, then decoder (Devlin et al. 2019, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn
from transformers import BertForMaskedLM, PreTrainedModel

from .encoder import activated
from .linear import Linear


@dataclass(frozen=True, slots=True, eq=False)
class MLMHead:
    """The head of a BERT network with ``h`` wide hidden states and ``v`` tokens.

    ``dense`` is the dense layer with its activation; ``decoder`` has the word embeddings for a weight, laid out anew.
    """

    dense: Callable[[Tensor], Tensor]
    norm: nn.LayerNorm
    decoder: Linear

    @classmethod
    def of(cls, network: PreTrainedModel) -> MLMHead | None:
        """The head of a BERT network; None for another architecture."""
        if not isinstance(network, BertForMaskedLM):
            return None
        predictions = network.cls.predictions
        transform = predictions.transform
        return cls(
            dense=activated(Linear.of(transform.dense.weight, transform.dense.bias), transform.transform_act_fn),
            norm=transform.LayerNorm,
            decoder=Linear.of(predictions.decoder.weight, predictions.decoder.bias),
        )

    def transform(self, hidden: Tensor) -> Tensor:
        """Dense layer, activation and layer norm: [..., h] to [..., h]."""
        normed: Tensor = self.norm(self.dense(hidden))
        return normed

    def logits(self, hidden: Tensor) -> Tensor:
        """Last hidden states [..., h] to logits [..., v]: the likeness to each word embedding, plus the bias."""
        return self.decoder(self.transform(hidden))
