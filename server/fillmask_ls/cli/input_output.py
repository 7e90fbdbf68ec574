"""Texts and files that commands read and write."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fillmask_ls import MASK

from .errors import CommandError, ExitCode, discard

_LOOKS_LIKE_A_PATH = re.compile(r"\S*[/\\]\S*|\S+\.\w{1,8}")


@dataclass(frozen=True, slots=True)
class Source:
    """A text that a command reads.

    Attributes:
        name: the text's origin, for a message.
        path: the file, if the text is from a file.
    """

    text: str
    name: str
    path: Path | None = None


def read_source(argument: str) -> Source:
    """Return the text that an argument is or names: a text, ``-`` for standard input, or a file.

    Raises:
        CommandError: the file or standard input cannot be read or is not UTF-8, or the file does not exist.
    """
    if argument == "-":
        return Source(_decode(_read_standard_input(), "standard input"), "standard input")
    if MASK not in argument and _exists(argument):
        path = Path(argument)
        try:
            return Source(_decode(path.read_bytes(), argument), argument, path)
        except OSError as error:
            raise CommandError(f"can't read {argument}: {error.strerror}", ExitCode.USAGE) from error
    if MASK not in argument and _LOOKS_LIKE_A_PATH.fullmatch(argument):
        raise CommandError(f"no such file: {argument}", ExitCode.USAGE)
    return Source(argument, "the text, and no file has that name")


def _read_standard_input() -> bytes:
    if sys.stdin is None:
        raise CommandError("can't read standard input: it is closed", ExitCode.USAGE)
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise CommandError(f"can't read standard input: {error.strerror}", ExitCode.USAGE) from error


def _decode(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{name} is not UTF-8 text (byte {error.start}). Convert it first.", ExitCode.USAGE
        ) from error


def check_standard_output() -> None:
    """Check that standard output is open, before a command does its work.

    Raises:
        CommandError: standard output is closed.
    """
    if sys.stdout is None:
        raise CommandError("can't write to standard output: it is closed", ExitCode.USAGE)


@contextlib.contextmanager
def standard_output() -> Iterator[None]:
    """Flush what the body prints.

    Raises:
        CommandError: standard output is closed, or cannot be written to, as on a full disk.
        BrokenPipeError: its reader has gone.
    """
    check_standard_output()
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        discard(sys.stdout)
        if isinstance(error, BrokenPipeError):
            raise
        raise CommandError(f"can't write to standard output: {error.strerror}", ExitCode.USAGE) from error


def flush_standard_output() -> None:
    """Flush standard output if it is open; raises as :func:`standard_output`."""
    if sys.stdout is not None:
        with standard_output():
            pass


def check_output_file(output: str, source: Source) -> None:
    """Check that :func:`write_file` can write ``output``, before a command does its work.

    Raises:
        CommandError: it can't, or ``output`` is the file that is read.
    """
    target, reason = Path(output), None
    if not (_exists(str(target.parent)) and target.parent.is_dir()):
        reason = f"there is no folder {target.parent}"
    elif _exists(output) and not target.is_file():
        reason = "it is not a file"
    elif _exists(output) and source.path is not None and target.samefile(source.path):
        reason = "it is the file that is inspected"
    if reason:
        raise CommandError(f"can't write {output}: {reason}", ExitCode.USAGE)


def write_file(output: str, content: str) -> None:
    """Write a file completely or not at all: an existing file stays until the new one is complete.

    Raises:
        CommandError: the file cannot be written.
    """
    try:
        target = Path(output).resolve()
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        # "x" fails if the name exists: in a shared folder, another user could have put a link there.
        file = temporary.open("x", encoding="utf-8", newline="\n")
        try:
            with file:
                file.write(content)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CommandError(f"can't write {output}: {reason}", ExitCode.USAGE) from error


def _exists(path: str) -> bool:
    try:
        return bool(path) and Path(path).exists()
    except (OSError, ValueError):  # too long for a name, or a null byte
        return False
