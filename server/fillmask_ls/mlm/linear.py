"""A linear layer for repeated use: its weights are laid out once as the processor's matrix unit wants them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_ROWS = 16
"""For how many rows the packed layout is best; any number works."""


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A weight [outputs, inputs] and a bias [outputs]; the product of [..., inputs] is [..., outputs].

    In bfloat16 on a CPU, torch lays a plain weight out anew at each call, which takes as long as the product itself on
    a short text; there, ``packed`` is a copy in oneDNN's own layout. What follows the product is done in the same pass.
    """

    weight: Tensor
    bias: Tensor
    packed: Tensor | None

    @classmethod
    def of(cls, weight: Tensor, bias: Tensor) -> Linear:
        packed = None
        if weight.device.type == "cpu" and weight.dtype is torch.bfloat16:
            try:
                packed = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), _ROWS)
            except (
                AttributeError,
                RuntimeError,
            ):  # a torch without oneDNN, or one that renamed what it doesn't document
                packed = None
        return cls(weight, bias, packed)

    def __call__(self, inputs: Tensor) -> Tensor:
        if self.packed is None:
            return functional.linear(inputs, self.weight, self.bias)
        outputs: Tensor = torch.ops.mkldnn._linear_pointwise(inputs, self.packed, self.bias, "none", [], "")
        return outputs

    def gelu(self, inputs: Tensor) -> Tensor:
        """The exact GELU (Hendrycks & Gimpel 2016) of the product."""
        if self.packed is None:
            return functional.gelu(self(inputs))
        outputs: Tensor = torch.ops.mkldnn._linear_pointwise(inputs, self.packed, self.bias, "gelu", [], "none")
        return outputs

    def plus(self, inputs: Tensor, other: Tensor) -> Tensor:
        """The product plus ``other``, of the product's shape."""
        if self.packed is None:
            return self(inputs) + other
        outputs: Tensor = torch.ops.mkldnn._linear_pointwise.binary(inputs, other, self.packed, self.bias, "add")
        return outputs
