"""A limit of the processor time that lexers and grammars take for a source: for some text they take seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf
from time import perf_counter, thread_time

_SECONDS_BETWEEN_LOOKS = 0.001
"""Processor time is read no more often than this: unlike the time that passes, it takes a call of the system."""


class TimeLimitError(Exception):
    """Reading a source takes too long."""


@dataclass(slots=True)
class _Left:
    seconds: float


_left: ContextVar[_Left | None] = ContextVar("left", default=None)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limit the processor time of all :func:`timer` in the body of the ``with``, together."""
    outer = _left.set(_Left(seconds))
    try:
        yield
    finally:
        _left.reset(outer)


def timer(more: float = 0.0) -> Callable[[], bool]:
    """Start to count processor time of this thread, and return a function that tells whether the limit is exceeded.

    Time is counted at each call of the function; what happens between timers, such as imports, isn't.

    Args:
        more: seconds to add to the limit.
    """
    left = _left.get() or _Left(inf)
    left.seconds += more
    last = thread_time()
    next_look = perf_counter() + _SECONDS_BETWEEN_LOOKS

    def is_exceeded() -> bool:
        nonlocal last, next_look
        if perf_counter() < next_look:
            return left.seconds < 0
        next_look = perf_counter() + _SECONDS_BETWEEN_LOOKS
        now = thread_time()
        left.seconds -= now - last
        last = now
        return left.seconds < 0

    return is_exceeded
