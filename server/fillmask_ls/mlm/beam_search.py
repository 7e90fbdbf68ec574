"""Beam search over the open positions of a passage, most confident position first.

The order is that of mask-predict (Ghazvininejad et al. 2019), with one position a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf, log

import torch
from torch import Tensor

from .forward_steps import ForwardStep, ForwardSteps

Tokens = tuple[int | None, ...]
"""A token for each open position, None while it is open."""

AllowedTokens = Callable[[Tokens], list[tuple[int, Tensor]]]
"""Returns, for the tokens so far, the slots that may be filled next, each with its allowed tokens, bool [vocabulary]."""

_Beam = list["Hypothesis"]
_State = tuple[int, Tokens]
Scores = dict[_State, Tensor]
"""Log-probabilities [open positions, vocabulary] for the states of a beam."""


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A passage with open positions, called slots.

    Attributes:
        rows: token ids with the mask at each open position; several rows if the passage has several contexts, whose
            probabilities are averaged.
        positions: the open positions in a row, in order; the same in all rows.
        allowed: which tokens may fill which slots.
        bonus: added to the log-probability of each hypothesis, in nats.
    """

    rows: Sequence[Sequence[int]]
    positions: Sequence[int]
    allowed: AllowedTokens
    bonus: float = 0.0

    def fill(self, tokens: Tokens) -> list[list[int]]:
        """Return the rows with the tokens in their slots."""
        rows = [list(row) for row in self.rows]
        for row in rows:
            for position, token in zip(self.positions, tokens, strict=True):
                if token is not None:
                    row[position] = token
        return rows

    def open_positions(self, tokens: Tokens) -> list[int]:
        """Return the positions that the tokens leave open."""
        return [position for position, token in zip(self.positions, tokens, strict=True) if token is None]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Tokens for a template, some slots still open.

    Attributes:
        template: the index of the template.
        tokens: one for each slot.
        log_probability: of the tokens together, plus the template's bonus, in nats.
        required_tokens: the tokens that the hypothesis must end with; None if it is free.
    """

    template: int
    tokens: Tokens
    log_probability: float
    required_tokens: tuple[int, ...] | None = None

    @property
    def filled_tokens(self) -> tuple[int, ...]:
        """The tokens of the slots that are filled."""
        return tuple(token for token in self.tokens if token is not None)

    @property
    def open_slots(self) -> list[int]:
        """The indexes of the slots that are open."""
        return [slot for slot, token in enumerate(self.tokens) if token is None]

    def fill(self, slot: int, token: int, log_probability: float) -> Hypothesis:
        """Return the hypothesis with one more slot filled."""
        tokens = (*self.tokens[:slot], token, *self.tokens[slot + 1 :])
        return Hypothesis(self.template, tokens, self.log_probability + log_probability, self.required_tokens)


def beam_search(
    log_probabilities: Callable[[Tensor], Tensor],
    templates: Sequence[Template],
    *,
    beam_size: int,
    min_log_probability: float = -inf,
    targets: Iterable[Sequence[int]] = (),
    scores: Scores | None = None,
) -> ForwardSteps[list[Hypothesis]]:
    """Search for the most probable tokens of several templates at once.

    Args:
        log_probabilities: turns logits [..., vocabulary] into log-probabilities.
        templates: the passages; no two with the same number of slots if there are targets.
        beam_size: how many free hypotheses of each template continue after a step; 0 to score targets only.
        min_log_probability: hypotheses below it are dropped.
        targets: token sequences to score besides, each in the template with as many slots.
        scores: those of the first step, if they are known: the result of :func:`score_open_templates`.

    Returns:
        Complete hypotheses, the most probable first.
    """
    beam = _first_beam(templates, beam_size, targets)
    complete: dict[_State, Hypothesis] = {}
    while beam:
        scores = scores or (yield from _score_steps(log_probabilities, templates, beam))
        extended = _extend_all(beam, templates, scores, beam_size, min_log_probability)
        scores = None
        beam = []
        for hypothesis in _prune(extended, beam_size):
            state = (hypothesis.template, hypothesis.tokens)
            if None in hypothesis.tokens:
                beam.append(hypothesis)
            elif state not in complete or complete[state].log_probability < hypothesis.log_probability:
                complete[state] = hypothesis
    return sorted(complete.values(), key=_by_probability)


def score_open_templates(
    log_probabilities: Callable[[Tensor], Tensor], templates: Sequence[Template]
) -> ForwardSteps[Scores]:
    """Compute the log-probabilities at all positions of templates in which nothing is filled."""
    return (yield from _score_steps(log_probabilities, templates, _first_beam(templates, 1, ())))


def _by_probability(hypothesis: Hypothesis) -> float:
    return -hypothesis.log_probability


def _first_beam(templates: Sequence[Template], beam_size: int, targets: Iterable[Sequence[int]]) -> _Beam:
    def empty(index: int, target: tuple[int, ...] | None = None) -> Hypothesis:
        template = templates[index]
        return Hypothesis(index, (None,) * len(template.positions), template.bonus, target)

    by_length = {len(template.positions): index for index, template in enumerate(templates)}
    beam = [empty(index) for index in range(len(templates))] if beam_size else []
    return beam + [empty(by_length[len(target)], tuple(target)) for target in targets if len(target) in by_length]


def _score_steps(
    log_probabilities: Callable[[Tensor], Tensor], templates: Sequence[Template], beam: _Beam
) -> ForwardSteps[Scores]:
    """Compute the log-probabilities at the open positions of each state of the beam."""
    states = list(dict.fromkeys((hypothesis.template, hypothesis.tokens) for hypothesis in beam))
    rows: list[list[int]] = []
    positions: list[list[int]] = []
    for index, tokens in states:
        template = templates[index]
        rows += template.fill(tokens)
        positions += [template.open_positions(tokens)] * len(template.rows)
    all_scores = log_probabilities((yield ForwardStep(rows, positions)))
    scores = {}
    start = 0
    for index, tokens in states:
        contexts, slots = len(templates[index].rows), tokens.count(None)
        by_context = all_scores[start : start + contexts * slots].view(contexts, slots, -1)
        start += contexts * slots
        scores[index, tokens] = by_context[0] if contexts == 1 else by_context.logsumexp(0) - log(contexts)
    return scores


def _extend_all(
    beam: _Beam, templates: Sequence[Template], scores: Scores, beam_size: int, min_log_probability: float
) -> Iterable[Hypothesis]:
    """Extend each hypothesis; of those that become equal, keep the most probable."""
    best: dict[tuple[int, Tokens, tuple[int, ...] | None], Hypothesis] = {}
    for hypothesis in beam:
        state_scores = scores[hypothesis.template, hypothesis.tokens]
        for extended in _extend(hypothesis, templates[hypothesis.template], state_scores, beam_size):
            key = (extended.template, extended.tokens, extended.required_tokens)
            if extended.log_probability >= max(min_log_probability, best[key].log_probability if key in best else -inf):
                best[key] = extended
    return best.values()


def _extend(hypothesis: Hypothesis, template: Template, scores: Tensor, beam_size: int) -> list[Hypothesis]:
    """Fill one more slot, the one that the model is most confident about."""
    row_of = {slot: row for row, slot in enumerate(hypothesis.open_slots)}
    if hypothesis.required_tokens is not None:
        required = hypothesis.required_tokens
        likelihoods = {slot: float(scores[row, required[slot]]) for slot, row in row_of.items()}
        slot = max(likelihoods, key=likelihoods.__getitem__)
        return [hypothesis.fill(slot, required[slot], likelihoods[slot])]
    best_value, best_slot, best_scores = -inf, 0, torch.empty(0)
    for slot, allowed in template.allowed(hypothesis.tokens):
        slot_scores = scores[row_of[slot], : len(allowed)].masked_fill(~allowed, -inf)
        value = float(slot_scores.max())
        if value > best_value:
            best_value, best_slot, best_scores = value, slot, slot_scores
    top = best_scores.topk(min(beam_size, len(best_scores)))
    return [
        hypothesis.fill(best_slot, token, value)
        for value, token in zip(top.values.tolist(), top.indices.tolist(), strict=True)
        if value > -inf
    ]


def _prune(hypotheses: Iterable[Hypothesis], beam_size: int) -> Iterable[Hypothesis]:
    """Yield the hypotheses with required tokens, and the ``beam_size`` most probable free ones of each template."""
    kept: dict[int, int] = {}
    for hypothesis in sorted(hypotheses, key=_by_probability):
        if hypothesis.required_tokens is None:
            kept[hypothesis.template] = kept.get(hypothesis.template, 0) + 1
            if kept[hypothesis.template] > beam_size:
                continue
        yield hypothesis
