"""What determines a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import StepError

BATCHES = 2
"""Batches of a step."""


class TrainingError(StepError):
    """A run can't start or continue; the message states the reason and what to do."""


@dataclass(frozen=True)
class Recipe:
    """What determines a training run.

    Attributes:
        start: a folder with a BERT or MPNet encoder or masked language model; a missing head is added.
        tokens: the number of tokens to train on.
        batch: maximum tokens of a batch; a step takes :data:`BATCHES`.
        rate: the masking rate (0 to 1) at the first and the last token, linear in between. Many masks teach more at a
            time; few masks are what the model will be asked (Yang et al. 2023).
        learning_rate: the maximum, reached after ``warmup`` steps. It is constant until the last ``decay`` (0 to 1) of
            the tokens, over which it falls linearly to zero (Hägele et al. 2024), so ``tokens`` can change until then.
        head_rate: the learning rate of the head, as a multiple of the other weights'; above 1 for a new head.
        frozen: the number of first layers that are not trained.
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
    head_rate: float = 1.0
    frozen: int = 0
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
            "warmup": self.warmup > 0,
            "head_rate": self.head_rate > 0,
            "frozen": self.frozen >= 0,
            "decay": 0 <= self.decay <= 1,
            "average": 0 <= self.average < 1,
            "repeats": all(times >= 0 for times in self.repeats.values()),
            "seed": self.seed >= 0,
        }.items():
            if not fits:
                raise TrainingError(f"{name} can't be {getattr(self, name)}.")


def learning_rate(recipe: Recipe, steps: int, tokens: int) -> float:
    """Return the learning rate of the step after ``steps`` steps and ``tokens`` tokens."""
    warm = min(1.0, (steps + 1) / recipe.warmup)
    left = (recipe.tokens - tokens) / (recipe.tokens * recipe.decay) if recipe.decay else 1.0
    return recipe.learning_rate * min(warm, max(0.0, left), 1.0)
