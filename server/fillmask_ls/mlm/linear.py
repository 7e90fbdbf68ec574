"""A linear layer for repeated use: its weights are laid out once as the processor's matrix unit wants them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_ROWS = 16
"""For how many rows the packed layout is best; any number works."""


def bucket_size(count: int) -> int:
    """``count`` rows or some more, of many at most an eighth, so that there are few sizes of products.

    oneDNN compiles each anew, which takes half a millisecond and 0.6 MB, and keeps what it compiled.
    """
    step = 1 if count <= 4 else 4
    while count > 16 * step:
        step *= 2
    return -(-count // step) * step


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A weight [outputs, inputs] and a bias [outputs]; the product of [..., inputs] is [..., outputs].

    On a CPU the weight is ``packed``, in oneDNN's own layout: torch lays a plain bfloat16 weight out anew at
    each call, which takes as long as the product itself on a short text, and in float32 oneDNN's product is up to twice
    as fast as torch's own. What follows the product is done in the same pass.
    """

    weight: Tensor
    bias: Tensor
    packed: bool

    @classmethod
    def of(cls, weight: Tensor, bias: Tensor) -> Linear:
        if weight.device.type == "cpu" and weight.dtype in (torch.bfloat16, torch.float32):
            try:
                return cls(torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), _ROWS), bias, True)
            except (
                AttributeError,
                RuntimeError,
            ):  # a torch without oneDNN, or one that renamed what it doesn't document
                pass
        # On a CPU it may still be a page of the checkpoint's file, which others may write to.
        return cls(weight.clone() if weight.device.type == "cpu" else weight, bias, False)

    def __call__(self, inputs: Tensor) -> Tensor:
        if not self.packed:
            return functional.linear(inputs, self.weight, self.bias)
        outputs: Tensor = torch.ops.mkldnn._linear_pointwise(inputs, self.weight, self.bias, "none", [], "")
        return outputs

    def gelu(self, inputs: Tensor) -> Tensor:
        """The exact GELU (Hendrycks & Gimpel 2016) of the product."""
        if not self.packed:
            return functional.gelu(self(inputs))
        outputs: Tensor = torch.ops.mkldnn._linear_pointwise(inputs, self.weight, self.bias, "gelu", [], "none")
        return outputs

    def plus(self, inputs: Tensor, other: Tensor) -> Tensor:
        """The product plus ``other``, of the product's shape."""
        if not self.packed:
            return self(inputs) + other
        outputs: Tensor = torch.ops.mkldnn._linear_pointwise.binary(inputs, other, self.weight, self.bias, "add")
        return outputs
