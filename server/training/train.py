"""Masked-language-model training of a BERT or MPNet network, from an encoder or a checkpoint (Devlin et al. 2019).

Every chosen subword becomes ``[MASK]``, because an editor only ever asks about masks.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from math import isfinite
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from transformers import AutoConfig

from .masked_batches import MaskedBatch, training_batches
from .network import Network, NetworkError, freeze, head, load_network, trained_weights
from .progress import Progress, forget_after
from .recipe import BATCHES, Recipe, TrainingError, learning_rate
from .rows import Rows
from .student import Teacher
from .workers import Workers, keep_memory, validate

STATE = "state.pt"
LOG = "log.jsonl"


@dataclass(slots=True)
class State:
    """A run between two steps: everything that a resumed run needs."""

    network: Network
    optimizer: torch.optim.AdamW
    average: dict[str, Tensor]
    steps: int = 0
    tokens: int = 0
    batches: int = 0

    @classmethod
    def new(cls, recipe: Recipe, counts: Tensor, device: torch.device) -> State:
        """Return the state before the first step.

        Args:
            counts: [vocabulary], how often each token occurs in the rows.

        Raises:
            NetworkError: the start is not a BERT or MPNet network.
        """
        torch.manual_seed(recipe.seed)
        network = load_network(recipe.start, counts)
        network.to(device).train()  # type: ignore[arg-type]
        freeze(network, recipe.frozen)
        in_head = {id(weight) for weight in head(network).parameters()}
        groups: dict[tuple[float, float], list[Tensor]] = {}
        for weight in network.parameters():
            if weight.requires_grad:
                scale = recipe.head_rate if id(weight) in in_head else 1.0
                groups.setdefault((scale, 0.01 if weight.ndim > 1 else 0.0), []).append(weight)
        parameters = [
            {"params": weights, "scale": scale, "weight_decay": decay} for (scale, decay), weights in groups.items()
        ]
        optimizer = torch.optim.AdamW(parameters, betas=(0.9, 0.995), eps=1e-6, fused=True)
        average = {name: weight.detach().clone() for name, weight in trained_weights(network).items()}
        return cls(network, optimizer, average)

    def save(self, folder: Path) -> None:
        """Write the state to ``folder``, completely or not at all."""
        parts = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "progress": {"steps": self.steps, "tokens": self.tokens, "batches": self.batches},
        }
        new = folder / f"{STATE}.new"
        torch.save(parts, new)
        new.replace(folder / STATE)

    def restore(self, folder: Path) -> None:
        """Restore a state that :meth:`save` wrote.

        Raises:
            TrainingError: the file is damaged or belongs to another network.
        """
        try:
            parts = torch.load(folder / STATE, weights_only=True, map_location=self.network.device)
            self._take(parts)
        except (KeyError, RuntimeError, ValueError, UnpicklingError) as error:
            raise TrainingError(f"{folder / STATE} can't be restored: {error}. Start in another folder.") from error

    def _take(self, parts: dict[str, Any]) -> None:
        self.network.load_state_dict(parts["network"])
        self.optimizer.load_state_dict(parts["optimizer"])
        self.average = parts["average"]
        self.steps, self.tokens, self.batches = (parts["progress"][name] for name in ("steps", "tokens", "batches"))


def train(
    recipe: Recipe,
    rows: Rows,
    out: Path,
    *,
    mask_id: int,
    teacher: Teacher | None = None,
    validation: Rows | None = None,
    validate_every: int = 1_000_000,
    device: str = "cpu",
    save_every: float = 100,
    say: Callable[[str], None] = print,
) -> State:
    """Train, or continue a run in the folder ``out`` that was stopped or killed.

    Saves the state regularly, and on SIGINT or SIGTERM, which end the run. Logs the loss of every twenty steps in
    ``log.jsonl``.

    Args:
        teacher: whose probabilities the network learns, beside the right tokens.
        validation: rows whose loss and top-1 accuracy with the averaged weights are logged.
        validate_every: tokens between two validations.
        save_every: seconds between two saves of the state.
        say: called with each line about progress.

    Raises:
        TrainingError: the rows, the start or the run in ``out`` don't fit the recipe, or the loss is not finite.
    """
    keep_memory()
    out.mkdir(parents=True, exist_ok=True)
    state = _open_state(recipe, rows, out, _device(device))
    saved = time.monotonic()
    with _stop_signals() as stopped, Workers(state.network, teacher) as workers, (out / LOG).open("a") as log:
        progress = Progress(log, say, tokens=state.tokens, total_tokens=recipe.tokens, validate_every=validate_every)
        stream = training_batches(rows, recipe, mask_id, state.batches, state.tokens)
        while state.tokens < recipe.tokens and not stopped:
            loss = _step(state, recipe, workers, list(islice(stream, BATCHES)))
            progress.add_step(loss, state.steps, state.tokens)
            if validation is not None and progress.wants_validation(state.tokens):
                with averaged(state):
                    loss, top_1 = validate(workers, validation, mask_id, recipe.batch)
                    progress.add_validation(loss, top_1, state.tokens)
            if time.monotonic() - saved > save_every:
                state.save(out)
                saved = time.monotonic()
    state.save(out)
    say(f"{state.tokens:>12,} tokens   {'stopped' if stopped else 'done'}; saved in {out}")
    return state


def _open_state(recipe: Recipe, rows: Rows, out: Path, device: torch.device) -> State:
    """Return the state to continue, or a new one, for rows that fit the network."""
    unknown = sorted(set(recipe.repeats) - set(rows.names))
    if unknown:
        raise TrainingError(f"the rows have no source {unknown[0]}; their sources are {', '.join(rows.names)}.")
    config = AutoConfig.from_pretrained(recipe.start, local_files_only=True)
    if not len(rows) or rows.tokens.max() >= config.vocab_size or rows.lengths.max() > config.max_position_embeddings:
        raise TrainingError(
            f"the rows are empty or don't fit this network of {config.vocab_size} tokens and "
            f"{config.max_position_embeddings} positions: prepare them with its tokenizer."
        )
    counts = np.bincount(rows.tokens, minlength=config.vocab_size)
    try:
        state = State.new(recipe, torch.from_numpy(counts), device)
    except NetworkError as error:
        raise TrainingError(str(error)) from error
    if (out / STATE).exists():
        state.restore(out)
    forget_after(out / LOG, state.tokens)
    return state


@contextmanager
def averaged(state: State) -> Iterator[None]:
    """Load the averaged weights into the network until the block ends."""
    own = {name: weight.detach().clone() for name, weight in trained_weights(state.network).items()}
    state.network.load_state_dict(state.average, strict=False)
    try:
        yield
    finally:
        state.network.load_state_dict(own, strict=False)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (AssertionError, RuntimeError) as error:
        raise TrainingError(f"device {name} can't be used here: {str(error).splitlines()[0]}") from error
    return device


def _step(state: State, recipe: Recipe, workers: Workers, batches: Sequence[MaskedBatch]) -> float:
    loss, gradients = workers.gradients(batches)
    if not isfinite(loss):
        raise TrainingError(
            f"the loss is {loss} after {state.tokens:,} tokens: lower the learning rate. The last saved state is kept."
        )
    weights = list(trained_weights(state.network).values())
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient
    clip_grad_norm_(weights, 1.0)
    for group in state.optimizer.param_groups:
        group["lr"] = group["scale"] * learning_rate(recipe, state.steps, state.tokens)
    state.optimizer.step()
    state.steps += 1
    state.tokens += sum(ids.numel() for ids, *_ in batches)
    state.batches += len(batches)
    # The average forgets early weights sooner: after ten steps it must not contain the start.
    keep = min(recipe.average, state.steps / (state.steps + 10))
    with torch.no_grad():
        torch._foreach_lerp_(list(state.average.values()), list[Tensor](weights), 1 - keep)
    return loss


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Yield a list that stays empty until SIGINT or SIGTERM arrives."""
    received: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda number, _: received.append(number)) for number in numbers]
    try:
        yield received
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
