"""Which of some given words or phrases fits a mask best."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf

from fillmask_ls.spans import Span
from fillmask_ls.words import find_masks

from .beam_search import search
from .forward_steps import ForwardSteps, run_steps
from .model import MaskedLM
from .results import Candidate
from .subword_search import blank
from .windows import contexts, pieces_at, windows


def rank_targets(
    model: MaskedLM, text: str, targets: Sequence[str], *, mask: int = 0, masks: Sequence[Span] | None = None
) -> list[Candidate]:
    """The targets, each once, by how well they fit, the best first; their probabilities add up to 1.

    A target may have any number of pieces of the model's vocabulary, and is scored as a whole: by the joint probability
    of its pieces, length-corrected as in :mod:`.subword_search`. One that the model can't spell has the probability 0.

    Args:
        targets: words or phrases.
        mask: the number of the mask that they are for.
        masks: as for :func:`~fillmask_ls.mlm.prediction.predict`.

    Raises:
        ValueError: the text has no such mask, or a target is empty or too long for the model.
    """
    return run_steps(model, rank_targets_steps(model, text, targets, mask=mask, masks=masks))


def rank_targets_steps(
    model: MaskedLM, text: str, targets: Sequence[str], *, mask: int, masks: Sequence[Span] | None
) -> ForwardSteps[list[Candidate]]:
    """As :func:`rank_targets`."""
    masks = find_masks(text) if masks is None else masks
    if not 0 <= mask < len(masks):
        raise ValueError(f"there is no mask number {mask}: the text has {len(masks)}")
    targets = [target.strip() for target in targets]
    if not all(targets):
        raise ValueError("a target must not be empty")
    window = next(window for window in windows(model, text, masks) if mask - window.first in window.asked)
    number = mask - window.first
    pieces = {target: pieces_at(model, window, number, target) for target in targets}
    pieces = {target: () if model.tokenizer.unknown_id in ids else ids for target, ids in pieces.items()}
    ways = [(way.ids, way.masks[number]) for way in contexts(model, window)]
    lengths = sorted({len(ids) for ids in pieces.values() if ids})
    if lengths and len(ways[0][0]) + lengths[-1] > model.tokenizer.max_length:
        raise ValueError(f"a target of {lengths[-1]} tokens is too long for the model")
    blanks = [blank(model, ways, length, lambda _tokens: []) for length in lengths]
    goals = list(dict.fromkeys(ids for ids in pieces.values() if ids))
    fillings = yield from search(model.log_probabilities, blanks, width=0, goals=goals)
    found = {filling.complete: filling.log_probability for filling in fillings}
    most = max(found.values(), default=0.0)
    weights = {target: exp(found.get(ids, -inf) - most) for target, ids in pieces.items()}
    total = sum(weights.values()) or 1.0
    tokens = model.tokenizer.vocabulary
    return [
        Candidate(target, weight / total, tuple((tokens[id], id) for id in pieces[target]))
        for target, weight in sorted(weights.items(), key=lambda item: -item[1])
    ]
