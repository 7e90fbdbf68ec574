"""Compute the loss of the words that the masks of a text hide."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from fillmask_ls.spans import Span

from .forward_steps import ForwardStep, ForwardSteps
from .likelihood import log_likelihoods
from .model import LoadedModel
from .windows import Window, subwords_at, windows


def masked_word_loss_steps(
    model: LoadedModel, text: str, masks: Sequence[Span], masked_words: Sequence[str]
) -> ForwardSteps[float]:
    """Compute the mean cross-entropy of the words that masks hide, with one forward step for each window.

    Args:
        model: the model.
        text: a text of any length.
        masks: the spans of its masks, in order.
        masked_words: the word that each mask hides.

    Returns:
        The mean over the subwords of the words, in nats, at least 0; 0 if there are none. It is the training
        objective, not calibrated by the model's temperature.
    """
    losses: list[float] = []
    for window in windows(model, text, masks):
        inside = masked_words[window.first_mask : window.first_mask + len(window.masks)]
        input_ids, positions, labels = _widen_masks(model, window, inside)
        if positions:
            logits = yield ForwardStep([input_ids], [positions])
            losses += (-log_likelihoods(logits, torch.tensor(labels))).tolist()
    return sum(losses) / len(losses) if losses else 0.0


def _widen_masks(
    model: LoadedModel, window: Window, masked_words: Sequence[str]
) -> tuple[list[int], list[int], list[int]]:
    """Return the window with as many masks as each masked word has subwords, the positions to predict, and the labels."""
    mask_id, max_length = model.tokenizer.mask_id, model.tokenizer.max_length
    input_ids: list[int] = []
    positions: list[int] = []
    labels: list[int] = []
    number = 0
    for id in model.tokenizer.encode(window.text, window.masks).ids:
        if id != mask_id:
            input_ids.append(id)
            continue
        subwords = subwords_at(model, window, number, masked_words[number])
        if number in window.requested and len(input_ids) + len(subwords) < max_length:
            positions += range(len(input_ids), len(input_ids) + len(subwords))
            labels += subwords
        input_ids += [mask_id] * max(1, len(subwords))
        number += 1
    return input_ids[:max_length], positions, labels
