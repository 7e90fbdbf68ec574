"""Masked-language-model training of a BERT network, from an encoder or an earlier checkpoint (Devlin et al. 2019).

Every chosen subword becomes ``[MASK]``, because an editor only ever asks about masks.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from math import isfinite
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from transformers import AutoConfig, BertForMaskedLM

from .network import masked_loss
from .progress import Progress, forget_after
from .rows import Rows, batches

STATE = "state.pt"
LOG = "log.jsonl"
BATCHES = 2
"""Batches of a step."""


class TrainingError(Exception):
    """A run can't start or continue; the message states the reason and what to do."""


@dataclass(frozen=True)
class Recipe:
    """What determines a training run.

    Attributes:
        start: a folder with a BERT encoder or masked language model; a missing head starts at random.
        tokens: the number of tokens to train on.
        batch: maximum tokens of a batch; a step takes :data:`BATCHES`.
        rate: the masking rate (0 to 1) at the first and the last token, linear in between. Many masks teach more at a
            time; few masks are what the model will be asked (Yang et al. 2023).
        learning_rate: the maximum, reached after ``warmup`` steps. It is constant until the last ``decay`` (0 to 1) of
            the tokens, over which it falls linearly to zero (Hägele et al. 2024), so ``tokens`` can change until then.
        average: the decay of the running average of the weights at each step, 0 to 1.
        repeats: how often an epoch contains a source, by its name; 1 by default.
        seed: of the order of the rows and of the masks.
    """

    start: str
    tokens: int
    batch: int = 4096
    rate: tuple[float, float] = (0.3, 0.15)
    learning_rate: float = 5e-4
    warmup: int = 100
    decay: float = 0.7
    average: float = 0.995
    repeats: Mapping[str, float] = field(default_factory=dict)
    seed: int = 1

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            TrainingError: a value is out of its range; the message names it.
        """
        for name, fits in {
            "tokens": self.tokens > 0,
            "batch": self.batch > 0,
            "rate": all(0 < rate <= 1 for rate in self.rate),
            "learning_rate": self.learning_rate > 0,
            "decay": 0 <= self.decay <= 1,
            "average": 0 <= self.average < 1,
            "repeats": all(times >= 0 for times in self.repeats.values()),
            "seed": self.seed >= 0,
        }.items():
            if not fits:
                raise TrainingError(f"{name} can't be {getattr(self, name)}.")


MaskedBatch = tuple[Tensor, Tensor, Tensor]
"""Masked ids [b, n], positions of the masks [b, m] and the original ids there [b, m]."""


@dataclass(slots=True)
class State:
    """A run between two steps: everything that a resumed run needs."""

    network: BertForMaskedLM
    optimizer: torch.optim.AdamW
    average: dict[str, Tensor]
    steps: int = 0
    tokens: int = 0
    batches: int = 0

    @classmethod
    def new(cls, recipe: Recipe, device: torch.device) -> State:
        """Return the state before the first step.

        Raises:
            TrainingError: the start is not a BERT network.
        """
        config = AutoConfig.from_pretrained(recipe.start, local_files_only=True)
        if config.model_type != "bert" or config.hidden_act != "gelu":
            raise TrainingError(f"{recipe.start} is not a BERT network with GELU: this recipe trains no other.")
        torch.manual_seed(recipe.seed)
        config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
        network = BertForMaskedLM.from_pretrained(
            recipe.start, config=config, dtype=torch.float32, local_files_only=True
        )
        network.to(device).train()  # type: ignore[arg-type]
        matrices = [weight for weight in network.parameters() if weight.ndim > 1]
        others = [weight for weight in network.parameters() if weight.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.995), eps=1e-6, fused=True)
        return cls(network, optimizer, {name: weight.detach().clone() for name, weight in network.named_parameters()})

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


def learning_rate(recipe: Recipe, steps: int, tokens: int) -> float:
    """Return the learning rate of the step after ``steps`` steps and ``tokens`` tokens."""
    warm = min(1.0, (steps + 1) / recipe.warmup)
    left = (recipe.tokens - tokens) / (recipe.tokens * recipe.decay) if recipe.decay else 1.0
    return recipe.learning_rate * min(warm, max(0.0, left), 1.0)


def masked(rows: NDArray[np.int64], rate: float, mask_id: int, chance: np.random.Generator) -> MaskedBatch:
    """Mask a share of each row of ``rows`` [b, n], except its first and last token; at least one token a row."""
    b, n = rows.shape
    count = max(1, round(rate * (n - 2)))
    at = torch.from_numpy(np.sort(chance.random((b, n - 2)).argsort(1)[:, :count], 1) + 1)
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
        yield masked(rows.of_one_length(batch), rate, mask_id, chance)
        tokens += int(rows.lengths[batch].sum())


def train(
    recipe: Recipe,
    rows: Rows,
    out: Path,
    *,
    mask_id: int,
    validation: Rows | None = None,
    device: str = "cpu",
    save_every: float = 100,
    say: Callable[[str], None] = print,
) -> State:
    """Train, or continue a run in the folder ``out`` that was stopped or killed.

    Saves the state regularly, and on SIGINT or SIGTERM, which end the run. Logs the loss of every twenty steps in
    ``log.jsonl``.

    Args:
        validation: rows whose loss with the averaged weights is logged every million tokens.
        save_every: seconds between two saves of the state.
        say: called with each line about progress.

    Raises:
        TrainingError: the rows, the start or the run in ``out`` don't fit the recipe, or the loss is not finite.
    """
    _keep_memory()
    out.mkdir(parents=True, exist_ok=True)
    state = _open_state(recipe, rows, out, _device(device))
    saved = time.monotonic()
    with _stop_signals() as stopped, Workers(state.network) as workers, (out / LOG).open("a") as log:
        progress = Progress(log, say, tokens=state.tokens, total_tokens=recipe.tokens)
        stream = training_batches(rows, recipe, mask_id, state.batches, state.tokens)
        while state.tokens < recipe.tokens and not stopped:
            loss = _step(state, recipe, workers, list(islice(stream, BATCHES)))
            progress.add_step(loss, state.steps, state.tokens)
            if validation is not None and progress.wants_validation(state.tokens):
                with averaged(state):
                    progress.add_validation(validation_loss(workers, validation, mask_id), state.tokens)
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
    state = State.new(recipe, device)
    config = state.network.config
    if not len(rows) or rows.tokens.max() >= config.vocab_size or rows.lengths.max() > config.max_position_embeddings:
        raise TrainingError(
            f"the rows are empty or don't fit this network of {config.vocab_size} tokens and "
            f"{config.max_position_embeddings} positions: prepare them with its tokenizer."
        )
    if (out / STATE).exists():
        state.restore(out)
    forget_after(out / LOG, state.tokens)
    return state


class Workers:
    """Compute the batches of a step in parallel.

    On a CPU, one batch a thread is a tenth faster than all threads on each batch in turn.
    """

    def __init__(self, network: BertForMaskedLM) -> None:
        self._network = network
        self._weights = list(network.parameters())
        self._pool = ThreadPoolExecutor(BATCHES if network.device.type == "cpu" else 1, initializer=self._share)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def losses(self, batches: Iterable[MaskedBatch]) -> list[float]:
        """Return the summed loss of each batch, in nats."""
        return list(self._pool.map(self._loss, batches))

    def gradients(self, batches: Sequence[MaskedBatch]) -> tuple[float, list[Tensor]]:
        """Return the mean loss over all masks of the batches, in nats, and its gradient by each weight."""
        masks = sum(labels.numel() for *_, labels in batches)
        total = 0.0
        summed: list[Tensor] = []
        for loss, gradients in self._pool.map(self._gradients, batches):
            total += loss / masks
            torch._foreach_div_(gradients, masks)
            if summed:
                torch._foreach_add_(summed, gradients)
            else:
                summed = gradients
        return total, summed

    @staticmethod
    def _share() -> None:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // BATCHES))

    @torch.no_grad()
    def _loss(self, batch: MaskedBatch) -> float:
        return float(self._forward(batch))

    def _gradients(self, batch: MaskedBatch) -> tuple[float, list[Tensor]]:
        loss = self._forward(batch)
        return float(loss.detach()), list(torch.autograd.grad(loss, self._weights))

    def _forward(self, batch: MaskedBatch) -> Tensor:
        device = self._network.device
        with torch.autocast(device.type, torch.bfloat16):
            return masked_loss(self._network, *(part.to(device) for part in batch))


def validation_loss(workers: Workers, rows: Rows, mask_id: int, max_batches: int = 16) -> float:
    """Return the mean loss over the masks (15 %, always the same ones) of at most ``max_batches`` batches, in nats."""
    chosen = list(islice(training_batches(rows, Recipe("", 1, rate=(0.15, 0.15), seed=0), mask_id), max_batches))
    return sum(workers.losses(chosen)) / sum(labels.numel() for *_, labels in chosen)


@contextmanager
def averaged(state: State) -> Iterator[None]:
    """Load the averaged weights into the network until the block ends."""
    own = {name: weight.detach().clone() for name, weight in state.network.named_parameters()}
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
    weights = list(state.network.parameters())
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient
    clip_grad_norm_(weights, 1.0)
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(recipe, state.steps, state.tokens)
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


def _keep_memory() -> None:
    """Make glibc keep freed memory: mapping it again at each step takes a tenth of the time."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            mallopt = ctypes.CDLL(None).mallopt
            trim_threshold, top_pad, mmap_max, arena_max = -1, -2, -4, -8
            mallopt(trim_threshold, 2**31 - 1)
            mallopt(top_pad, 200_000_000)
            mallopt(mmap_max, 0)
            mallopt(arena_max, 1)
