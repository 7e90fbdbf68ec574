"""BERT's masked-language-model head by hand: transform, then decoder (Devlin et al. 2019, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from transformers import BertForMaskedLM, PreTrainedModel


@dataclass(frozen=True, slots=True, eq=False)
class MLMHead:
    """The weights of the head, shared with the network that they were taken from.

    With hidden size ``h`` and vocabulary size ``v``: ``dense_weight`` [h, h], ``dense_bias``, ``norm_weight`` and
    ``norm_bias`` [h], ``decoder_weight`` [v, h] (tied: the word embeddings), ``decoder_bias`` [v].
    """

    dense_weight: Tensor
    dense_bias: Tensor
    activation: Callable[[Tensor], Tensor]
    norm_weight: Tensor
    norm_bias: Tensor
    norm_eps: float
    decoder_weight: Tensor
    decoder_bias: Tensor

    @classmethod
    def of(cls, network: PreTrainedModel) -> MLMHead | None:
        """The head of a BERT network; None for another architecture."""
        if not isinstance(network, BertForMaskedLM):
            return None
        predictions = network.cls.predictions
        transform = predictions.transform
        return cls(
            dense_weight=transform.dense.weight,
            dense_bias=transform.dense.bias,
            activation=transform.transform_act_fn,
            norm_weight=transform.LayerNorm.weight,
            norm_bias=transform.LayerNorm.bias,
            norm_eps=transform.LayerNorm.eps,
            decoder_weight=predictions.decoder.weight,
            decoder_bias=predictions.decoder.bias,
        )

    def transform(self, hidden: Tensor) -> Tensor:
        """Dense layer, activation and layer norm: [..., h] to [..., h]."""
        hidden = self.activation(functional.linear(hidden, self.dense_weight, self.dense_bias))
        return torch.layer_norm(hidden, (hidden.shape[-1],), self.norm_weight, self.norm_bias, self.norm_eps)

    def decode(self, transformed: Tensor) -> Tensor:
        """Similarity with every word embedding, plus the bias: [..., h] to logits [..., v]."""
        return functional.linear(transformed, self.decoder_weight, self.decoder_bias)

    def logits(self, hidden: Tensor) -> Tensor:
        """Last hidden states [..., h] to logits [..., v]."""
        return self.decode(self.transform(hidden))
