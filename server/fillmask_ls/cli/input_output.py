"""Standard output, and files that commands write."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .errors import CommandError, ExitCode, discard


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


def check_output_file(output: str, source: Path | None = None) -> None:
    """Check that :func:`write_file` can write ``output``, before a command does its work.

    Raises:
        CommandError: it can't, or ``output`` is the file that is read.
    """
    target, reason = Path(output), None
    if not (exists(str(target.parent)) and target.parent.is_dir()):
        reason = f"there is no folder {target.parent}"
    elif exists(output) and not target.is_file():
        reason = "it is not a file"
    elif exists(output) and source is not None and target.samefile(source):
        reason = "it is the file that is inspected"
    if reason:
        raise CommandError(f"can't write {output}: {reason}", ExitCode.USAGE)


def write_file(output: str | Path, content: bytes) -> None:
    """Write a file completely or not at all, as :func:`replacing`.

    Raises:
        CommandError: the file cannot be written.
    """
    with replacing(output) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(output: str | Path) -> Iterator[BinaryIO]:
    """Yield a new file that replaces ``output`` at the end of the body; if the body fails, an existing file stays.

    The new file has the mode of the old one. A link is replaced, and the file that it leads to stays.

    Raises:
        CommandError: the file cannot be written.
    """
    try:
        target = Path(output).absolute()
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        mode = stat.S_IMODE(target.lstat().st_mode) if target.is_file() and not target.is_symlink() else None
        # "x" fails if the name exists: in a shared folder, another user could have put a link there.
        file = temporary.open("xb")
        try:
            with file:
                if mode is not None:
                    temporary.chmod(mode)  # before there is anything to read
                yield file
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CommandError(f"can't write {output}: {reason}", ExitCode.USAGE) from error


def exists(path: str) -> bool:
    """Return whether a file or folder has this name; any text may be one."""
    try:
        return bool(path) and Path(path).exists()
    except (OSError, ValueError):  # too long for a name, or a null byte
        return False
