"""Calibration of a model's probabilities by temperature scaling (Guo et al. 2017)."""

from __future__ import annotations

from pathlib import Path

import torch

from fillmask_ls.mlm.forward_steps import logits
from fillmask_ls.mlm.likelihood import log_likelihoods
from fillmask_ls.mlm.masking import sample_mask
from fillmask_ls.mlm.model import LoadedModel

from .documents import TextError, documents
from .figures import mask_step
from .passages import passages

TEMPERATURES = torch.arange(0.5, 2.001, 0.02)


def fit_temperature(model: LoadedModel, text: Path, *, rate: float = 0.15, seed: int = 0) -> float:
    """Return the temperature from 0.5 to 2 with the lowest masked loss on every second document of ``text``.

    The other documents can then show whether calibration helps.

    Raises:
        TextError: the text can't be read or contains no tokens.
    """
    generator = torch.Generator().manual_seed(seed)
    losses = torch.zeros(len(TEMPERATURES), dtype=torch.float64)
    for document in list(documents(text))[::2]:
        for passage in passages(document, model.tokenizer, min(128, model.tokenizer.max_length)):
            encoding = model.tokenizer.encode(passage, masks=())
            chosen = sample_mask(encoding, rate, generator=generator)
            if chosen.any():
                [mask_logits] = logits(model, [mask_step(model, encoding, chosen)])
                labels = torch.tensor(encoding.ids)[chosen]
                for index, temperature in enumerate(TEMPERATURES.tolist()):
                    losses[index] -= log_likelihoods(mask_logits, labels, temperature).sum()
    if not losses.any():
        raise TextError(f"{text} contains nothing to mask.")
    return round(float(TEMPERATURES[losses.argmin()]), 2)
