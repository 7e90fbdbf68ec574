"""Fill several open positions of a passage so that they agree: beam search, the most confident position first.

The order is that of mask-predict's heirs (Ghazvininejad et al. 2019, with one position a step): on words of two and
three pieces it finds the right one more often than left to right does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from .forward_steps import ForwardStep, ForwardSteps

Tokens = tuple[int | None, ...]
"""A token for each open position, None where it is open still."""

Choices = Callable[[Tokens], list[tuple[int, Tensor]]]
"""For what is filled so far: the places that may be filled next, each with the tokens that may stand there, bool
[vocabulary]."""


@dataclass(frozen=True, slots=True, eq=False)
class Blank:
    """A passage with ``n`` open positions.

    Attributes:
        rows: token ids, with the mask at each open position; more than one where the passage can go on in several
            ways, whose probabilities are averaged.
        open: the open positions, in order.
        weight: in nats, added to the log-probability of each filling.
    """

    rows: Sequence[Sequence[int]]
    open: range | Sequence[int]
    choices: Choices
    weight: float = 0.0

    def filled(self, tokens: Tokens) -> list[list[int]]:
        """The rows with the tokens in their places."""
        rows = [list(row) for row in self.rows]
        for row in rows:
            for position, token in zip(self.open, tokens, strict=True):
                if token is not None:
                    row[position] = token
        return rows


@dataclass(frozen=True, slots=True)
class Filling:
    """A blank, by its number, with tokens, and the logarithm of their joint probability, weight included.

    ``goal`` are the only tokens that it may still become; none where it may become any.
    """

    blank: int
    tokens: Tokens
    log_probability: float
    goal: tuple[int, ...] | None = None

    @property
    def complete(self) -> tuple[int, ...]:
        """The tokens of a filling that has none open."""
        return tuple(token for token in self.tokens if token is not None)


def search(
    log_probabilities: Callable[[Tensor], Tensor],
    blanks: Sequence[Blank],
    *,
    width: int,
    floor: float = -inf,
    goals: Sequence[Sequence[int]] = (),
    goal_width: int | None = None,
) -> ForwardSteps[list[Filling]]:
    """The best fillings of each blank, the best of all first.

    Args:
        log_probabilities: of logits [..., vocabulary].
        width: how many fillings of each blank are kept from step to step; 0 for the goals only.
        floor: a filling whose logarithm falls below is given up.
        goals: fillings to try besides, each for the blank that has as many open positions.
        goal_width: how many goals are followed behind the first step; all when not given.
    """
    beam = [Filling(i, (None,) * len(blank.open), blank.weight) for i, blank in enumerate(blanks)] if width else []
    sizes = {len(blank.open): i for i, blank in enumerate(blanks)}
    beam += [
        Filling(sizes[len(goal)], (None,) * len(goal), blanks[sizes[len(goal)]].weight, tuple(goal))
        for goal in goals
        if len(goal) in sizes
    ]
    done: dict[tuple[int, Tokens], Filling] = {}
    first = True
    while beam:
        found = yield from _asked(log_probabilities, blanks, beam)
        if first and goal_width is not None:
            beam = _likeliest_goals(beam, found, goal_width)
        first = False
        grown: dict[tuple[int, Tokens, tuple[int, ...] | None], Filling] = {}
        for filling in beam:
            for new in _grown(filling, blanks[filling.blank], found[filling.blank, filling.tokens], width):
                key = (new.blank, new.tokens, new.goal)
                if new.log_probability >= max(floor, grown[key].log_probability if key in grown else -inf):
                    grown[key] = new
        beam = []
        kept = dict.fromkeys(range(len(blanks)), 0)
        for new in sorted(grown.values(), key=lambda filling: -filling.log_probability):
            if new.goal is None:
                kept[new.blank] += 1
                if kept[new.blank] > width:
                    continue
            if None in new.tokens:
                beam.append(new)
            else:
                key_done = (new.blank, new.tokens)
                if key_done not in done or done[key_done].log_probability < new.log_probability:
                    done[key_done] = new
    return sorted(done.values(), key=lambda filling: -filling.log_probability)


def _asked(
    log_probabilities: Callable[[Tensor], Tensor], blanks: Sequence[Blank], beam: Sequence[Filling]
) -> ForwardSteps[dict[tuple[int, Tokens], Tensor]]:
    """For each state of the beam the log-probabilities [n, vocabulary], zero at the places that are filled."""
    states = list(dict.fromkeys((filling.blank, filling.tokens) for filling in beam))
    rows: list[list[int]] = []
    asked: list[list[int]] = []
    for number, tokens in states:
        blank = blanks[number]
        rows += blank.filled(tokens)
        asked += [[at for at, token in zip(blank.open, tokens, strict=True) if token is None]] * len(blank.rows)
    answer = log_probabilities((yield ForwardStep(rows, asked)))
    found = {}
    start = 0
    for number, tokens in states:
        contexts, places = len(blanks[number].rows), tokens.count(None)
        part = answer[start : start + contexts * places].view(contexts, places, -1)
        start += contexts * places
        mean = part[0] if contexts == 1 else part.logsumexp(0) - torch.tensor(float(contexts)).log()
        found[number, tokens] = mean
    return found


def _grown(filling: Filling, blank: Blank, found: Tensor, width: int) -> list[Filling]:
    """The filling with one place more filled: the one that the model is most sure of."""
    row_of = {place: row for row, place in enumerate(i for i, token in enumerate(filling.tokens) if token is None)}
    if filling.goal is not None:
        sure = {place: float(found[row, filling.goal[place]]) for place, row in row_of.items()}
        place = max(sure, key=sure.__getitem__)
        return [_with(filling, place, filling.goal[place], sure[place])]
    best: tuple[float, int, Tensor] | None = None
    for place, fitting in blank.choices(filling.tokens):
        values = found[row_of[place], : len(fitting)].masked_fill(~fitting, -inf)
        most = float(values.max())
        if best is None or most > best[0]:
            best = most, place, values
    if best is None or best[0] == -inf:
        return []
    top = best[2].topk(min(width, len(best[2])))
    return [
        _with(filling, best[1], token, value)
        for value, token in zip(top.values.tolist(), top.indices.tolist(), strict=True)
        if value > -inf
    ]


def _with(filling: Filling, place: int, token: int, log_probability: float) -> Filling:
    tokens = (*filling.tokens[:place], token, *filling.tokens[place + 1 :])
    return Filling(filling.blank, tokens, filling.log_probability + log_probability, filling.goal)


def _likeliest_goals(
    beam: Sequence[Filling], found: dict[tuple[int, Tokens], Tensor], goal_width: int
) -> list[Filling]:
    """The beam with the goals only whose tokens, each by itself, are likeliest."""

    def likelihood(filling: Filling) -> float:
        each = found[filling.blank, filling.tokens]
        return float(each[range(len(filling.goal or ())), list(filling.goal or ())].sum())

    goals = sorted((filling for filling in beam if filling.goal is not None), key=likelihood, reverse=True)
    return [filling for filling in beam if filling.goal is None] + goals[:goal_width]
