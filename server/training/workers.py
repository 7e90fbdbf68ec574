"""Losses and gradients of several batches in parallel."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import islice

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from fillmask_ls.mlm.loading import native_dtype

from .masked_batches import MaskedBatch, training_batches
from .network import Network, mask_logits, masked_loss, soft_loss, trained_weights
from .recipe import BATCHES, Recipe
from .rows import Rows
from .student import Teacher


class Workers:
    """Compute the batches of a step in parallel.

    On a CPU, one batch a thread is a tenth faster than all threads on each batch in turn.
    """

    def __init__(self, network: Network, teacher: Teacher | None = None) -> None:
        self._network, self._teacher = network, teacher
        self._weights = list(trained_weights(network).values())
        self._pool = ThreadPoolExecutor(BATCHES if network.device.type == "cpu" else 1, initializer=self._share)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def validate(self, batches: Iterable[MaskedBatch]) -> tuple[float, float]:
        """Return the mean loss over all masks of the batches, in nats, and the top-1 accuracy, 0 to 1."""
        losses, right, masks = zip(*self._pool.map(self._validate, batches), strict=True)
        return sum(losses) / sum(masks), sum(right) / sum(masks)

    def gradients(self, batches: Sequence[MaskedBatch]) -> tuple[float, list[Tensor]]:
        """Return the mean loss over all masks of the batches, in nats, and its gradient by each weight."""
        masks = sum(labels.numel() for *_, labels in batches)
        total = 0.0
        summed: list[Tensor] = []
        for loss, gradients in self._pool.map(partial(self._gradients, masks=masks), batches):
            total += loss
            if summed:
                torch._foreach_add_(summed, gradients)
            else:
                summed = gradients
        return total, summed

    @staticmethod
    def _share() -> None:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // BATCHES))

    @torch.no_grad()
    def _validate(self, batch: MaskedBatch) -> tuple[float, int, int]:
        ids, at, labels = self._to_device(batch)
        with self._autocast():
            logits = mask_logits(self._network, ids, at).float()
        labels = labels.flatten()
        right = (logits.argmax(-1) == labels).sum()
        return float(cross_entropy(logits, labels, reduction="sum")), int(right), len(labels)

    def _gradients(self, batch: MaskedBatch, masks: int) -> tuple[float, list[Tensor]]:
        ids, at, labels = self._to_device(batch)
        with self._autocast():
            if self._teacher is None:
                loss = masked_loss(self._network, ids, at, labels)
            else:
                targets = self._teacher.targets(ids, at, labels)
                loss = soft_loss(self._network, ids, at, targets.probabilities, targets.states, targets.weight)
        loss = loss / masks
        return float(loss.detach()), list(torch.autograd.grad(loss, self._weights))

    def _to_device(self, batch: MaskedBatch) -> MaskedBatch:
        ids, at, labels = (part.to(self._network.device) for part in batch)
        return ids, at, labels

    def _autocast(self) -> torch.autocast:
        device = self._network.device
        return torch.autocast(device.type, torch.bfloat16, enabled=native_dtype(device) == torch.bfloat16)


def validate(workers: Workers, rows: Rows, mask_id: int, batch: int, max_batches: int = 16) -> tuple[float, float]:
    """Return the mean loss, in nats, and the top-1 accuracy over 15 % of the tokens, always the same ones.

    Args:
        batch: maximum tokens of a batch.
    """
    recipe = Recipe("", 1, batch=batch, rate=(0.15, 0.15), seed=0)
    return workers.validate(islice(training_batches(rows, recipe, mask_id), max_batches))


def keep_memory() -> None:
    """Make glibc keep freed memory: mapping it again at each step takes a tenth of the time."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            mallopt = ctypes.CDLL(None).mallopt
            trim_threshold, top_pad, mmap_max, arena_max = -1, -2, -4, -8
            mallopt(trim_threshold, 2**31 - 1)
            mallopt(top_pad, 200_000_000)
            mallopt(mmap_max, 0)
            mallopt(arena_max, 1)
