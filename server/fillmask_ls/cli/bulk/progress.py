"""Progress on a terminal: rows per second and the time left, in one line of standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

_SECONDS_BETWEEN = 0.5


class Progress:
    """Shows how far a run is, on a terminal only."""

    def __init__(
        self, stream: TextIO | None = None, *, is_shown: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Create a progress line that shows nothing yet.

        Args:
            stream: where to show it; by default standard error.
            is_shown: False to show nothing, as when records are printed on the same terminal.
            clock: returns the time in seconds.
        """
        self._stream = sys.stderr if stream is None else stream
        self._is_shown = is_shown and self._stream is not None and self._stream.isatty()
        self._clock = clock
        self._rows = 0
        self._start: tuple[float, float] | None = None
        self._shown_at = float("-inf")

    def update(self, rows: int, share: float | None) -> None:
        """Show that more rows are done.

        Args:
            rows: how many more.
            share: how much of the input is read, 0 to 1; None if its size is unknown.
        """
        if not self._is_shown:
            return
        now = self._clock()
        if self._start is None:  # loading the model, and rows of an earlier run, say nothing about the speed
            self._start = now, share or 0.0
            return
        self._rows += rows
        seconds, done = now - self._start[0], (share or 0.0) - self._start[1]
        if now - self._shown_at < _SECONDS_BETWEEN or seconds <= 0:
            return
        self._shown_at = now
        parts = [f"{self._rows:,} rows", f"{self._rows / seconds:,.1f} rows per second"]
        if share is not None and done > 0:
            parts = [f"{share:.0%}", *parts, f"{format_seconds(seconds / done * (1 - share))} left"]
        self._put(" · ".join(parts))

    def clear(self) -> None:
        """Remove the line, before something else is printed or at the end."""
        if self._is_shown and self._shown_at > float("-inf"):
            self._put("")

    def _put(self, line: str) -> None:
        try:
            self._stream.write(f"\r\x1b[K{line}")
            self._stream.flush()
        except OSError:
            self._is_shown = False


def format_seconds(seconds: float) -> str:
    """Return a duration, such as ``1:05:09``.

    >>> format_seconds(3909), format_seconds(69)
    ('1:05:09', '1:09')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
