"""Build a checkpoint's network with transformers, for any architecture."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from transformers import AutoConfig, AutoModelForMaskedLM, PreTrainedModel
from transformers.utils import logging as transformers_logging

from .checkpoint import Checkpoint, CheckpointError


def build(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> PreTrainedModel:
    """Build the network and load its weights, in evaluation mode.

    Raises:
        CheckpointError: the checkpoint can't be loaded, or has no masked-language-model head.
    """
    name = checkpoint.name
    try:
        with silence_transformers():
            config = AutoConfig.from_pretrained(checkpoint.path, local_files_only=True, trust_remote_code=False)
            network, report = AutoModelForMaskedLM.from_pretrained(
                checkpoint.path,
                config=config,
                dtype=dtype,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
    except Exception as error:  # transformers raises errors of every kind
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(f"model {name!r} can't be loaded as a masked language model: {reason}") from error
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise CheckpointError(
            f"model {name!r} has no masked-language-model head, or is damaged: its weights lack {missing[0]}"
            + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
            + ". Choose a model that was trained for fill-mask."
        )
    built: PreTrainedModel = network.eval().requires_grad_(False).to(device)
    _copy_mapped_weights(built)
    return built


def _copy_mapped_weights(network: PreTrainedModel) -> None:
    """Copy weights that can be mapped pages of the file: writing to the file would change them or end the process."""
    for weights in (*network.parameters(), *network.buffers()):
        if weights.device.type == "cpu":
            weights.data = weights.data.clone()


def max_positions(network: PreTrainedModel) -> int:
    """Return the number of tokens that the network has positions for."""
    limit = getattr(network.config, "max_position_embeddings", None) or sys.maxsize
    padding = (module.padding_idx for name, module in network.named_modules() if name.endswith("position_embeddings"))
    reserved = next((index + 1 for index in padding if index is not None), 0)  # RoBERTa's start after the padding's
    return int(limit) - reserved


@contextmanager
def silence_transformers() -> Iterator[None]:
    """Suppress transformers' progress bars and warnings; problems are raised as errors."""
    verbosity, bar = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.CRITICAL)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bar:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
