"""Admission to the shared engine: refuse a question that would wait too long for others."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..api import Priority
from .pricing import Price

_MAX_WAIT = {Priority.INTERACTIVE: 1.5, Priority.HINT: 5.0, Priority.BACKGROUND: 30.0}
"""Maximum seconds that a question waits for others."""
_MAX_SLOWDOWN = 4
"""A question may wait longer than that if it waits at most this many times as long as it takes itself."""
_DECAY = 0.98
"""Factor of the weight of earlier steps in the average of seconds per token, at each step."""


class OverloadedError(Exception):
    """The engine has too many questions to answer.

    Attributes:
        retry_after: the seconds after which the question would be admitted, if no other comes before.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"the engine is overloaded: ask again in {retry_after} s")
        self.retry_after = retry_after


@dataclass(eq=False, slots=True)
class Ticket:
    """An admitted request.

    Attributes:
        priority: follows from the price.
        remaining: the tokens of the price that are not computed yet.
        on_progress: callback that takes the number of tokens of each forward step, on any thread.
    """

    priority: Priority
    remaining: int
    on_progress: Callable[[int], None]


class Admission:
    """Estimates how long a new question would wait, from the prices of the others and the recent speed.

    Questions of a higher priority run first; those of one priority share the model's time, see
    :class:`~fillmask_ls.engine.job_queue.JobQueue`.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tickets: set[Ticket] = set()
        self._busy_since = 0.0
        self._seconds = self._tokens = 0.0

    @property
    def waiting(self) -> int:
        """The number of admitted requests that are not answered."""
        return len(self._tickets)

    @property
    def waiting_tokens(self) -> int:
        """The number of tokens that the network still has to read for them."""
        return sum(ticket.remaining for ticket in self._tickets)

    @contextmanager
    def admit(self, price: Price) -> Iterator[Ticket]:
        """Admit a question; it is answered, or cancelled, when the context ends.

        Args:
            price: of the question.

        Yields:
            The question's ticket.

        Raises:
            OverloadedError: it would wait too long.
        """
        self._check_wait(price)
        if not self._tickets:
            self._busy_since = self._clock()
        ticket = Ticket(price.priority, price.forward_tokens, lambda tokens: self._record_step(ticket, tokens))
        self._tickets.add(ticket)
        try:
            yield ticket
            self._record_step(ticket, ticket.remaining)
        finally:
            self._tickets.discard(ticket)

    def _record_step(self, ticket: Ticket, tokens: int) -> None:
        """Update the speed by the tokens of a step; those beyond the price are not counted."""
        tokens = min(tokens, ticket.remaining)
        ticket.remaining -= tokens
        now = self._clock()
        taken, self._busy_since = now - self._busy_since, now
        self._seconds = self._seconds * _DECAY + taken
        self._tokens = self._tokens * _DECAY + tokens

    def _check_wait(self, price: Price) -> None:
        per_token = self._seconds / self._tokens if self._tokens else 0.0
        if not per_token:
            return
        first = sum(ticket.remaining for ticket in self._tickets if ticket.priority < price.priority)
        equal = [ticket.remaining for ticket in self._tickets if ticket.priority is price.priority]
        limit = max(_MAX_WAIT[price.priority] / per_token, _MAX_SLOWDOWN * price.forward_tokens)
        if first + _tokens_ahead(price.forward_tokens, equal) > limit:
            seconds = per_token * _until_admitted(price.forward_tokens, first, equal, limit)
            raise OverloadedError(max(1, math.ceil(round(seconds, 3))))


def _tokens_ahead(tokens: int, others: list[int]) -> int:
    """Return the tokens of others that are computed before a question of ``tokens`` is answered, if all take turns."""
    return sum(min(tokens, each) for each in others)


def _until_admitted(tokens: int, first: int, equal: list[int], limit: float) -> float:
    """Return the tokens to compute until at most ``limit`` would be computed before a question's own."""
    ahead = _tokens_ahead(tokens, equal)
    if ahead <= limit:
        return first + ahead - limit
    left, computed = sorted(equal), float(first)
    while left and _tokens_ahead(tokens, left) > limit:
        shortest = left[0]
        computed += shortest * len(left)
        left = [each - shortest for each in left[1:]]
    return computed
