"""The log of a training run: losses by the number of tokens."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TextIO

_STEPS = 20
"""Steps whose mean loss is one entry of the log."""


class Progress:
    """Logs the losses of a run as JSON lines, and reports them."""

    def __init__(self, log: TextIO, say: Callable[[str], None], *, tokens: int, total_tokens: int) -> None:
        self._log, self._say, self._total_tokens = log, say, total_tokens
        self._losses: list[float] = []
        self._started, self._initial_tokens = time.monotonic(), tokens
        self._validated = tokens // 1_000_000

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
        """Return whether a million tokens were trained on since the last validation."""
        return tokens // 1_000_000 > self._validated

    def add_validation(self, loss: float, tokens: int) -> None:
        """Add a validation loss, in nats."""
        self._validated = tokens // 1_000_000
        self._say(f"{tokens:>12,} tokens   validation loss {loss:.4f}")
        self._write(tokens=tokens, validation_loss=loss)

    def _write(self, **entry: float) -> None:
        self._log.write(json.dumps(entry) + "\n")
        self._log.flush()


def forget_after(log: Path, tokens: int) -> None:
    """Drop log entries after the last saved state: those steps run again."""
    if log.exists():
        lines = [line for line in log.read_text().splitlines(keepends=True) if line.endswith("}\n")]
        log.write_text("".join(line for line in lines if json.loads(line)["tokens"] <= tokens))
