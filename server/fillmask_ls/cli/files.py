"""What a command reads and writes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from fillmask_ls import MASK

from .outcome import USAGE, CommandError


def read(argument: str) -> str:
    """The text that an argument is or names.

    Raises:
        CommandError: it can't be read, or isn't UTF-8.
    """
    if argument != "-" and (MASK in argument or not exists(argument)):
        return argument
    try:
        content = sys.stdin.buffer.read() if argument == "-" else Path(argument).read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(f"{argument} is not UTF-8 text (byte {error.start}); convert it first", USAGE) from error
    except OSError as error:
        raise CommandError(f"can't read {argument}: {error.strerror}", USAGE) from error


def check_output(output: str, source: str) -> None:
    """Look whether :func:`write` could, before the model is asked, which may take minutes.

    Raises:
        CommandError: it couldn't, or would write over the text itself.
    """
    target, why = Path(output), None
    if not (exists(str(target.parent)) and target.parent.is_dir()):
        why = f"there is no folder {target.parent}"
    elif exists(output) and not target.is_file():
        why = "there is something else of that name"
    elif exists(output) and MASK not in source and exists(source) and target.samefile(source):
        why = "it is the text itself"
    if why:
        raise CommandError(f"can't write {output}: {why}", USAGE)


def write(output: str, content: str) -> None:
    """Write a file whole or not at all: what was there before stays until the new is complete.

    Raises:
        CommandError: it can't be written.
    """
    try:
        target = Path(output).resolve()
        part = target.with_name(f".{target.name}.{os.getpid()}")
        # Only made anew: where others may write, one could have put a link there.
        file = part.open("x", encoding="utf-8", newline="\n")
        try:
            with file:
                file.write(content)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise CommandError(f"can't write {output}: {getattr(error, 'strerror', None) or error}", USAGE) from error


def exists(argument: str) -> bool:
    """Whether there is a file or folder of that name; False where it can't be a name."""
    try:
        return bool(argument) and Path(argument).exists()
    except (OSError, ValueError):  # too long for a name, or a null byte: a text
        return False
