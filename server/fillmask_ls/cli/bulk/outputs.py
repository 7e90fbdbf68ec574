"""Where records are written: standard output, or a file that never contains half a record."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import CommandError, ExitCode
from ..input_output import replacing, standard_output
from .formats import FLAT, Csv, Format, JsonLines, make_format
from .parquet_files import write_parquet
from .records import Record, last_name
from .resuming import EarlierOutput


class Output(ABC):
    """Takes whole records.

    Attributes:
        is_flat: whether records must have no nested values.
    """

    is_flat: bool

    def begin(self, offset: int = 0) -> None:  # noqa: B027 - standard output has begun
        """Prepare to write after the first ``offset`` bytes.

        Raises:
            CommandError: the output can't be written.
        """

    @abstractmethod
    def write(self, records: Sequence[Record]) -> None:
        """Write records, so that another program can read them at once.

        Raises:
            CommandError: they can't be written.
        """

    @abstractmethod
    def finish(self) -> None:
        """Complete the output after its last record."""


class StandardOutput(Output):
    """Writes and flushes records to standard output."""

    def __init__(self, name: str, columns: Sequence[str] | None, own: Collection[str]) -> None:
        """Prepare to write.

        Args:
            name: of the format.
            columns: the names of all columns; None if only the first records tell.
            own: the columns that follow those of the input then.
        """
        self.is_flat = name in FLAT
        self._name, self._columns, self._own = name, columns, own
        self._format: Format | None = None

    def write(self, records: Sequence[Record]) -> None:
        self._put(*self._begun(records), self._encoder.encode(records))

    def finish(self) -> None:
        self._put(*self._begun([]), self._encoder.end)

    @property
    def _encoder(self) -> Format:
        assert self._format is not None  # noqa: S101 - _begun made it
        return self._format

    def _begun(self, records: Sequence[Record]) -> list[bytes]:
        if self._format is not None:
            return []
        names = dict.fromkeys(name for record in records for name in record)
        columns = [*(name for name in names if name not in self._own), *self._own]
        self._format = make_format(self._name, columns if self._columns is None else self._columns)
        return [self._format.start]

    def _put(self, *contents: bytes) -> None:
        with standard_output():
            sys.stdout.write(b"".join(contents).decode())


class FileOutput(Output):
    """Writes records to a file, one after another.

    Parquet and JSON can't be continued after a kill, so their records are JSON Lines in a file beside (``.part``) until
    all are written.
    """

    def __init__(
        self, path: Path, form: Format, *, convert: str = "", known_types: Mapping[str, Any] | None = None
    ) -> None:
        """Prepare to write; nothing is written yet.

        Args:
            form: of the records.
            convert: the format that the file has in the end, if it is another one: ``parquet`` or ``json``.
            known_types: as for :func:`~.parquet_files.write_parquet`.
        """
        self.path, self.part = path, part_of(path) if convert else path
        self.is_flat = convert == "parquet" or isinstance(form, Csv)
        self._format = JsonLines() if convert else form
        self.converts_to = convert
        self._known_types = known_types
        self._file: io.FileIO | None = None
        self._end = 0

    def check(self, *, resume: bool, overwrite: bool) -> None:
        """Check that an existing file may be continued or replaced.

        Raises:
            CommandError: it may not, or the output is not a file.
        """
        parent = self.path.parent
        if not parent.is_dir():
            raise CommandError(f"can't write {self.path}: there is no folder {parent}", ExitCode.USAGE)
        if self.path.is_dir():
            raise CommandError(f"can't write {self.path}: it is a folder", ExitCode.USAGE)
        if _is_stream(self.path) and (resume or self.converts_to == "parquet"):
            what = "--resume needs a file" if resume else "Parquet needs a file"
            raise CommandError(f"{what}, and {self.path} is a device or a pipe", ExitCode.USAGE)
        is_there = next((path for path in (self.path, self.part) if os.path.lexists(path)), None)
        if is_there and not (resume or overwrite) and not _is_stream(self.path):
            raise CommandError(
                f"{is_there} exists. Go on with --resume, or begin again with --overwrite.", ExitCode.USAGE
            )

    @property
    def is_complete(self) -> bool:
        """Whether an earlier run converted all records."""
        return bool(self.converts_to) and self.path.exists() and not self.part.exists()

    def read_earlier_output(self, location_names: Sequence[str], *, again: int = 1) -> EarlierOutput:
        """Return what an earlier run wrote; changes nothing.

        Args:
            location_names: the names of what tells items apart.
            again: the number of locations at the end to compute again: some records of the last one may be missing.
        """
        latest: deque[tuple[EarlierOutput, list[Record]]] = deque()
        start = errors = 0
        with contextlib.suppress(FileNotFoundError), self.part.open("rb") as file:
            for end, record in self._format.scan(file):
                location = {
                    name: str(record[key])
                    for name in location_names
                    if record.get(key := last_name(name, record)) not in (None, "")
                }
                if not latest or location != latest[-1][0].location:
                    model = str(record.get(last_name("model", record)) or "")
                    latest.append((EarlierOutput(start, location, model, errors), []))
                    if len(latest) > again:
                        latest.popleft()
                    has_error = False
                if record.get(last_name("error", record)) and not has_error:
                    errors, has_error = errors + 1, True
                latest[-1][1].append(record)
                start = end
        if not latest:
            return EarlierOutput()
        return replace(latest[0][0], records=[record for _, records in latest for record in records])

    def read_back(self, records: Sequence[Record]) -> list[Record]:
        """Return records as they are read after they were written."""
        content = io.BytesIO(self._format.start + self._format.encode(records))
        return [record for _, record in self._format.scan(content)]

    def whole_end(self) -> int:
        """Return the index in the file where its last whole record ends."""
        with contextlib.suppress(FileNotFoundError), self.part.open("rb") as file:
            return max((end for end, _ in self._format.scan(file)), default=0)
        return 0

    def begin(self, offset: int = 0) -> None:
        with _reports(self.part):
            if not offset and self.part.is_symlink() and not _is_stream(self.part):
                self.part.unlink()
            # Not "w": a run that is still writing would lose its records before the lock is tested.
            self._file = io.FileIO(
                os.open(self.part, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "w"
            )
            if not _lock(self._file):
                raise CommandError(f"another run is writing {self.part}", ExitCode.USAGE)
            if not _is_stream(self.part):
                self._file.truncate(offset)
                self._file.seek(offset)
            self._end = offset
            if not offset:
                self._put(self._format.start)

    def write(self, records: Sequence[Record]) -> None:
        with _reports(self.part):
            self._put(self._format.encode(records))

    def _put(self, content: bytes) -> None:
        assert self._file is not None  # noqa: S101 - begin was called
        view = memoryview(content)
        try:
            while view:
                view = view[self._file.write(view) :]
        except BaseException:  # a full disk or an interrupt: keep whole records only
            with contextlib.suppress(OSError):
                self._file.truncate(self._end)
            raise
        self._end += len(content)

    def finish(self) -> None:
        with _reports(self.part):
            self._put(self._format.end)
            self.close()
            if not self.converts_to:
                return
            with replacing(self.path) as target:
                if self.converts_to == "parquet":
                    write_parquet(target, self.records, self._known_types)
                else:
                    _write_json(target, self.records)
            self.part.unlink()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def records(self, until: int | None = None) -> Iterator[Record]:
        """Yield the records that were written, or those before an index of the file."""
        with self.part.open("rb") as file:
            for end, record in self._format.scan(file):
                if until is not None and end > until:
                    return
                yield record


def part_of(path: Path) -> Path:
    """Return the file that collects the records of a format that can't be continued."""
    return path.parent / f"{path.name}.part"


def file_output(
    path: Path, name: str, columns: Sequence[str], known_types: Mapping[str, Any] | None = None
) -> FileOutput:
    """Return the output that writes records with these columns to a file in the format with this name.

    Args:
        known_types: as for :func:`~.parquet_files.write_parquet`.
    """
    # A device can't be replaced: it gets JSON directly.
    is_converted = name == "parquet" or (name == "json" and not _is_stream(path))
    form, convert = make_format(name, columns), name if is_converted else ""
    return FileOutput(path, form, convert=convert, known_types=known_types)


@contextlib.contextmanager
def _reports(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CommandError(f"can't write {path}: {error.strerror or error}", ExitCode.USAGE) from error


def _is_stream(path: Path) -> bool:
    """Return whether a path names a pipe or device, such as /dev/stdout."""
    return path.exists() and not path.is_file()


def _lock(file: io.FileIO) -> bool:
    """Lock a file for this process; return False if another one has it."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a pipe, or a file system without locks
        return True
    return True


def _write_json(file: BinaryIO, read: Callable[[], Iterable[Record]]) -> None:
    form = make_format("json", ())
    file.write(form.start)
    for record in read():
        file.write(form.encode([record]))
    file.write(form.end)
