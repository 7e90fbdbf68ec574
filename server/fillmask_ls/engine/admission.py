"""Admission to the shared engine: who waits for whom, and who is asked to come again later."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .api import Priority
from .pricing import Price

_LONGEST_WAIT = {Priority.INTERACTIVE: 1.5, Priority.HINT: 5.0, Priority.BACKGROUND: 30.0}
"""Seconds that a client would wait for others: a question that would wait longer is refused at once."""
_MOST_SHARING = 4
"""Unless the others take only this many times as long as the question itself."""
_MEMORY = 0.98
"""What a token weighs in the average of seconds per token after another step was computed."""


class OverloadedError(Exception):
    """There is too much to do.

    Attributes:
        retry_after: the seconds after which the question would be admitted, if no other comes before.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__("there is too much to do")
        self.retry_after = retry_after


@dataclass(eq=False, slots=True)
class Ticket:
    """An admitted question.

    Attributes:
        priority: follows from the price.
        remaining: the tokens of the price that are not computed yet.
        computed: to call after each forward step with the number of its tokens, on any thread.
    """

    priority: Priority
    remaining: int
    computed: Callable[[int], None]


class Admission:
    """Estimates from prices and from the speed of late how long a new question would wait.

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
        """The number of admitted questions that are not answered."""
        return len(self._tickets)

    @property
    def waiting_tokens(self) -> int:
        """What they have to compute."""
        return sum(ticket.remaining for ticket in self._tickets)

    @contextmanager
    def admit(self, price: Price) -> Iterator[Ticket]:
        """Admit a question; it is answered, or given up, when the context ends.

        Raises:
            OverloadedError: it would wait too long.
        """
        self._check_wait(price)
        if not self._tickets:
            self._busy_since = self._clock()
        ticket = Ticket(price.priority, price.tokens, lambda tokens: self._compute(ticket, tokens))
        self._tickets.add(ticket)
        try:
            yield ticket
            self._compute(ticket, ticket.remaining)
        finally:
            self._tickets.discard(ticket)

    def _compute(self, ticket: Ticket, tokens: int) -> None:
        """Learn the speed from computed tokens; more than the price is not counted."""
        tokens = min(tokens, ticket.remaining)
        ticket.remaining -= tokens
        now = self._clock()
        taken, self._busy_since = now - self._busy_since, now
        self._seconds = self._seconds * _MEMORY + taken
        self._tokens = self._tokens * _MEMORY + tokens

    def _check_wait(self, price: Price) -> None:
        per_token = self._seconds / self._tokens if self._tokens else 0.0
        if not per_token:
            return
        first = sum(ticket.remaining for ticket in self._tickets if ticket.priority < price.priority)
        equal = [ticket.remaining for ticket in self._tickets if ticket.priority is price.priority]
        limit = max(_LONGEST_WAIT[price.priority] / per_token, _MOST_SHARING * price.tokens)
        if first + _ahead(price.tokens, equal) > limit:
            seconds = per_token * _until_admitted(price.tokens, first, equal, limit)
            raise OverloadedError(max(1, math.ceil(round(seconds, 3))))


def _ahead(tokens: int, others: list[int]) -> int:
    """Return what others compute before a question of ``tokens`` is answered, if all share the time equally."""
    return sum(min(tokens, each) for each in others)


def _until_admitted(tokens: int, first: int, equal: list[int], limit: float) -> float:
    """Return the tokens to compute until at most ``limit`` would be computed before a question's own."""
    ahead = _ahead(tokens, equal)
    if ahead <= limit:
        return first + ahead - limit
    left, computed = sorted(equal), float(first)
    while left and _ahead(tokens, left) > limit:
        shortest = left[0]
        computed += shortest * len(left)
        left = [each - shortest for each in left[1:]]
    return computed
