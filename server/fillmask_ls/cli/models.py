"""Find and load the model that a command names."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import CommandError, ExitCode

if TYPE_CHECKING:
    from fillmask_ls.mlm.checkpoint import Checkpoint
    from fillmask_ls.mlm.model import LoadedModel


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model and where it runs; the attributes are the arguments of :func:`fillmask_ls.mlm.load`."""

    model: str = "auto"
    revision: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    runtime: str = "torch"

    @classmethod
    def of(cls, options: argparse.Namespace) -> ModelChoice:
        """Return the choice that options make."""
        return cls(options.model, options.revision, options.device, options.dtype, options.runtime)


def find_model(name: str, *, revision: str | None = None, download: bool = False) -> Checkpoint:
    """Return the checkpoint of a model.

    Raises:
        CommandError: the model is not found, incomplete or damaged, or the download fails.
    """
    from fillmask_ls.mlm.checkpoint import CheckpointError, resolve

    options: dict[str, Any] = {} if revision is None else {"revision": revision}
    try:
        return resolve(name, download=download, **options)
    except CheckpointError as error:
        raise CommandError(str(error), ExitCode.NO_MODEL) from error


def load_model(choice: ModelChoice) -> LoadedModel:
    """Load a model.

    Raises:
        CommandError: the model is not found, or cannot be loaded.
    """
    # A wrong name is reported at once: importing torch takes over a second.
    find_model(choice.model, revision=choice.revision)
    from fillmask_ls.mlm.checkpoint import CheckpointError
    from fillmask_ls.mlm.loading import load

    options: dict[str, Any] = {} if choice.revision is None else {"revision": choice.revision}
    if choice.dtype != "auto":
        options["dtype"] = choice.dtype
    try:
        return load(choice.model, device=choice.device, runtime=choice.runtime, **options)
    except CheckpointError as error:
        raise CommandError(str(error), ExitCode.NO_MODEL) from error
