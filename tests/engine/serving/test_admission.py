"""Admission to a shared engine: which questions are refused, and when they would be admitted."""

from __future__ import annotations

from contextlib import ExitStack, suppress

import pytest

from fillmask_ls.engine.serving.admission import Admission, OverloadedError, Ticket
from fillmask_ls.engine.serving.pricing import Price

CHEAP, EXPENSIVE = Price(100), Price(200_000)


class GivenUpError(Exception):
    """Ends a question before it is answered."""


class Clock:
    """Time that passes only while something is computed."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Computer:
    """A model that computes a thousand tokens per second."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.admission = Admission(self.clock)
        with self.admission.admit(CHEAP) as ticket:
            self.compute(ticket, 100)

    def compute(self, ticket: Ticket, tokens: int) -> None:
        self.clock.now += tokens / 1000
        ticket.on_progress(tokens)

    def retry_after(self, price: Price) -> int | None:
        """Return the seconds until a refused question would be admitted; None if it is admitted."""
        try:
            with suppress(GivenUpError), self.admission.admit(price):
                raise GivenUpError
        except OverloadedError as error:
            return error.retry_after
        return None


def test_cheap_question_is_admitted_however_many_expensive_ones_wait() -> None:
    computer = Computer()
    with ExitStack() as admitted:
        for _ in range(4):
            admitted.enter_context(computer.admission.admit(EXPENSIVE))
        assert computer.retry_after(CHEAP) is None


def test_too_many_cheap_questions_are_refused_until_the_time_of_retry_after() -> None:
    computer = Computer()
    with ExitStack() as admitted:
        tickets = [admitted.enter_context(computer.admission.admit(CHEAP)) for _ in range(15)]
        admitted.enter_context(computer.admission.admit(CHEAP))
        seconds = computer.retry_after(CHEAP)
        assert seconds == 2
        for ticket in tickets:
            if computer.clock.now < seconds:
                computer.compute(ticket, 100)
        assert computer.retry_after(CHEAP) is None


def test_expensive_questions_share_the_time_up_to_a_limit() -> None:
    computer = Computer()
    with ExitStack() as admitted:
        tickets = [admitted.enter_context(computer.admission.admit(EXPENSIVE)) for _ in range(5)]
        seconds = computer.retry_after(EXPENSIVE)
        assert seconds == 1000
        for ticket in tickets:
            computer.compute(ticket, 200_000)
        assert computer.retry_after(EXPENSIVE) is None


def test_waiting_questions_of_a_higher_priority_count_in_full() -> None:
    computer = Computer()
    with ExitStack() as admitted:
        for _ in range(16):
            admitted.enter_context(computer.admission.admit(CHEAP))
        middle = Price(6000)
        assert middle.priority > CHEAP.priority
        assert computer.retry_after(middle) is None
        for _ in range(4):
            admitted.enter_context(computer.admission.admit(middle))
        assert computer.retry_after(middle) == 2


@pytest.mark.parametrize("failed", [False, True])
def test_question_that_ends_waits_no_longer(failed: bool) -> None:
    computer = Computer()
    try:
        with computer.admission.admit(EXPENSIVE):
            assert (computer.admission.waiting, computer.admission.waiting_tokens) == (1, 200_000)
            if failed:
                raise ValueError
    except ValueError:
        pass
    assert (computer.admission.waiting, computer.admission.waiting_tokens) == (0, 0)
