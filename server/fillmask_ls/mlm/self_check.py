"""Check that a model computes what another way of computing it does: in a higher precision, or by another runtime."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch

from .model import LoadedModel
from .tokenization import Tokenizer

LENGTHS = (4, 33, 130)
"""Tokens of the texts that are compared: shorter and longer than the blocks in which networks compute."""

_MASK_EVERY = 5


@torch.inference_mode()
def disagreement(model: LoadedModel, reference: LoadedModel, lengths: Sequence[int] = LENGTHS) -> float:
    """Return how far the logits of ``model`` are from those of ``reference``, which has the same tokenizer.

    The texts are computed together and each alone.

    Returns:
        The root mean square of the difference, in units of the reference's logits around their mean: about 0.01 for
        bfloat16, 1 for unrelated logits; infinite if either fails or computes no numbers.
    """
    rows = list(_probes(model.tokenizer, lengths))
    try:
        expected = _centered_logits(reference, rows)
        computed = _centered_logits(model, rows), torch.cat([_centered_logits(model, [row]) for row in rows])
    except Exception:  # its kind depends on the architecture and the runtime
        return math.inf
    error = max(float((logits - expected).square().mean() / expected.square().mean()) for logits in computed)
    return math.sqrt(error) if math.isfinite(error) else math.inf


def _centered_logits(model: LoadedModel, rows: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return the logits [m, vocabulary] at the masks of ``rows``, around their mean, in float32 on the CPU."""
    mask_id = model.tokenizer.mask_id
    positions = [[position for position, id in enumerate(row) if id == mask_id] for row in rows]
    logits = model.logits(rows, positions).float().cpu()
    return logits - logits.mean(-1, keepdim=True)


def _probes(tokenizer: Tokenizer, lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield rows of ordinary tokens from all of the vocabulary, with masks and with special tokens around them."""
    before, after = tokenizer.split_added_tokens(tokenizer.encode("").ids)
    ordinary = sorted(set(range(tokenizer.vocab_size)) - tokenizer.special_ids)
    for length in sorted({min(length, tokenizer.max_length) for length in lengths}):
        count = max(1, length - len(before) - len(after))
        step = max(1, len(ordinary) // count)
        tokens = [ordinary[number * step % len(ordinary)] for number in range(count)]
        tokens[::_MASK_EVERY] = [tokenizer.mask_id] * len(tokens[::_MASK_EVERY])
        yield [*before, *tokens, *after]
