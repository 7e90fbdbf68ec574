"""Weights in safetensors files, stored as they are or in 8 bits.

In 8 bits, a matrix ``X`` is stored as ``X_int8`` [rows, columns] and ``X_scale`` float16 [rows], and stands for the
products, rounded to bfloat16. So an export in bfloat16 is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

_INTEGERS, _SCALE = "_int8", "_scale"


def quantize(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return a weight [rows, columns] as int8 [rows, columns] and float16 scales [rows].

    >>> integers, scales = quantize(torch.tensor([[0.5, -1.27]]))
    >>> integers.tolist()
    [[50, -127]]
    """
    # A scale that is rounded down would need integers above 127.
    scales = (weight.float().abs().amax(1) / 127 * (1 + 2**-11)).half().clamp_min(2**-24)
    return (weight.float() / scales.float()[:, None]).round().clamp(-127, 127).to(torch.int8), scales


def quantized(weights: Mapping[str, Tensor], *, min_size: int = 2**16) -> dict[str, Tensor]:
    """Return weights as they are stored in 8 bits; vectors and matrices below ``min_size`` are stored in bfloat16."""
    stored: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if weight.dim() == 2 and weight.numel() >= min_size:
            stored[name + _INTEGERS], stored[name + _SCALE] = quantize(weight)
        else:
            stored[name] = weight.bfloat16()
    return stored


class StoredWeights:
    """The weights in some files, read on access. Keep the files open while it is used.

    Attributes:
        names: the names of the weights.
        are_quantized: whether some are stored in 8 bits.
    """

    def __init__(self, paths: list[Path], files: ExitStack) -> None:
        self._files: dict[str, Any] = {}
        for path in paths:
            file: Any = files.enter_context(safe_open(path, framework="pt"))
            self._files.update(dict.fromkeys(file.keys(), file))
        scales = {name for name in self._files if name.endswith(_SCALE) and self._stem(name) + _INTEGERS in self._files}
        self.are_quantized = bool(scales)
        self.names = [
            self._stem(name) if self._stem(name) + _SCALE in scales else name
            for name in self._files
            if name not in scales
        ]

    @staticmethod
    def _stem(name: str) -> str:
        return name.removesuffix(_SCALE).removesuffix(_INTEGERS)

    def shape(self, name: str) -> list[int]:
        """Return the shape of a weight."""
        stored = name if name in self._files else name + _INTEGERS
        return list(self._files[stored].get_slice(stored).get_shape())

    def __getitem__(self, name: str) -> Tensor:
        if name in self._files:
            weight: Tensor = self._files[name].get_tensor(name)
            return weight
        integers, scales = (self._files[name + end].get_tensor(name + end) for end in (_INTEGERS, _SCALE))
        stored: Tensor = integers * scales.float()[:, None]
        return stored.bfloat16()

    def items(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the name and value of each weight."""
        return ((name, self[name]) for name in self.names)


def read_quantized(paths: list[Path]) -> dict[str, Tensor] | None:
    """Return the weights in some files if they are stored in 8 bits; None if they are not, so that others can read them."""
    with ExitStack() as files:
        stored = StoredWeights(paths, files)
        return dict(stored.items()) if stored.are_quantized else None
