"""Run the generators of many texts together: rows of similar length share a forward pass, whatever text they are of."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic

import torch
from torch import Tensor

from .forward_steps import MAX_TOKENS_PER_STEP, Finished, ForwardStep, ForwardSteps, T, advance, logits, split_steps
from .model import LoadedModel

_MAX_OPEN = 256
"""The most texts that are open at once. A text keeps the distributions at its masks, 0.12 MB each, while it is open."""
_TOKENS_AHEAD = 8
"""Texts are read ahead until their steps have so many times the tokens of a batch, to find rows of similar length."""
_MAX_POSITIONS = 64
"""The most positions to predict in a batch. Their logits take 0.12 MB each; blocks of tens of megabytes between small
ones would fragment the heap, which then grows with the number of texts."""


@dataclass(slots=True, eq=False)
class _Open(Generic[T]):
    """A generator and its next step, or its result."""

    steps: ForwardSteps[T]
    state: ForwardStep | Finished[T]

    @property
    def tokens(self) -> int:
        """The number of tokens of the next step."""
        return sum(map(len, self.state.rows)) if isinstance(self.state, ForwardStep) else 0

    def send(self, logits: Tensor) -> None:
        self.state = advance(self.steps, logits)


def run_many(
    model: LoadedModel, generators: Iterable[ForwardSteps[T]], *, batch_tokens: int = MAX_TOKENS_PER_STEP
) -> Iterator[T]:
    """Run generators together and yield their results in order.

    Generators are taken when they are needed, so they can be endless; memory is bounded.

    Args:
        model: the model.
        generators: one for each text.
        batch_tokens: the most tokens in a forward pass, padding included; a single row can have more.

    Raises:
        ValueError: ``batch_tokens`` is below 1.
    """
    if batch_tokens < 1:
        raise ValueError(f"batch_tokens must be at least 1, not {batch_tokens}")
    source = iter(generators)
    opened: deque[_Open[T]] = deque()
    exhausted = False
    while True:
        tokens = sum(each.tokens for each in opened)
        while not exhausted and len(opened) < _MAX_OPEN and tokens < _TOKENS_AHEAD * batch_tokens:
            steps = next(source, None)
            if steps is None:
                exhausted = True
                break
            steps = split_steps(steps, batch_tokens)
            with torch.inference_mode():
                opened.append(_Open(steps, advance(steps, None)))
            tokens += opened[-1].tokens
        while opened and isinstance(opened[0].state, Finished):
            yield opened.popleft().state.result  # type: ignore[union-attr]
        if not opened:
            if exhausted:
                return
            continue
        for batch in _batches(opened, batch_tokens):
            _run(model, batch)


def _batches(opened: Iterable[_Open[T]], batch_tokens: int) -> Iterator[list[_Open[T]]]:
    """Group the open steps by length into batches."""
    waiting = [(_length(each.state), each) for each in opened if isinstance(each.state, ForwardStep)]
    waiting.sort(key=lambda item: item[0])
    batch: list[_Open[T]] = []
    rows = positions = 0
    for length, each in waiting:
        assert isinstance(each.state, ForwardStep)  # noqa: S101 - chosen above
        if batch and ((rows + len(each.state.rows)) * length > batch_tokens or positions > _MAX_POSITIONS):
            yield batch
            batch, rows, positions = [], 0, 0
        batch.append(each)
        rows += len(each.state.rows)
        positions += each.state.count
    if batch:
        yield batch


def _length(step: ForwardStep) -> int:
    return max(map(len, step.rows))


@torch.inference_mode()
def _run(model: LoadedModel, batch: Sequence[_Open[T]]) -> None:
    steps = [each.state for each in batch if isinstance(each.state, ForwardStep)]
    for each, found in zip(batch, logits(model, steps), strict=True):
        each.send(found)
