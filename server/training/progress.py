"""The log of a training run: losses by the number of tokens."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from fillmask_ls.presentation.percent import percent

_STEPS = 20
"""Steps whose mean loss is one entry of the log."""


class Progress:
    """Logs the losses of a run as JSON lines, and reports them."""

    def __init__(
        self, log: TextIO, say: Callable[[str], None], *, tokens: int, total_tokens: int, validate_every: int
    ) -> None:
        self._log, self._say, self._total_tokens, self._validate_every = log, say, total_tokens, validate_every
        self._losses: list[float] = []
        self._started, self._initial_tokens = time.monotonic(), tokens
        self._validated = tokens // validate_every

    def add_step(self, loss: float, steps: int, tokens: int) -> None:
        """Add the loss of a step, in nats; ``steps`` and ``tokens`` count those of the whole run so far."""
        self._losses.append(loss)
        if steps % _STEPS == 0:
            mean, self._losses = sum(self._losses) / len(self._losses), []
            pace = (tokens - self._initial_tokens) / (time.monotonic() - self._started)
            left = timedelta(seconds=round((self._total_tokens - tokens) / pace))
            self._say(f"{tokens:>12,} tokens   loss {mean:.3f}   {pace:,.0f} tokens/s   {left} left")
            self._write(tokens=tokens, loss=mean)

    def wants_validation(self, tokens: int) -> bool:
        """Return whether it is time for the next validation."""
        return tokens // self._validate_every > self._validated

    def add_validation(self, loss: float, top_1: float, tokens: int) -> None:
        """Add a validation loss, in nats, and a top-1 accuracy, 0 to 1."""
        self._validated = tokens // self._validate_every
        self._say(f"{tokens:>12,} tokens   validation loss {loss:.4f}   top-1 {percent(top_1)}")
        self._write(tokens=tokens, validation_loss=loss, validation_top_1=top_1)

    def _write(self, **entry: float) -> None:
        self._log.write(json.dumps(entry) + "\n")
        self._log.flush()


def forget_after(log: Path, tokens: int) -> None:
    """Drop log entries after the last saved state: those steps run again."""
    if log.exists():
        lines = [line for line in log.read_text().splitlines(keepends=True) if line.endswith("}\n")]
        log.write_text("".join(line for line in lines if json.loads(line)["tokens"] <= tokens))
