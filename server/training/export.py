"""Write the averaged weights of a training run as a checkpoint that transformers can load."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig

from fillmask_ls.mlm.stored_weights import quantized

from .errors import StepError
from .evaluate import Evaluation, table
from .network import new_network
from .tokenizer_files import copy_tokenizer
from .train import STATE

CARD = Path(__file__).parent / "card.md"


class ExportError(StepError):
    """A run can't be exported; the message states the reason."""


def export(run: Path, start: Path, folder: Path, *, in_8_bits: bool = False) -> None:
    """Write the run's averaged weights in bfloat16 into ``folder``, with ``start``'s configuration and tokenizer.

    Args:
        run: the folder of a run.
        start: the checkpoint that the run started from.
        folder: the folder to write.
        in_8_bits: whether to store the matrices in 8 bits, as :mod:`fillmask_ls.mlm.stored_weights` reads them.

    Raises:
        ExportError: the run has not saved a state yet.
    """
    if not (run / STATE).is_file():
        raise ExportError(f"{run} contains no {STATE}: there is no training run to export.")
    state = torch.load(run / STATE, weights_only=True, mmap=True)
    network = new_network(AutoConfig.from_pretrained(start, local_files_only=True))
    network.load_state_dict(state["network"])
    network.load_state_dict(state["average"], strict=False)
    network.tie_weights()
    network.to(torch.bfloat16).save_pretrained(folder)  # type: ignore[arg-type]
    copy_tokenizer(start, folder)
    if in_8_bits:
        file = folder / "model.safetensors"
        save_file(quantized(load_file(file)), file, metadata={"format": "pt"})


def write_card(folder: Path, trained: Evaluation, previous: Evaluation) -> None:
    """Write the model card: ``card.md`` with the figures of both models."""
    first, *others = table([trained, previous], ["this model", "previous model"])
    lines = [first, ["---"] * len(first), *others]
    figures = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    card = CARD.read_text(encoding="utf-8").replace("{figures}", figures)
    (folder / "README.md").write_text(card, encoding="utf-8")
