"""What the arguments of a command name: texts, files, folders, patterns and standard input."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

from fillmask_ls import MASK

from ..errors import CommandError, ExitCode
from ..input_output import exists
from .tables import table_format

KINDS = ("lines", "document", "csv", "tsv", "jsonl", "json", "parquet")
"""How a file can be read."""
TABLES = frozenset({"csv", "tsv", "jsonl", "json", "parquet"})

_LOOKS_LIKE_A_PATH = re.compile(r"\S*[/\\]\S*|\S+\.\w{1,8}")


@dataclass(frozen=True, slots=True)
class Input:
    """A text, or a file to read texts from.

    Attributes:
        name: the file's name as the user gave it, for messages and records.
        kind: one of :data:`KINDS`, or ``text``.
        text: the text, if it is one.
        path: the file; None for a text and for standard input.
        relative: the file's path inside the folder that the user named; its name for a file.
        row: the number of a line of standard input that stands for itself; 0 for the whole input.
    """

    name: str
    kind: str
    text: str = ""
    path: Path | None = None
    relative: Path = Path()
    row: int = 0

    @property
    def is_table(self) -> bool:
        return self.kind in TABLES

    @property
    def size(self) -> int:
        """Bytes; 0 if unknown."""
        return self.path.stat().st_size if self.path is not None else 0

    def open_binary(self) -> BinaryIO:
        """Open the file or standard input.

        Raises:
            CommandError: it can't be opened.
        """
        if self.path is None:
            if sys.stdin is None:
                raise CommandError("can't read standard input: it is closed", ExitCode.USAGE)
            return cast(BinaryIO, sys.stdin.buffer)
        try:
            return self.path.open("rb")
        except OSError as error:
            raise CommandError(f"can't read {self.name}: {error.strerror}", ExitCode.USAGE) from error


def find_inputs(arguments: Sequence[str], kind: str = "auto", *, ignored: Collection[Path] = ()) -> list[Input]:
    """Return what the arguments name, in their order; a folder's files are in alphabetical order.

    Args:
        arguments: each a text, ``-``, a file, a folder or a pattern such as ``chapters/*.md``.
        kind: how to read files: one of :data:`KINDS`; ``auto`` decides by the ending of a file's name.
        ignored: files that are skipped in folders, such as the output.

    Raises:
        CommandError: an argument looks like a path, and there is no such file; or a folder has no files.
    """
    absolute = {each.absolute() for each in ignored}
    return [
        replace(source, name=f"text {number}") if source.kind == "text" and len(arguments) > 1 else source
        for number, argument in enumerate(arguments, 1)
        for source in _find(argument, kind, absolute)
    ]


_WORKBOOK, _DOCUMENT = "CSV (UTF-8)", "plain text (UTF-8)"
_OTHER_PROGRAMS = {
    **dict.fromkeys((".xls", ".xlsx", ".xlsm", ".ods", ".numbers"), _WORKBOOK),
    **dict.fromkeys((".doc", ".docx", ".odt", ".rtf", ".pdf", ".pages", ".epub"), _DOCUMENT),
}
"""Endings of files that other programs read, and what to save them as."""


def _find(argument: str, kind: str, ignored: Collection[Path]) -> Iterator[Input]:
    if argument == "-":
        yield Input("standard input", "lines" if kind == "auto" else kind)
        return
    if MASK not in argument:
        path = Path(argument)
        if exists(argument):
            yield from _in_folder(path, kind, ignored) if path.is_dir() else [_file(path, kind)]
            return
        matches = _matches(argument) if glob.has_magic(argument) else []
        if matches:
            yield from (_file(path, kind) for path in matches if path.is_file() and path.absolute() not in ignored)
            return
        if _LOOKS_LIKE_A_PATH.fullmatch(argument):
            raise CommandError(f"no such file: {argument}", ExitCode.USAGE)
    yield Input("the text", "text", argument)


def _matches(pattern: str) -> list[Path]:
    """Return the paths that match a pattern, each file once: links can lead ``**`` around in a circle."""
    paths = map(Path, glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    shortest = {(path.parent.resolve(), path.name): path for path in sorted(paths, key=lambda path: -len(path.parts))}
    return sorted(shortest.values())


def _file(path: Path, kind: str, folder: Path | None = None) -> Input:
    if kind == "auto" and path.suffix.lower() in _OTHER_PROGRAMS:
        saved_as = _OTHER_PROGRAMS[path.suffix.lower()]
        raise CommandError(f"{path} is not a text file. Save it as {saved_as} and give that file.", ExitCode.USAGE)
    kind = table_format(path) or "document" if kind == "auto" else kind
    if kind in TABLES and not path.is_file():  # a table is opened twice
        raise CommandError(
            f"can't read a table from {path}: it is a device or a pipe. Use - for standard input.", ExitCode.USAGE
        )
    return Input(str(path), kind, path=path, relative=path.relative_to(folder) if folder else Path(path.name))


def _in_folder(folder: Path, kind: str, ignored: Collection[Path]) -> Iterator[Input]:
    """Yield the files in a folder and its subfolders, without hidden and binary ones."""
    is_empty = True
    for parent, folders, names in os.walk(folder, onerror=_report):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in (Path(parent, name) for name in sorted(names) if not name.startswith(".")):
            if path.is_file() and path.absolute() not in ignored and (table_format(path) or not _is_binary(path)):
                is_empty = False
                yield _file(path, kind, folder)
    if is_empty:
        raise CommandError(f"there are no text files in the folder {folder}", ExitCode.USAGE)


def _report(error: OSError) -> None:
    raise CommandError(f"can't read {error.filename}: {error.strerror}", ExitCode.USAGE) from error


def _is_binary(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(8192)
    except OSError:
        return False  # reported when it is read
    return b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff"))
