"""Draw the loss of a training run over its tokens."""

from __future__ import annotations

import json
from pathlib import Path


def points(log: Path, key: str) -> tuple[list[float], list[float]]:
    """Return millions of tokens and the values of ``key`` (``loss`` or ``validation_loss``) in a log."""
    entries = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    entries = [entry for entry in entries if key in entry]
    return [entry["tokens"] / 1e6 for entry in entries], [entry[key] for entry in entries]


def draw(log: Path, picture: Path) -> None:
    """Draw training and validation loss into ``picture``, in any format that matplotlib writes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(*points(log, "loss"), color="#9aa5b1", linewidth=0.8, label="training, at the masking rate of training")
    axes.plot(*points(log, "validation_loss"), "o-", color="#1f6feb", label="validation, averaged weights")
    axes.set(xlabel="tokens, millions", ylabel="masked loss, nats")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(picture)
