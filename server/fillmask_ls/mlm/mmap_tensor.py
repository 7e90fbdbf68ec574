"""Tensors that are kept long."""

from __future__ import annotations

import mmap
import sys

import torch
from torch import Tensor


def on_own_pages(tensor: Tensor) -> Tensor:
    """A copy of a tensor of any shape but an empty one, on the CPU, in memory that goes back to the system with it.

    On the heap, what outlives a forward by seconds would leave holes that hold none of the next forward's tensors.
    """
    if sys.platform == "win32":
        pages = mmap.mmap(-1, tensor.nbytes)
    else:
        pages = mmap.mmap(-1, tensor.nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return torch.frombuffer(pages, dtype=tensor.dtype).view(tensor.shape).copy_(tensor)
