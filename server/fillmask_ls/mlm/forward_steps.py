"""Work that needs forward passes, as generators: each yields a forward step and is sent its logits.

The owner of the model decides when a step runs and which steps share a forward pass: :func:`run_steps` runs them one
after another, the engine runs urgent ones first.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from .model import LoadedModel

T = TypeVar("T")

MAX_TOKENS_PER_STEP = 2048
"""Tokens in one forward pass of :func:`run_steps`; larger ones are no faster on a CPU."""


@dataclass(frozen=True, slots=True)
class ForwardStep:
    """A batch for one forward pass: the arguments of :meth:`~fillmask_ls.mlm.model.LoadedModel.logits`.

    Attributes:
        rows: token ids with special tokens.
        positions: the positions to predict in each row. A row without positions is not computed; a step of such rows
            reports work that its generator does itself, and lets other work run before it.
    """

    rows: Sequence[Sequence[int]]
    positions: Sequence[Sequence[int]]

    @property
    def count(self) -> int:
        """The number of positions in all rows."""
        return sum(map(len, self.positions))


ForwardSteps = Generator[ForwardStep, Tensor, T]
"""Yields steps, is sent float32 logits [count, vocabulary] for each, and returns its result."""


@dataclass(frozen=True, slots=True)
class Finished(Generic[T]):
    """The result of a generator that has no more steps."""

    result: T


def advance(steps: ForwardSteps[T], logits: Tensor | None) -> ForwardStep | Finished[T]:
    """Send a generator the logits of its last step (None to start it) and return its next step or its result."""
    try:
        return next(steps) if logits is None else steps.send(logits)
    except StopIteration as end:
        return Finished(end.value)


@torch.inference_mode()
def logits(
    model: LoadedModel, steps: Sequence[ForwardStep], yield_point: Callable[[], None] = lambda: None
) -> list[Tensor]:
    """Compute the logits of several steps in one forward pass.

    Args:
        model: the model to run.
        steps: the steps, of any lengths; similar lengths need less padding.
        yield_point: as for :meth:`~fillmask_ls.mlm.model.LoadedModel.logits`.

    Returns:
        For each step its logits [count, vocabulary], in float32 on the CPU.
    """
    wanted = [(row, inside) for step in steps for row, inside in zip(step.rows, step.positions, strict=True) if inside]
    if not wanted:
        return [torch.empty(0, len(model.vocabulary.texts)) for _ in steps]
    rows, positions = zip(*wanted, strict=True)
    together = model.logits(rows, positions, yield_point).float().cpu()
    return list(torch.split(together, [step.count for step in steps]))


def without_steps(compute: Callable[[], T]) -> ForwardSteps[T]:
    """Return a generator without steps, for work that runs its own forward passes or none."""
    yield from ()
    return compute()


def split_steps(steps: ForwardSteps[T], max_tokens: int) -> ForwardSteps[T]:
    """Split large steps, so that other work can run in between.

    Args:
        steps: a generator.
        max_tokens: the most tokens in a step, padding included; a single row can have more.
    """
    step = advance(steps, None)
    while isinstance(step, ForwardStep):
        max_rows = max(1, max_tokens // max(map(len, step.rows)))
        parts = []
        for start in range(0, len(step.rows), max_rows):
            end = start + max_rows
            part = yield ForwardStep(step.rows[start:end], step.positions[start:end])
            parts.append(part)
        step = advance(steps, torch.cat(parts) if len(parts) > 1 else parts[0])
    return step.result


@torch.inference_mode()
def run_steps(model: LoadedModel, steps: ForwardSteps[T]) -> T:
    """Run a generator to its end, step by step, and return its result."""
    steps = split_steps(steps, MAX_TOKENS_PER_STEP)
    step = advance(steps, None)
    while isinstance(step, ForwardStep):
        step = advance(steps, logits(model, [step])[0])
    return step.result


def run_together(generators: Sequence[ForwardSteps[T]]) -> ForwardSteps[list[T]]:
    """Run generators side by side: the n-th steps of all share one step. Returns their results, in order."""
    states = [advance(generator, None) for generator in generators]
    while steps := [state for state in states if isinstance(state, ForwardStep)]:
        together = yield ForwardStep(
            [row for step in steps for row in step.rows],
            [inside for step in steps for inside in step.positions],
        )
        parts = iter(torch.split(together, [step.count for step in steps]))
        states = [
            advance(generator, next(parts)) if isinstance(state, ForwardStep) else state
            for generator, state in zip(generators, states, strict=True)
        ]
    return [state.result for state in states if isinstance(state, Finished)]
