"""The server's log on standard error: one line a record, and nobody waits for whoever doesn't read it."""

from __future__ import annotations

import contextlib
import logging
import queue
import sys
import threading

_MOST_WAITING = 10_000
"""Records; of more, the newest are lost."""
_SECONDS_TO_READ = 1


class Handler(logging.Handler):
    """Writes by a thread of its own: an editor that leaves standard error unread would hold up the event loop."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: queue.Queue[str] = queue.Queue(_MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="fillmask-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(self.format(record))

    def format(self, record: logging.LogRecord) -> str:
        """In one line, with nothing in it that a terminal would act on: a model's name can hold anything."""
        text = f"fillmask-ls: {record.levelname}: {super().format(record)}"
        return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)

    def close(self) -> None:
        """Wait, a second at most, until everything is written."""
        if self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._waiting.put("", timeout=_SECONDS_TO_READ)
            self._thread.join(_SECONDS_TO_READ)
        super().close()

    def _run(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody will ever read it
            while line := self._waiting.get():
                print(line, file=sys.stderr, flush=True)
