"""Linear layers whose weights are packed once for oneDNN, the library of torch's CPU kernels.

``server/docs/decisions.md`` contains the figures.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_PACKED_FOR_ROWS = 16
"""The number of rows that the packed layout is optimized for; any number works."""


def bucket_size(count: int) -> int:
    """Round a number of rows up, by at most an eighth if there are many, so that few sizes occur.

    oneDNN compiles a kernel for each size and keeps it.
    """
    step = 1 if count <= 4 else 4
    while count > 16 * step:
        step *= 2
    return -(-count // step) * step


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A linear layer from [..., inputs] to [..., outputs].

    Attributes:
        weight: [outputs, inputs]; on a CPU in oneDNN's own layout, because torch packs a plain weight at each call.
        bias: [outputs].
        packed: whether the weight is in oneDNN's layout.
    """

    weight: Tensor
    bias: Tensor
    packed: bool

    @classmethod
    def pack(cls, weight: Tensor, bias: Tensor) -> Linear:
        """Return a layer with its own copy of the weight [outputs, inputs], packed if the device allows."""
        if weight.device.type == "cpu" and weight.dtype in (torch.bfloat16, torch.float32):
            try:
                packed = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), _PACKED_FOR_ROWS)
                return cls(packed, bias, True)
            except (AttributeError, RuntimeError):
                pass  # torch was built without oneDNN, or renamed this undocumented function
        # On a CPU the weight can be a mapped page of the checkpoint's file, which others may write to.
        return cls(weight.clone() if weight.device.type == "cpu" else weight, bias, False)

    def __call__(self, inputs: Tensor) -> Tensor:
        """Return ``inputs @ weight.T + bias``."""
        if not self.packed:
            return functional.linear(inputs, self.weight, self.bias)
        outputs: Tensor = torch.ops.mkldnn._linear_pointwise(inputs, self.weight, self.bias, "none", [], "")
        return outputs

    def gelu(self, inputs: Tensor) -> Tensor:
        """Return the exact GELU (Hendrycks & Gimpel 2016) of the product, in one pass."""
        if not self.packed:
            return functional.gelu(self(inputs))
        outputs: Tensor = torch.ops.mkldnn._linear_pointwise(inputs, self.weight, self.bias, "gelu", [], "none")
        return outputs

    def add(self, inputs: Tensor, residual: Tensor) -> Tensor:
        """Return the product plus ``residual`` [..., outputs], in one pass."""
        if not self.packed:
            return self(inputs) + residual
        outputs: Tensor = torch.ops.mkldnn._linear_pointwise.binary(inputs, residual, self.weight, self.bias, "add")
        return outputs
