"""Forward steps on the model's thread: their order, shared steps, and cancelled jobs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any

import pytest
import torch

from fillmask_ls.engine.api import Priority
from fillmask_ls.engine.job_queue import ModelSteps
from fillmask_ls.engine.scheduler import ModelPanicError, Scheduler
from fillmask_ls.mlm.forward_steps import ForwardStep, ForwardSteps


class PanicException(BaseException):
    """Like pyo3's class of this name, not a subclass of ``Exception``."""


class RecordingModel:
    """Computes zeros, and records its forward passes. The rows of a question consist of its number.

    Attributes:
        passes: the numbers of the rows of each forward pass, in order.
        at_yield_point: called at the yield point of each pass, with the numbers of its rows.
    """

    def __init__(self) -> None:
        self.passes: list[list[int]] = []
        self.at_yield_point: Callable[[list[int]], None] = lambda numbers: None

    def logits(
        self, rows: Sequence[Sequence[int]], positions: Sequence[Sequence[int]], yield_point: Callable[[], None]
    ) -> torch.Tensor:
        numbers = [row[0] for row in rows]
        self.passes.append(numbers)
        self.at_yield_point(numbers)
        if 13 in numbers:
            raise RuntimeError("unlucky")
        yield_point()
        return torch.zeros(sum(map(len, positions)), 2)


class Harness:
    """A scheduler with a recording model.

    Attributes:
        answered: the numbers of the answered questions.
    """

    def __init__(self, *, fair: bool = False) -> None:
        self.model = RecordingModel()
        self.scheduler = Scheduler(fair=fair)
        self.answered: list[int] = []

    def submit(
        self, number: int, priority: Priority = Priority.INTERACTIVE, *, steps: int = 1, length: int = 5
    ) -> Future[Any]:
        """Submit a question that needs ``steps`` forward steps of one row with ``length`` tokens."""

        def question() -> ForwardSteps[int]:
            for _ in range(steps):
                yield ForwardStep([[number] * length], [[0]])
            self.answered.append(number)
            return number

        return self.scheduler.submit(priority, lambda: ModelSteps(self.model, question()))  # type: ignore[arg-type]

    def hold(self) -> threading.Event:
        """Block the model's thread until the returned event is set. Return when it is blocked."""
        busy, release = threading.Event(), threading.Event()

        def wait() -> None:
            busy.set()
            release.wait(10)

        self.scheduler.submit(Priority.LOADING, wait)
        busy.wait(10)
        return release


@pytest.fixture
def harness() -> Iterator[Harness]:
    harness = Harness()
    yield harness
    harness.scheduler.close()


def test_rows_of_similar_length_share_a_forward_pass(harness: Harness) -> None:
    release = harness.hold()
    futures = [harness.submit(1), harness.submit(2), harness.submit(3, length=50), harness.submit(4)]
    release.set()
    assert [each.result(10) for each in futures] == [1, 2, 3, 4]
    assert harness.model.passes == [[4, 2, 1], [3]]


def test_shared_pass_has_at_most_eight_jobs_and_few_tokens(harness: Harness) -> None:
    release = harness.hold()
    futures = [harness.submit(number) for number in range(20, 30)]
    futures += [harness.submit(number, Priority.HINT, length=400) for number in (30, 31)]
    release.set()
    for each in futures:
        each.result(10)
    assert [len(numbers) for numbers in harness.model.passes] == [8, 2, 1, 1]


def test_interactive_question_runs_between_two_steps_of_a_hint(harness: Harness) -> None:
    def urgent(numbers: list[int]) -> None:
        if numbers == [1] and len(harness.model.passes) == 1:
            urgent_question.append(harness.submit(2))

    urgent_question: list[Future[Any]] = []
    harness.model.at_yield_point = urgent
    assert harness.submit(1, Priority.HINT, steps=3).result(10) == 1
    assert harness.model.passes == [[1], [2], [1], [1]]
    assert harness.answered == [2, 1]


def test_interactive_question_runs_at_the_yield_point_of_a_step(harness: Harness) -> None:
    def urgent(numbers: list[int]) -> None:
        if numbers == [1]:
            harness.submit(2, Priority.HINT)
            harness.submit(3)

    harness.model.at_yield_point = urgent
    harness.submit(1, Priority.HINT).result(10)
    assert harness.answered[:2] == [3, 1]


def test_known_answer_waits_for_no_forward_pass_of_others_if_fair() -> None:
    harness = Harness(fair=True)

    def at_yield_point(numbers: list[int]) -> None:
        if numbers == [1]:
            harness.submit(2)
            harness.submit(3, steps=0)

    harness.model.at_yield_point = at_yield_point
    harness.submit(1).result(10)
    harness.scheduler.close()
    assert harness.answered[:2] == [3, 1]


def test_interactive_question_runs_before_the_next_job_of_a_shared_step(harness: Harness) -> None:
    release = harness.hold()

    def begin() -> int:
        harness.submit(3)
        harness.answered.append(1)
        return 1

    second = harness.submit(2, Priority.HINT)
    first = harness.scheduler.submit(Priority.HINT, begin)
    release.set()
    first.result(10)
    second.result(10)
    assert harness.answered == [1, 3, 2]


def test_failure_of_one_job_does_not_reach_the_others_of_its_step(harness: Harness) -> None:
    release = harness.hold()
    good, bad = harness.submit(1), harness.submit(13)
    release.set()
    assert good.result(10) == 1
    with pytest.raises(RuntimeError, match="unlucky"):
        bad.result(10)


def test_cancelled_job_stops_before_its_next_step(harness: Harness) -> None:
    futures: list[Future[Any]] = []
    harness.model.at_yield_point = lambda numbers: futures[0].cancel() and None
    release = harness.hold()
    futures.append(harness.submit(1, steps=4))
    release.set()
    with pytest.raises(CancelledError):
        futures[0].result(10)
    assert harness.submit(2).result(10) == 2
    assert harness.model.passes == [[1], [2]]


def test_job_that_is_cancelled_before_its_first_step_is_never_begun(harness: Harness) -> None:
    release = harness.hold()
    begun: list[int] = []
    for _ in range(21):
        harness.scheduler.submit(Priority.INTERACTIVE, lambda: begun.append(1)).cancel()
    release.set()
    assert harness.submit(1).result(10) == 1
    assert begun == []
    assert harness.model.passes == [[1]]


def test_job_that_is_cancelled_after_it_was_taken_is_never_begun(harness: Harness) -> None:
    release = harness.hold()
    begun: list[int] = []
    first = harness.scheduler.submit(Priority.HINT, lambda: second.cancel())
    second = harness.scheduler.submit(Priority.HINT, lambda: begun.append(2))
    release.set()
    assert first.result(10)
    assert harness.submit(3).result(10) == 3
    assert begun == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_keyboard_interrupt_and_system_exit_are_raised(harness: Harness, error: type[BaseException]) -> None:
    def begin() -> None:
        raise error

    with pytest.raises(error):
        harness.scheduler.submit(Priority.INTERACTIVE, begin).result(10)


def test_panic_of_a_native_extension_becomes_an_exception(harness: Harness) -> None:
    def begin() -> None:
        raise PanicException("called `Option::unwrap()` on a `None` value")

    with pytest.raises(ModelPanicError, match=r"PanicException: called `Option::unwrap"):
        harness.scheduler.submit(Priority.INTERACTIVE, begin).result(10)
    assert harness.submit(1).result(10) == 1


def test_closed_scheduler_cancels_all_jobs() -> None:
    harness = Harness()
    release = harness.hold()
    waiting = harness.submit(1)
    release.set()
    harness.scheduler.close()
    assert waiting.done()
    assert harness.submit(2).cancelled()
