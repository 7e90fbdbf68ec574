"""One forward pass with logits at all positions and the hidden states of all layers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .model import MaskedLM


@dataclass(frozen=True, slots=True, eq=False)
class ForwardOutput:
    """The output of a forward pass over ``b`` rows of ``n`` tokens.

    Attributes:
        logits: [b, n, vocabulary].
        hidden_states: the embeddings' output, then each layer's, each [b, n, h].
    """

    logits: Tensor
    hidden_states: tuple[Tensor, ...]


@torch.inference_mode()
def forward(model: MaskedLM, input_ids: Tensor, attention_mask: Tensor | None = None) -> ForwardOutput:
    """Run the whole network and keep the hidden states of all layers.

    Args:
        model: the model.
        input_ids: int64 [b, n].
        attention_mask: bool [b, n], False where a row is padded; None if no row is.

    >>> input_ids = torch.tensor([model.tokenizer.encode("Paris is the capital of [MASK].").ids])
    >>> mlm.forward(model, input_ids).logits.shape
    torch.Size([1, 9, 30522])
    """
    input_ids = input_ids.to(model.device)
    if attention_mask is not None:
        attention_mask = attention_mask.to(model.device, torch.bool)
    if model.encoder is not None and model.head is not None:
        states = model.encoder.hidden_states(input_ids, attention_mask)
        return ForwardOutput(model.head.logits(states[-1]), states)
    assert model.network is not None  # noqa: S101 - a model has an encoder or a network
    output = model.network(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True)
    return ForwardOutput(output.logits, output.hidden_states)
