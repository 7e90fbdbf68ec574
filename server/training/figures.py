"""Loss, accuracy and calibration of a model at masked subwords whose right subword is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fillmask_ls.mlm.forward_steps import ForwardStep, logits
from fillmask_ls.mlm.model import LoadedModel
from fillmask_ls.mlm.tokenization import Encoding

BINS = 15


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures over a number of masked subwords.

    Attributes:
        masks: the number of masked subwords.
        loss: the mean cross-entropy, in nats.
        top_1: the share (0 to 1) of masks whose most probable subword is right.
        top_5: the share (0 to 1) of masks whose five most probable subwords contain the right one.
        calibration_error: the expected calibration error (0 to 1) of the most probable subword, in 15 bins of equal
            width (Guo et al. 2017).
    """

    masks: int
    loss: float
    top_1: float
    top_5: float
    calibration_error: float


@dataclass(frozen=True, slots=True)
class MaskedText:
    """A tokenized text of ``n`` tokens, and which of them to mask: bool [n]."""

    encoding: Encoding
    chosen: Tensor


def answer(model: LoadedModel, texts: Sequence[MaskedText]) -> list[Tensor]:
    """Return what a model says at the masks of each text.

    Returns:
        One tensor per text, [masks, 4]: the right subword's loss in nats and its rank from 0, the highest probability (0
        to 1), and the id of the most probable subword.
    """
    answers: list[Tensor] = [torch.zeros(0, 4)] * len(texts)
    with_masks = [i for i, text in enumerate(texts) if text.chosen.any()]
    by_length = sorted(with_masks, key=lambda i: len(texts[i].encoding.ids))
    for start in range(0, len(by_length), 16):
        batch = by_length[start : start + 16]
        batch_logits = logits(model, [mask_step(model, texts[i].encoding, texts[i].chosen) for i in batch])
        for i, mask_logits in zip(batch, batch_logits, strict=True):
            right = torch.tensor(texts[i].encoding.ids)[texts[i].chosen][:, None]
            log_probabilities = model.log_probabilities(mask_logits)
            likelihood = log_probabilities.gather(1, right)
            rank = (log_probabilities > likelihood).sum(-1)
            best, first = log_probabilities.max(-1)
            answers[i] = torch.stack([-likelihood[:, 0], rank, best.exp(), first], 1)
    return answers


def mask_step(model: LoadedModel, encoding: Encoding, chosen: Tensor) -> ForwardStep:
    """Return a forward step with the ``chosen`` tokens (bool [n]) masked, for the logits at them."""
    ids = torch.tensor(encoding.ids).masked_fill(chosen, model.tokenizer.mask_id)
    return ForwardStep([ids.tolist()], [chosen.nonzero().flatten().tolist()])


def figures(answers: Sequence[Tensor]) -> Figures:
    """Return the figures over the answers of :func:`answer`; at least one text must have a mask."""
    loss, rank, confidence, _ = torch.cat(list(answers)).unbind(1)
    right = (rank < 1).float()
    return Figures(
        masks=len(loss),
        loss=float(loss.mean()),
        top_1=float(right.mean()),
        top_5=float((rank < 5).float().mean()),
        calibration_error=calibration_error(confidence, right),
    )


def calibration_error(confidence: Tensor, right: Tensor) -> float:
    """Return the expected calibration error of confidences [m] (0 to 1); ``right`` [m] is 1 for a right answer."""
    bins = (confidence * BINS).long().clamp(max=BINS - 1)
    gaps = torch.zeros(BINS).index_add(0, bins, confidence - right)
    return float(gaps.abs().sum() / len(confidence))
