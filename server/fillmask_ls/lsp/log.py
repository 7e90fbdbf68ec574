"""The server's log on standard error: one line per record, written by a thread, never an exception's message.

An editor that doesn't read standard error must not block the event loop, nor the end of the process. Exceptions are logged by
type and location only, because their messages may quote the user's text.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
import traceback
from io import FileIO, RawIOBase
from logging.handlers import QueueHandler, QueueListener
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from . import blocking_io

logger = logging.getLogger(__name__)

_CLOSE_TIMEOUT = 1.0
"""Seconds that the reader of standard error gets to read the rest."""
_MAX_FRAMES = 8


def start(level: str, stream: RawIOBase | None = None) -> Log:
    """Send the log of this process to standard error; call :meth:`Log.close` before the process ends.

    Args:
        level: of our own records: ``"warning"``, ``"info"`` or ``"debug"``.
        stream: an unbuffered file in place of standard error.
    """
    log = Log(_standard_error() if stream is None else stream)
    logging.raiseExceptions = False  # the logging module would print the record that it fails to handle
    logging.basicConfig(level=logging.WARNING, handlers=[log.handler], force=True)
    logging.getLogger("fillmask_ls").setLevel(level.upper())
    logging.getLogger("pygls").setLevel(logging.CRITICAL)  # its messages quote documents
    threading.excepthook = log_thread_exception
    sys.unraisablehook = log_unraisable_exception
    return log


def _standard_error() -> RawIOBase:
    try:
        return FileIO(os.dup(2), "wb")
    except OSError:  # the parent has closed it
        return FileIO(os.devnull, "wb")


class Log:
    """A handler for the root logger, and the thread that writes its records.

    Args:
        stream: an unbuffered file.
        max_queued: how many records may wait to be written; further ones are dropped.

    Attributes:
        handler: formats records and queues them; drops them when the queue is full.
    """

    def __init__(self, stream: RawIOBase, max_queued: int = 10_000) -> None:
        records: SimpleQueue[logging.LogRecord] = SimpleQueue()
        self.handler = _BoundedQueueHandler(records, max_queued)
        self.handler.setFormatter(OneLineFormatter())
        self._listener = QueueListener(records, _StreamHandler(stream))
        self._listener.start()

    def close(self) -> None:
        """Stop; wait up to a second until everything is written."""
        stopping = threading.Thread(target=self._listener.stop, name="fillmask-log-stop", daemon=True)
        stopping.start()
        stopping.join(_CLOSE_TIMEOUT)


class OneLineFormatter(logging.Formatter):
    """Formats a record in one line without control characters: a model's name can contain anything."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1]:
            text += f": {_describe(record.exc_info[1])}"
        line = f"fillmask-ls: {record.levelname}: {text}"
        if line.isprintable():
            return line
        return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in line)


def handle_loop_exception(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an exception that nothing awaits; install it with ``loop.set_exception_handler``.

    asyncio's own handler prints the exception's message and traceback.
    """
    if "exception" in context:
        _log_exception("a background task failed", context["exception"])
    else:
        logger.error("%s", context["message"])


def log_thread_exception(failure: threading.ExceptHookArgs) -> None:
    """Log an exception that a thread doesn't handle, in place of :func:`threading.excepthook`."""
    _log_exception("a thread failed", failure.exc_value)


def log_unraisable_exception(failure: sys.UnraisableHookArgs) -> None:
    """Log an exception that Python can't raise, such as one of a finalizer, in place of :func:`sys.unraisablehook`."""
    _log_exception("an exception was ignored", failure.exc_value)


def _log_exception(what: str, exception: BaseException | None) -> None:
    if isinstance(exception, Exception):  # neither a cancellation nor an interrupt
        logger.error("%s: %s", what, _describe(exception))


def _describe(exception: BaseException) -> str:
    """Return an exception's type and where it was raised, innermost frame first."""
    frames = traceback.extract_tb(exception.__traceback__)[-_MAX_FRAMES:]
    places = [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in reversed(frames)]
    return " < ".join([type(exception).__name__, *places])


class _BoundedQueueHandler(QueueHandler):
    queue: SimpleQueue[logging.LogRecord]

    def __init__(self, records: SimpleQueue[logging.LogRecord], max_queued: int) -> None:
        super().__init__(records)
        self._max_queued = max_queued

    def enqueue(self, record: logging.LogRecord) -> None:
        if self.queue.qsize() < self._max_queued:
            super().enqueue(record)


class _StreamHandler(logging.Handler):
    def __init__(self, stream: RawIOBase) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError, ValueError):  # the reader is gone
            blocking_io.write(self._stream, (record.getMessage() + "\n").encode("utf-8", "backslashreplace"))
