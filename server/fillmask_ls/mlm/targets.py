"""Rank given words or phrases at a mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, inf

from fillmask_ls.spans import Span
from fillmask_ls.words import find_masks

from .beam_search import beam_search
from .forward_steps import ForwardSteps, run_steps
from .model import MaskedLM
from .results import Candidate
from .subword_search import widen_mask
from .windows import Window, contexts, subwords_at, windows

_Targets = Mapping[str, tuple[int, ...]]
"""The token ids of each target; empty if the model can't spell it."""


def rank_targets(
    model: MaskedLM, text: str, targets: Sequence[str], *, mask: int = 0, masks: Sequence[Span] | None = None
) -> list[Candidate]:
    """Rank words or phrases by how well they fit a mask.

    A target of several subwords is scored as a whole: by their joint probability, with a correction for length as in
    :mod:`~fillmask_ls.mlm.subword_search`.

    Args:
        model: the model.
        text: a text of any length.
        targets: words or phrases.
        mask: the number of the mask in the text.
        masks: as for :func:`~fillmask_ls.mlm.prediction.predict`.

    Returns:
        Each target once, the most probable first. The probabilities add up to 1; it is 0 for a target that the model
        can't spell.

    Raises:
        ValueError: the text has no such mask, or a target is empty or too long for the model.

    >>> ranked = mlm.rank_targets(model, "She drank a cup of [MASK] with milk.", ["zebra", "hot chocolate", "coffee"])
    >>> [candidate.text for candidate in ranked]
    ['coffee', 'hot chocolate', 'zebra']
    """
    return run_steps(model, rank_targets_steps(model, text, targets, mask=mask, masks=masks))


def rank_targets_steps(
    model: MaskedLM, text: str, targets: Sequence[str], *, mask: int, masks: Sequence[Span] | None
) -> ForwardSteps[list[Candidate]]:
    """Do the work of :func:`rank_targets`."""
    masks = find_masks(text) if masks is None else masks
    if not 0 <= mask < len(masks):
        raise ValueError(f"there is no mask number {mask}: the text has {len(masks)}")
    targets = [target.strip() for target in targets]
    if not all(targets):
        raise ValueError("a target must not be empty")
    window = next(window for window in windows(model, text, masks) if mask - window.first_mask in window.requested)
    number = mask - window.first_mask
    ids_of = _encode_targets(model, window, number, targets)
    weights = yield from _weigh(model, window, number, ids_of)
    total = sum(weights.values()) or 1.0
    return [
        Candidate(target, weight / total, model.tokenizer.subwords(ids_of[target]))
        for target, weight in sorted(weights.items(), key=lambda item: -item[1])
    ]


def _encode_targets(model: MaskedLM, window: Window, number: int, targets: Sequence[str]) -> _Targets:
    encoded = {target: subwords_at(model, window, number, target) for target in targets}
    return {target: () if model.tokenizer.unknown_id in ids else ids for target, ids in encoded.items()}


def _weigh(model: MaskedLM, window: Window, number: int, targets: _Targets) -> ForwardSteps[dict[str, float]]:
    """Compute the probability of each target relative to the most probable one."""
    readings = [(context.input_ids, context.mask_positions[number]) for context in contexts(model, window)]
    lengths = sorted({len(ids) for ids in targets.values() if ids})
    if lengths and len(readings[0][0]) + lengths[-1] > model.tokenizer.max_length:
        raise ValueError(f"a target of {lengths[-1]} tokens is too long for the model")
    hypotheses = yield from beam_search(
        model.log_probabilities,
        [widen_mask(model, readings, length, lambda _tokens: []) for length in lengths],
        beam_size=0,
        targets=dict.fromkeys(ids for ids in targets.values() if ids),
    )
    log_probability = {hypothesis.filled_tokens: hypothesis.log_probability for hypothesis in hypotheses}
    highest = max(log_probability.values(), default=0.0)
    return {target: exp(log_probability.get(ids, -inf) - highest) for target, ids in targets.items()}
