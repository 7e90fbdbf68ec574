"""The relative position bias of MPNet's attention, which T5 introduced (Raffel et al. 2020, Song et al. 2020)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_FAR = 128
"""From this distance on, all tokens share a bucket."""


def bias_by_distance(table: Tensor, positions: int) -> Tensor:
    """Return the bias of each head for each distance, [heads, 2 * positions - 1].

    Args:
        table: [buckets, heads]; one half of the buckets is for tokens before, the other for tokens after.
        positions: the number of positions; the first column is for the distance ``1 - positions``.
    """
    distances = torch.arange(1 - positions, positions, device=table.device)
    half = len(table) // 2
    exact = half // 2  # near tokens have a bucket for each distance
    far = distances.abs().clamp_min(1)
    scale = math.log(_FAR / exact)
    logarithmic = exact + (torch.log(far / exact) / scale * (half - exact)).to(torch.int64)
    buckets = torch.where(distances.abs() < exact, distances.abs(), logarithmic.clamp(max=half - 1))
    return table[buckets + half * (distances > 0)].T.contiguous()


def bias_between(by_distance: Tensor, length: int) -> Tensor:
    """Return what is added to the attention scores of ``n`` tokens, [heads, n, n]: queries, then keys.

    Args:
        by_distance: as :func:`bias_by_distance` returns it, for at least ``n`` positions.
        length: ``n``.
    """
    middle = by_distance.shape[1] // 2
    near = by_distance[:, middle - length + 1 : middle + length]
    return near.unfold(1, length, 1).flip(1)
