"""The formats of records: JSON Lines, JSON, CSV and TSV."""

from __future__ import annotations

import csv
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from ..errors import CommandError, ExitCode
from .records import Record

ENDINGS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".parquet": "parquet"}
"""The format of an output by the ending of its name."""
FLAT = frozenset({"csv", "tsv", "parquet"})
"""Formats without nested values."""


class Format(ABC):
    """Turns records into bytes that can be written one after another."""

    start: bytes = b""
    end: bytes = b""

    @abstractmethod
    def encode(self, records: Sequence[Record]) -> bytes:
        """Return whole records."""

    @abstractmethod
    def scan(self, file: BinaryIO) -> Iterator[tuple[int, Record]]:
        """Yield the whole records of a file that was written in this format, each with the index of its end.

        Raises:
            CommandError: the file has another format, or other columns.
        """


class JsonLines(Format):
    """One JSON object per line."""

    def encode(self, records: Sequence[Record]) -> bytes:
        return b"".join(_json(record) + b"\n" for record in records)

    def scan(self, file: BinaryIO) -> Iterator[tuple[int, Record]]:
        end = 0
        for number, line in enumerate(file, 1):
            end += len(line)
            if not line.endswith(b"\n"):
                return
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if not isinstance(record, dict):
                raise CommandError(
                    f"{file.name}: line {number} is not a record. Begin again with --overwrite.", ExitCode.USAGE
                )
            yield end, record


class Json(Format):
    """A list of JSON objects, one per line."""

    start = b"[\n"
    end = b"\n]\n"

    def __init__(self) -> None:
        self._separator = b""

    def encode(self, records: Sequence[Record]) -> bytes:
        encoded = b",\n".join(_json(record) for record in records)
        encoded, self._separator = self._separator + encoded, b",\n" if encoded else self._separator
        return encoded if records else b""

    def scan(self, file: BinaryIO) -> Iterator[tuple[int, Record]]:
        raise NotImplementedError  # a file is written as JSON Lines first


class Csv(Format):
    """Comma- or tab-separated values in UTF-8, after a header."""

    def __init__(self, columns: Sequence[str], delimiter: str = ",") -> None:
        self.columns = columns
        self._delimiter = delimiter
        self.start = self._rows([columns])

    def encode(self, records: Sequence[Record]) -> bytes:
        return self._rows([_cell(record.get(column)) for column in self.columns] for record in records)

    def scan(self, file: BinaryIO) -> Iterator[tuple[int, Record]]:
        rows = self._scan_rows(file)
        _, header = next(rows, (0, list(self.columns)))
        if header != list(self.columns):
            raise CommandError(
                f"{file.name} has other columns than these options write: write to another file with -o, or begin again with "
                "--overwrite.",
                ExitCode.USAGE,
            )
        for end, cells in rows:
            yield end, dict(zip(self.columns, cells, strict=False))

    def _rows(self, rows: Any) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self._delimiter, lineterminator="\n")
        # Before Python 3.13, the writer quotes no carriage return, which its reader takes for the end of the row.
        quoting = csv.writer(text, delimiter=self._delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for row in rows:
            has_return = any(isinstance(cell, str) and "\r" in cell for cell in row)
            (quoting if has_return else writer).writerow(row)
        return text.getvalue().encode("utf-8", "replace")

    def _scan_rows(self, file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
        end, lines = 0, b""
        for line in file:
            end += len(line)
            lines += line
            # A line end between quotation marks belongs to a cell; quotation marks in cells are doubled.
            if line.endswith(b"\n") and lines.count(b'"') % 2 == 0:
                text = io.StringIO(lines.decode("utf-8", "replace"), newline="")
                yield end, next(csv.reader(text, delimiter=self._delimiter), [])
                lines = b""


def make_format(name: str, columns: Sequence[str]) -> Format:
    """Return the format with this name, for records with these columns."""
    match name:
        case "csv":
            return Csv(columns)
        case "tsv":
            return Csv(columns, "\t")
        case "json":
            return Json()
        case _:
            return JsonLines()


def _json(record: Record) -> bytes:
    # JSON can contain lone surrogates, and an argument undecodable bytes; UTF-8 can't.
    return json.dumps(record, ensure_ascii=False, default=str).encode("utf-8", "replace")


def _cell(value: object) -> object:
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bool):
        return str(value).lower()
    return value
