"""Read tables row by row in bounded memory: CSV, TSV, JSON Lines, JSON and Parquet."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import CommandError, ExitCode, missing_extra

FORMATS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
"""The format of a table by the ending of its name."""

_DELIMITERS = {"csv": ",", "tsv": "\t"}
_PARQUET_ROWS = 1024
csv.field_size_limit(2**31 - 1)  # a cell can contain a whole book


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        number: from 1, without the header and blank lines.
        columns: the values by the names of their columns.
        error: why the row can't be read; empty if it can.
    """

    number: int
    columns: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


def table_format(path: Path) -> str:
    """Return the format of a table by its name; empty for a document."""
    return FORMATS.get(path.suffix.lower(), "")


def read_rows(
    file: BinaryIO, name: str, table_format: str, *, encoding: str = "utf-8", header: Sequence[str] = ()
) -> Iterator[Row]:
    """Yield the rows of a table. A row that can't be read is yielded with its error; the next one is read all the same.

    Args:
        file: the table; a Parquet file must be seekable.
        name: its name, for messages.
        table_format: ``csv``, ``tsv``, ``jsonl``, ``json`` or ``parquet``.
        encoding: of its text.
        header: the names of the columns of a CSV or TSV file without a header line.

    Raises:
        CommandError: the file is not a table of this format.
    """
    match table_format:
        case "csv" | "tsv":
            return _read_csv(file, name, _DELIMITERS[table_format], encoding, header)
        case "jsonl":
            return (_read_json_line(*each) for each in enumerate(_json_lines(file, encoding), 1))
        case "json":
            return _read_json(file, name, encoding)
        case _:
            return _read_parquet(file, name)


def column_names(file: BinaryIO, name: str, table_format: str, **options: Any) -> list[str]:
    """Return the names of all columns of a table, in their order; reads all rows of a JSON file.

    The arguments are those of :func:`read_rows`.
    """
    if table_format == "parquet":
        return list(_open_parquet(file, name).schema_arrow.names)
    if table_format in _DELIMITERS:
        return _open_csv(file, name, _DELIMITERS[table_format], **options)[1]
    names: dict[str, None] = {}
    for row in read_rows(file, name, table_format, **options):
        names.update(dict.fromkeys(row.columns))
    return list(names)


def column_types(file: BinaryIO, name: str) -> dict[str, Any]:
    """Return the Arrow types of the columns of a Parquet file."""
    schema = _open_parquet(file, name).schema_arrow
    return dict(zip(schema.names, schema.types, strict=True))


def value_at(columns: Mapping[str, Any], name: str) -> Any:
    """Return the value of a column, or of a path into nested values, such as ``masked_sentences.0``.

    Raises:
        KeyError: there is no such column.
    """
    if name in columns:
        return columns[name]
    value: Any = columns
    try:
        for key in name.split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
    except (IndexError, KeyError, TypeError, ValueError):
        raise KeyError(name) from None
    return value


@contextmanager
def reporting_encoding(name: str) -> Iterator[None]:
    """Report bytes that end all reading: rows of the other encodings have an error of their own.

    Raises:
        CommandError: a file in UTF-16 or UTF-32 is damaged.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{name} is not {error.encoding.upper()} text. Name its --encoding, or convert it.", ExitCode.USAGE
        ) from error


def sniff_encoding(start: bytes, encoding: str) -> str:
    """Return the codec that a byte order mark names, otherwise ``encoding``."""
    for mark, codec in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if start.startswith(mark):
            return codec
    return encoding


def _read_csv(file: BinaryIO, name: str, delimiter: str, encoding: str, header: Sequence[str]) -> Iterator[Row]:
    reader, names = _open_csv(file, name, delimiter, encoding, header)
    number = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield Row(number, error=f"the row can't be read: {error}")
            continue
        if cells:
            number += 1
            yield _csv_row(number, names, cells)


def _open_csv(
    file: BinaryIO, name: str, delimiter: str, encoding: str = "utf-8", header: Sequence[str] = ()
) -> tuple[Iterator[list[str]], list[str]]:
    """Return the rows after the header as lists of cells, and the names of the columns."""
    lines = _text_lines(file, encoding)
    first = next(lines, "")
    if delimiter == "," and not header:
        delimiter = max(",;\t", key=first.count)  # spreadsheets write semicolons where commas are decimal points
    # Without "strict", quotation marks inside a cell vanish, and an open one silently takes the rest of the file.
    reader = csv.reader(_chain(first, lines), delimiter=delimiter, strict=True)
    try:
        names = list(header) or next(reader, [])
    except csv.Error as error:
        raise CommandError(f"the header of {name} can't be read: {error}", ExitCode.USAGE) from error
    _check_unique(names, name)
    return reader, names


def _check_unique(names: Sequence[str], name: str) -> None:
    if len(set(names)) < len(names):
        double = next(each for each in names if names.count(each) > 1)
        raise CommandError(f"{name} has two columns named {double!r}. Rename one.", ExitCode.USAGE)


def _csv_row(number: int, names: Sequence[str], cells: Sequence[str]) -> Row:
    columns = dict(zip(names, cells, strict=False))
    if len(cells) > len(names):
        return Row(number, columns, f"the row has {len(cells)} cells, the header {len(names)}")
    if any(_has_undecodable_bytes(cell) for cell in cells):
        return Row(number, columns, "the row is not UTF-8. Name its --encoding.")
    return Row(number, columns)


def _text_lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield the lines with their ends; bytes that can't be decoded become lone surrogates."""
    start, rest = _peek(file)
    text = io.TextIOWrapper(rest, sniff_encoding(start, encoding), errors="surrogateescape", newline="")
    yield from text


def _json_lines(file: BinaryIO, encoding: str) -> Iterator[bytes | str]:
    start, rest = _peek(file)
    encoding = sniff_encoding(start, encoding)
    if encoding.startswith(("utf-16", "utf-32")):
        yield from (line for line in io.TextIOWrapper(rest, encoding, newline="\n") if line.strip())
        return
    for line in rest:
        stripped = line.removeprefix(codecs.BOM_UTF8).strip()
        if stripped:
            yield stripped if encoding.startswith("utf-8") else stripped.decode(encoding, "surrogateescape")


def _peek(file: BinaryIO) -> tuple[bytes, Any]:
    """Return the first bytes of a file, and the file with all of its bytes."""
    reader = io.BufferedReader(_Raw(file))
    return reader.peek(4)[:4], reader


class _Raw(io.RawIOBase):
    """Another view of a binary file: reads return what has arrived, and closing it leaves the file open."""

    def __init__(self, file: BinaryIO) -> None:
        self._read: Callable[[int], bytes] = getattr(file, "read1", file.read)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


def _read_json_line(number: int, line: bytes | str) -> Row:
    try:
        value = json.loads(line)
    except UnicodeDecodeError:
        return Row(number, error="the line is not UTF-8. Name its --encoding.")
    except (ValueError, RecursionError) as error:
        return Row(number, error=f"the line is not JSON: {error}")
    return _json_row(number, value)


def _json_row(number: int, value: object) -> Row:
    if not isinstance(value, dict):
        return Row(number, error="the line is not a JSON object")
    return Row(number, value)


def _read_json(file: BinaryIO, name: str, encoding: str) -> Iterator[Row]:
    content = file.read()
    try:
        value = json.loads(content.decode(sniff_encoding(content[:4], encoding)))
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{name} is not JSON: {error}", ExitCode.USAGE) from error
    lists = [each for each in value.values() if isinstance(each, list)] if isinstance(value, dict) else [value]
    if len(lists) != 1 or not isinstance(lists[0], list):
        raise CommandError(f"{name} is not a JSON list of objects, nor an object with one such list.", ExitCode.USAGE)
    return (_json_row(number, each) for number, each in enumerate(lists[0], 1))


def _read_parquet(file: BinaryIO, name: str) -> Iterator[Row]:
    number = 0
    for rows in _parquet_batches(_open_parquet(file, name), name):
        for columns in rows:
            number += 1
            yield Row(number, columns)


def _parquet_batches(table: Any, name: str) -> Iterator[list[dict[str, Any]]]:
    import pyarrow

    batches = table.iter_batches(batch_size=_PARQUET_ROWS)
    while True:
        try:
            rows = _exact(next(batches)).to_pylist()
        except StopIteration:
            return
        # Some damage is an OSError. Python has no dates after the year 9999 and no times in nanoseconds.
        except (pyarrow.ArrowException, OSError, OverflowError, ValueError) as error:
            raise CommandError(f"{name} can't be read: {error}", ExitCode.USAGE) from error
        yield rows


def _exact(batch: Any) -> Any:
    """Return a batch with its times in nanoseconds as text: Python's end at microseconds."""
    import pyarrow

    nanoseconds = pyarrow.time64("ns")
    columns = [column.cast(pyarrow.string()) if column.type == nanoseconds else column for column in batch.columns]
    return pyarrow.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _open_parquet(file: BinaryIO, name: str) -> Any:
    require_pyarrow()
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(file)
    except (pyarrow.ArrowException, OSError) as error:
        raise CommandError(f"{name} is not a Parquet file: {error}", ExitCode.USAGE) from error
    _check_unique(table.schema_arrow.names, name)
    return table


def require_pyarrow() -> None:
    """Check that Parquet can be read and written.

    Raises:
        CommandError: the extra is not installed.
    """
    if find_spec("pyarrow") is None:
        raise missing_extra("Parquet", "tables")


def _has_undecodable_bytes(text: str) -> bool:
    return not text.isascii() and any("\udc80" <= character <= "\udcff" for character in text)


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest
