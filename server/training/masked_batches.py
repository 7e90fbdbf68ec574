"""Rows in batches, masked; a recipe determines them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .recipe import Recipe
from .rows import Rows, batches

MaskedBatch = tuple[Tensor, Tensor, Tensor]
"""Masked ids [b, n], positions of the masks [b, m] and the original ids there [b, m]."""


def masked(
    rows: NDArray[np.int64],
    rate: float,
    mask_id: int,
    chance: np.random.Generator,
    unfinished: NDArray[np.bool_] | None = None,
) -> MaskedBatch:
    """Mask a share of each row, except its first and last token; at least one token per row.

    Args:
        rows: [b, n], rows of one length.
        rate: the share, 0 to 1.
        unfinished: bool [b], rows whose last text token is always masked.
    """
    b, n = rows.shape
    count = max(1, round(rate * (n - 2)))
    order = chance.random((b, n - 2))
    if unfinished is not None:
        order[unfinished, -1] = -1
    at = torch.from_numpy(np.sort(order.argsort(1)[:, :count], 1) + 1)
    ids = torch.from_numpy(rows)
    return ids.scatter(1, at, mask_id), at, ids.gather(1, at)


def training_batches(rows: Rows, recipe: Recipe, mask_id: int, done: int = 0, tokens: int = 0) -> Iterator[MaskedBatch]:
    """Yield the masked batches of a run; a recipe and rows determine them.

    Args:
        done: the number of batches to skip.
        tokens: the number of tokens in them.
    """
    first, last = recipe.rate
    chosen = batches(rows, recipe.batch, recipe.seed, recipe.repeats)
    for number, batch in enumerate(islice(chosen, done, None), done):
        rate = first + (last - first) * min(1.0, tokens / recipe.tokens)
        chance = np.random.default_rng((recipe.seed, number))
        yield masked(rows.of_one_length(batch), rate, mask_id, chance, rows.unfinished[batch])
        tokens += int(rows.lengths[batch].sum())
