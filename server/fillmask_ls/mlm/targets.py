"""Score given words or phrases at a mask: over the vocabulary, or relative to each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from math import exp, inf, log

import torch

from fillmask_ls.spans import Span
from fillmask_ls.words import find_masks

from .arguments import check_base
from .beam_search import beam_search
from .forward_steps import ForwardStep, ForwardSteps
from .likelihood import log_probabilities, ranks
from .model import LoadedModel
from .records import Results
from .results import Candidate, TargetScore
from .subword_search import widen_mask
from .text_functions import over_texts
from .windows import Window, contexts, subwords_at, windows

_Targets = Mapping[str, tuple[int, ...]]
"""The token ids of each target; empty if the model can't spell it."""


@over_texts("targets", "mask_index", "masks")
def rank_targets(
    model: LoadedModel,
    text: str,
    targets: str | Sequence[str],
    *,
    mask_index: int = 0,
    masks: Sequence[Span] | None = None,
) -> ForwardSteps[Results[Candidate]]:
    """Rank words or phrases by how well they fit a mask, relative to each other.

    A target of several subwords is scored as a whole: by their joint probability, with a correction for length as in
    :mod:`~fillmask_ls.mlm.subword_search`. :func:`cloze` returns probabilities over the vocabulary instead.

    Args:
        model: the model.
        text: a text of any length.
        targets: words or phrases. With many texts, a list of strings is for all; otherwise one list for each text.
        mask_index: the index of the mask in the text, from 0.
        masks: as for :func:`~fillmask_ls.mlm.prediction.predict`.

    Returns:
        Each target once, the most probable first; of targets that the model can't tell apart (``Paris`` and ``paris``
        for an uncased model), the first. The probabilities are renormalized: they add up to 1 over the targets. It is 0
        for a target that the model can't spell.

    Raises:
        TypeError: a target is not a string, or a mask is not a pair of indexes.
        ValueError: the text has no such mask, ``masks`` are invalid as in
            :func:`~fillmask_ls.mlm.prediction.predict`, or a target is empty or too long for the model.

    >>> ranked = mlm.rank_targets(model, "She drank a cup of [MASK] with milk.", ["zebra", "hot chocolate", "coffee"])
    >>> [candidate.text for candidate in ranked]
    ['coffee', 'hot chocolate', 'zebra']
    """
    window, index = _window_of(model, text, mask_index, masks)
    ids_of = _encode_targets(model, window, index, _target_list(targets))
    first_of = {ids or target: target for target, ids in reversed(list(ids_of.items()))}
    ids_of = {target: ids for target, ids in ids_of.items() if first_of[ids or target] == target}
    weights = yield from _weigh(model, window, index, ids_of)
    total = sum(weights.values()) or 1.0
    return Results(
        Candidate(target, weight / total, model.tokenizer.subwords(ids_of[target]))
        for target, weight in sorted(weights.items(), key=lambda item: -item[1])
    )


@over_texts("targets", "mask_index", "masks")
def cloze(
    model: LoadedModel,
    text: str,
    targets: str | Sequence[str],
    *,
    mask_index: int = 0,
    masks: Sequence[Span] | None = None,
    calibrated: bool = False,
    base: float = 2.0,
) -> ForwardSteps[Results[TargetScore]]:
    """Compute the probability of words or phrases at a mask, over the whole vocabulary.

    The surprisal of a target is that of the same word in :func:`~fillmask_ls.mlm.scoring.score` where it stands in the
    mask's place (unless the mask ends the text, which is read with continuations). Targets of different numbers of
    subwords are not quite comparable: a probability is among the sequences of as many tokens.

    Args:
        model: the model.
        text: a text of any length.
        targets: words or phrases. With many texts, a list of strings is for all; otherwise one list for each text.
        mask_index: the index of the mask in the text, from 0.
        masks: as for :func:`~fillmask_ls.mlm.prediction.predict`.
        calibrated: divide the logits by the model's temperature, as ``predict`` does; by default the probabilities
            are those of the training objective, as in transformers' pipeline and in minicons.
        base: of the logarithm in surprisals: 2 for bits, ``math.e`` for nats.

    Returns:
        A score for each target, in the order given.

    Raises:
        TypeError: a target is not a string, ``base`` is not a number, or a mask is not a pair of indexes.
        ValueError: the text has no such mask, ``masks`` are invalid as in
            :func:`~fillmask_ls.mlm.prediction.predict`, a target is empty or too long for the model, or ``base`` is not
            above 1.

    >>> tea, zebra = mlm.cloze(model, "She drank a cup of [MASK] with milk.", ["tea", "zebra"])
    >>> tea.rank, tea.probability > zebra.probability
    (1, True)
    """
    check_base(base)
    targets = _target_list(targets)
    window, index = _window_of(model, text, mask_index, masks)
    ids_of = _encode_targets(model, window, index, targets)
    temperature = model.temperature if calibrated else 1.0
    found = yield from _score_left_to_right(model, window, index, {ids for ids in ids_of.values() if ids}, temperature)
    scores = []
    for target in targets:
        ids = ids_of[target.strip()]
        log_likelihood, rank = found.get(ids, (None, None))
        scores.append(TargetScore(target, log_likelihood, rank, model.tokenizer.subwords(ids), calibrated, base))
    return Results(scores)


def _window_of(model: LoadedModel, text: str, mask_index: int, masks: Sequence[Span] | None) -> tuple[Window, int]:
    """Return the window that reads a mask, and the index of the mask in it."""
    masks = find_masks(text) if masks is None else masks
    if not 0 <= mask_index < len(masks):
        raise ValueError(f"there is no mask with index {mask_index} (from 0): the text has {len(masks)}")
    window = next(
        window for window in windows(model, text, masks) if mask_index - window.first_mask in window.requested
    )
    return window, mask_index - window.first_mask


def _target_list(targets: str | Iterable[str]) -> list[str]:
    listed = [targets] if isinstance(targets, str) else list(targets)
    for target in listed:
        if not isinstance(target, str):
            raise TypeError(f"a target must be a str, not {type(target).__name__}")
    return listed


def _encode_targets(model: LoadedModel, window: Window, mask_index: int, targets: Sequence[str]) -> _Targets:
    targets = [target.strip() for target in targets]
    if not all(targets):
        raise ValueError("a target must not be empty")
    encoded = {target: subwords_at(model, window, mask_index, target) for target in targets}
    return {target: () if model.tokenizer.unknown_id in ids else ids for target, ids in encoded.items()}


def _weigh(model: LoadedModel, window: Window, mask_index: int, targets: _Targets) -> ForwardSteps[dict[str, float]]:
    """Compute the probability of each target relative to the most probable one."""
    mask_contexts = _mask_contexts(model, window, mask_index, targets.values())
    lengths = sorted({len(ids) for ids in targets.values() if ids})
    hypotheses = yield from beam_search(
        model.log_probabilities,
        [widen_mask(model, mask_contexts, length, lambda _tokens: []) for length in lengths],
        beam_size=0,
        targets=dict.fromkeys(ids for ids in targets.values() if ids),
    )
    log_probability = {hypothesis.filled_tokens: hypothesis.log_probability for hypothesis in hypotheses}
    highest = max(log_probability.values(), default=0.0)
    return {target: exp(log_probability.get(ids, -inf) - highest) for target, ids in targets.items()}


def _mask_contexts(
    model: LoadedModel, window: Window, mask_index: int, targets: Iterable[tuple[int, ...]]
) -> list[tuple[list[int], int]]:
    """Return the token ids of each context of a mask, and the mask's position in them.

    Raises:
        ValueError: a target is too long for the model.
    """
    mask_contexts = [(context.input_ids, context.mask_positions[mask_index]) for context in contexts(model, window)]
    longest = max(map(len, targets), default=0)
    if longest and len(mask_contexts[0][0]) + longest > model.tokenizer.max_length:
        raise ValueError(f"a target of {longest} tokens is too long for the model")
    return mask_contexts


def _score_left_to_right(
    model: LoadedModel, window: Window, mask_index: int, targets: Set[tuple[int, ...]], temperature: float
) -> ForwardSteps[dict[tuple[int, ...], tuple[float, int | None]]]:
    """Compute the log-likelihood of each target, and its rank if it has one subword: all in one step."""
    mask_contexts = _mask_contexts(model, window, mask_index, targets)
    # A row for each beginning of a target: targets of one length that begin alike share it.
    beginnings = list(dict.fromkeys((len(ids), ids[:end]) for ids in targets for end in range(len(ids))))
    if not beginnings:
        return {}
    mask_id = model.tokenizer.mask_id
    rows, positions = [], []
    for length, begun in beginnings:
        for input_ids, position in mask_contexts:
            masks = [mask_id] * (length - len(begun))
            rows.append([*input_ids[:position], *begun, *masks, *input_ids[position + 1 :]])
            positions.append([position + len(begun)])
    logits = yield ForwardStep(rows, positions)
    by_context = log_probabilities(logits, temperature).view(len(beginnings), len(mask_contexts), -1)
    scores = by_context.logsumexp(1) - log(len(mask_contexts)) if len(mask_contexts) > 1 else by_context[:, 0]
    row_of = {beginning: row for row, beginning in enumerate(beginnings)}
    found: dict[tuple[int, ...], tuple[float, int | None]] = {}
    for ids in targets:
        steps = [(row_of[len(ids), ids[:end]], ids[end]) for end in range(len(ids))]
        log_likelihood = sum(float(scores[row, id]) for row, id in steps)
        rank = ranks(scores[steps[0][0]][None], torch.tensor([ids[0]]))[0] if len(ids) == 1 else None
        found[ids] = (min(0.0, log_likelihood), rank)
    return found
