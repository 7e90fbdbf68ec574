"""Find and load the model that a command names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import CommandError, ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from fillmask_ls.mlm.model import MaskedLM


def find_model(name: str, *, download: bool = False) -> Path:
    """Return the folder of a model's files.

    Raises:
        CommandError: the model is not found, incomplete or damaged, or the download fails.
    """
    from fillmask_ls.mlm.checkpoint import CheckpointError, resolve

    try:
        return resolve(name, download=download).path
    except CheckpointError as error:
        raise CommandError(str(error), ExitCode.NO_MODEL) from error


def load_model(name: str) -> MaskedLM:
    """Load a model.

    Raises:
        CommandError: the model is not found, or cannot be loaded.
    """
    find_model(name)  # a wrong name is reported at once: importing torch takes over a second
    from fillmask_ls.mlm.checkpoint import CheckpointError
    from fillmask_ls.mlm.loading import load

    try:
        return load(name)
    except CheckpointError as error:
        raise CommandError(str(error), ExitCode.NO_MODEL) from error
