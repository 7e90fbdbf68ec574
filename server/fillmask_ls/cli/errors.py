"""Exit codes, and the errors that end a command with one line on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
from enum import IntEnum
from typing import TextIO


class ExitCode(IntEnum):
    OK = 0
    FAILED = 1
    """The text contains no mask, or some rows failed."""
    USAGE = 2
    """Wrong arguments, or input or output that cannot be read or written."""
    NO_MODEL = 3
    INTERNAL_ERROR = 4
    INTERRUPTED = 130
    """As a shell reports a program that SIGINT ended."""


class CommandError(Exception):
    """The command cannot run, for a reason that the user can fix."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type[CommandError], tuple[str, ExitCode]]:
        return CommandError, (str(self), self.code)


def missing_extra(what: str, extra: str) -> CommandError:
    """Return the error that ``what`` needs packages that are not installed, and how to install them."""
    return CommandError(
        f"{what} needs the extra {extra!r}: in the clone, run pipx install --force '.[{extra}]', or in a virtual "
        f"environment pip install '.[{extra}]'",
        ExitCode.USAGE,
    )


def print_error(message: str) -> None:
    """Write a message to standard error, if it is open. Every message of the command line goes through here.

    Control characters are escaped: a file's name or a checkpoint's configuration can contain anything.
    """
    if sys.stderr is not None:
        try:
            sys.stderr.write(f"fillmask-ls: {escape_controls(message)}\n")
            sys.stderr.flush()
        except OSError:
            discard(sys.stderr)


def escape_controls(text: str) -> str:
    """Return ``text`` in one line, with an escape sequence such as ``\\x1b`` for each character that is not printable."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def discard(stream: TextIO) -> None:
    """Discard what ``stream`` has not written: it cannot be written, and Python flushes it again at the process's end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
