"""Work that needs forwards, as generators: each says what it asks the model and is sent the logits.

So whoever has the model decides when a forward runs and what runs together: :func:`answered` one after the other, the
engine what is urgent first.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from .model import MaskedLM

T = TypeVar("T")

TOKENS_AT_ONCE = 2048
"""In one forward; more is no faster on a CPU."""


@dataclass(frozen=True, slots=True)
class ForwardStep:
    """What is asked in one forward, as :meth:`~fillmask_ls.mlm.model.MaskedLM.logits` takes it."""

    rows: Sequence[Sequence[int]]
    asked: Sequence[Sequence[int]]

    @property
    def count(self) -> int:
        """How many positions are asked for, in all rows."""
        return sum(map(len, self.asked))


ForwardSteps = Generator[ForwardStep, Tensor, T]
"""Yields batches, is sent the logits [count, vocabulary] for each, and returns its result."""


@dataclass(frozen=True, slots=True)
class Finished(Generic[T]):
    """An asking's end."""

    result: T


def step(asking: ForwardSteps[T], answer: Tensor | None) -> ForwardStep | Finished[T]:
    """Send ``asking`` an answer, None to begin it: what it asks next, or its result."""
    try:
        return next(asking) if answer is None else asking.send(answer)
    except StopIteration as end:
        return Finished(end.value)


@torch.inference_mode()
def logits(
    model: MaskedLM, batches: Sequence[ForwardStep], yield_point: Callable[[], None] = lambda: None
) -> list[Tensor]:
    """The logits [count, vocabulary] in float32 for each batch, from one forward for all.

    ``yield_point`` is as for :meth:`~fillmask_ls.mlm.model.MaskedLM.logits`.
    """
    rows = [row for batch in batches for row in batch.rows]
    asked = [positions for batch in batches for positions in batch.asked]
    found = model.logits(rows, asked, yield_point).float().cpu()
    return list(torch.split(found, [batch.count for batch in batches]))


def split_steps(asking: ForwardSteps[T], tokens: int) -> ForwardSteps[T]:
    """The same, with no batch of more tokens than that, padding included, but for one row: something else can go between."""
    asked = step(asking, None)
    while isinstance(asked, ForwardStep):
        most = max(1, tokens // max(map(len, asked.rows)))
        parts = []
        for start in range(0, len(asked.rows), most):
            answer = yield ForwardStep(asked.rows[start : start + most], asked.asked[start : start + most])
            parts.append(answer)
        asked = step(asking, torch.cat(parts) if len(parts) > 1 else parts[0])
    return asked.result


@torch.inference_mode()
def run_steps(model: MaskedLM, asking: ForwardSteps[T]) -> T:
    """What ``asking`` returns when every batch is answered in turn, a big one in parts."""
    asking = split_steps(asking, TOKENS_AT_ONCE)
    asked = step(asking, None)
    while isinstance(asked, ForwardStep):
        asked = step(asking, logits(model, [asked])[0])
    return asked.result


def together(askings: Sequence[ForwardSteps[T]]) -> ForwardSteps[list[T]]:
    """All of them side by side: what each asks in its n-th step is asked in one batch."""
    steps = [step(asking, None) for asking in askings]
    while batches := [asked for asked in steps if isinstance(asked, ForwardStep)]:
        found = yield ForwardStep(
            [row for batch in batches for row in batch.rows],
            [positions for batch in batches for positions in batch.asked],
        )
        parts = iter(torch.split(found, [batch.count for batch in batches]))
        steps = [
            step(asking, next(parts)) if isinstance(asked, ForwardStep) else asked
            for asking, asked in zip(askings, steps, strict=True)
        ]
    return [end.result for end in steps if isinstance(end, Finished)]
