"""The texts that a command computes something for, each with its columns and the location that it comes from."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO

from fillmask_ls import MASK
from fillmask_ls.spans import Span
from fillmask_ls.words import find_masks

from ..errors import CommandError, ExitCode
from .inputs import Input
from .tables import Row, column_names, read_rows, reporting_encoding, sniff_encoding, value_at

FIRST_BATCH, MIN_BATCH, MAX_BATCH = 32, 8, 256
"""How many texts are computed together, and their records written together."""
_MIN_BATCH_SECONDS, _MAX_BATCH_SECONDS = 1.0, 4.0
"""Seconds that a batch takes; a killed run computes its last batch again."""


@dataclass(frozen=True, slots=True)
class Item:
    """A text to compute something for.

    Attributes:
        name: where it comes from, for messages.
        text: what the model reads.
        columns: the columns of its row, which its records keep.
        locations: where it comes from, for its records: one location, or one for each requested mask of a document's
            passage.
        masks: the spans of all masks of a document's passage; None for a text of its own.
        first_mask: the index of the first requested mask of a document's passage.
        lines: for each location, the line of the document.
        error: why there is no text; empty if there is one.
        first_location: the index of the first location that is not written yet.
    """

    name: str
    text: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    locations: tuple[Mapping[str, Any], ...] = ({},)
    masks: tuple[Span, ...] | None = None
    first_mask: int = 0
    lines: tuple[str, ...] = ()
    error: str = ""
    first_location: int = 0

    @property
    def all_masks(self) -> tuple[Span, ...]:
        """The spans of all masks of the text."""
        return tuple(find_masks(self.text)) if self.masks is None else self.masks

    def requested_masks(self) -> range:
        """Return the indexes of the masks that the item is about."""
        if self.masks is None:
            return range(self.text.count(MASK))
        return range(self.first_mask, self.first_mask + len(self.locations))

    def location_of(self, number: int) -> tuple[int, int]:
        """Return the index of a mask's location, and the mask's number from 1, as records contain it."""
        return (0, number + 1) if self.masks is None else (number - self.first_mask, number + 1)

    def context(self, number: int) -> tuple[str, int, Span]:
        """Return the line that shows a mask, its index from 0, and the span of the mask in it."""
        location, _ = self.location_of(number)
        fields = self.locations[location]
        if self.masks is None:
            return self.text, fields.get("row", 1) - 1, self.all_masks[number]
        start = fields["column"] - 1
        return self.lines[location], fields["line"] - 1, (start, start + len(MASK))


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read inputs.

    Attributes:
        split: yields the items of a document or of a text that the user typed.
        text: the column with the text of a row; None in a command that reads columns of other names.
        required: other columns that each row must have.
        id: a column that names the row in messages.
        encoding: of files without a byte order mark.
        header: names of the columns of a CSV or TSV file without a header line.
    """

    split: Callable[[Input, str], Iterator[Item]]
    text: str | None = "text"
    required: tuple[str, ...] = ()
    id: str | None = None
    encoding: str = "utf-8"
    header: tuple[str, ...] = ()

    def columns(self, source: Input) -> list[str]:
        """Return the names of the columns of an input; none for a document or standard input."""
        if source.kind == "lines" or (source.kind == "text" and self.text):
            return ["text"]
        if not source.is_table or source.path is None:
            return []
        with source.open_binary() as file, reporting_encoding(source.name):
            return column_names(file, source.name, source.kind, encoding=self.encoding, header=self.header)


class ItemReader:
    """Reads items in batches, each as soon as it has arrived.

    Attributes:
        total: bytes of all files; 0 if standard input is read.
        batch: the most items in the next batch.
    """

    def __init__(self, inputs: Sequence[Input], options: ReadOptions) -> None:
        self._inputs, self._options = inputs, options
        self._done = 0
        self._file: BinaryIO | None = None
        self.batch = FIRST_BATCH
        self.total = (
            0
            if any(each.kind != "text" and each.path is None for each in inputs)
            else sum(each.size for each in inputs)
        )

    @property
    def position(self) -> int:
        """Bytes read."""
        return self._done + (self._file.tell() if self._file is not None else 0)

    def adapt(self, items: int, seconds: float) -> None:
        """Choose the size of the next batch by the seconds that the last one took."""
        if seconds < _MIN_BATCH_SECONDS and items >= self.batch:
            self.batch = min(2 * self.batch, MAX_BATCH)
        elif seconds > _MAX_BATCH_SECONDS:
            self.batch = max(self.batch // 2, MIN_BATCH)

    def __iter__(self) -> Iterator[list[Item]]:
        for source in self._inputs:
            if source.path is None and source.kind == "lines":
                yield from self._arriving_lines(source)
            else:
                items = self._items(source)
                # A pipe may be written line by line.
                while batch := list(islice(items, 1 if source.path is None else self.batch)):
                    yield batch

    def _items(self, source: Input) -> Iterator[Item]:
        if source.kind == "text":
            yield from self._options.split(source, source.text)
            return
        if source.kind == "document":
            yield from self._document(source)
            self._done += source.size
            return
        with source.open_binary() if source.path is not None else _Open(source.open_binary()) as file:
            if source.path is not None:
                self._file = file
            rows = _read_lines(file, self._options.encoding) if source.kind == "lines" else self._rows(source, file)
            with reporting_encoding(source.name):
                yield from (self._item(source, row) for row in rows)
            self._file = None
        self._done += source.size

    def _rows(self, source: Input, file: BinaryIO) -> Iterator[Row]:
        options = self._options
        return read_rows(file, source.name, source.kind, encoding=options.encoding, header=options.header)

    def _document(self, source: Input) -> Iterator[Item]:
        try:
            text = decode_file(source, self._options.encoding)
        except CommandError as error:
            if len(self._inputs) == 1:
                raise
            yield Item(source.name, "", locations=({"path": source.name},), error=str(error))
            return
        yield from self._options.split(source, text)

    def _arriving_lines(self, source: Input) -> Iterator[list[Item]]:
        """Yield the lines that have arrived, and wait for the next ones."""
        number = 0
        for lines in whole_lines(source.open_binary()):
            rows = [_line_row(number + count, line, self._options.encoding) for count, line in enumerate(lines, 1)]
            number += len(lines)
            items = [self._item(source, row) for row in rows if row.error or row.columns["text"].strip()]
            while items:
                batch, items = items[: self.batch], items[self.batch :]
                yield batch

    def _item(self, source: Input, row: Row) -> Item:
        location: dict[str, Any] = {"row": row.number}
        if len(self._inputs) > 1:
            location = {"path": source.name, **location}
        name = f"{source.name}, row {row.number}"
        if source.kind == "lines":
            return Item(name, row.columns.get("text", ""), row.columns, (location,), error=row.error)
        options, error = self._options, row.error
        if options.id is not None and options.id in row.columns:
            name = f"{source.name}, {options.id} {row.columns[options.id]}"
        text: Any = ""
        try:
            if not error and options.text is not None:
                text = value_at(row.columns, options.text)
            for column in (*options.required, *filter(None, [options.id])):
                if not error:
                    value_at(row.columns, column)
        except KeyError as missing:
            error = f"there is no column {missing.args[0]!r}"
        if not error and not isinstance(text, str):
            error = f"column {options.text!r} contains no text but {_kind_of(text)}"
        return Item(name, text if isinstance(text, str) else "", row.columns, (location,), error=error)


def decode_file(source: Input, encoding: str) -> str:
    """Return the text of a file, without its byte order mark.

    Raises:
        CommandError: it can't be read or decoded.
    """
    with source.open_binary() if source.path is not None else _Open(source.open_binary()) as file:
        try:
            content = file.read()
        except OSError as error:
            raise CommandError(f"can't read {source.name}: {error.strerror}", ExitCode.USAGE) from error
    return decode(content, source.name, encoding)


def decode(content: bytes, name: str, encoding: str) -> str:
    """Decode a file, by its byte order mark or else ``encoding``.

    Raises:
        CommandError: the bytes have another encoding.
    """
    codec = sniff_encoding(content[:4], encoding)
    try:
        return content.decode(codec)
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{name} is not {codec.upper()} text (byte {error.start}). Name its --encoding, or convert it.",
            ExitCode.USAGE,
        ) from error


class _Open(io.BufferedIOBase):
    """Standard input as a context that doesn't close it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __enter__(self) -> Any:
        return self._file

    def __exit__(self, *_: object) -> None:
        pass


def whole_lines(file: BinaryIO) -> Iterator[list[bytes]]:
    """Yield lists of lines, with their ends, as they arrive.

    Raises:
        CommandError: the file can't be read.
    """
    read: Callable[[int], bytes] = getattr(file, "read1", file.read)
    rest = b""
    while True:
        try:
            content = read(1 << 16)
        except OSError as error:
            raise CommandError(f"can't read standard input: {error.strerror}", ExitCode.USAGE) from error
        if not content:
            break
        *lines, rest = (rest + content).split(b"\n")
        if lines:
            yield [line + b"\n" for line in lines]
    if rest:
        yield [rest]


def _read_lines(file: BinaryIO, encoding: str) -> Iterator[Row]:
    codec = sniff_encoding(file.read(4), encoding)
    file.seek(0)
    if codec.startswith(("utf-16", "utf-32")):
        yield from (
            Row(number, {"text": line.rstrip("\r\n")})
            for number, line in enumerate(io.TextIOWrapper(file, codec, newline="\n"), 1)
            if line.strip()
        )
        return
    for number, line in enumerate(file, 1):
        if line.strip():
            yield _line_row(number, line, codec)


def _line_row(number: int, line: bytes, encoding: str) -> Row:
    try:
        return Row(number, {"text": line.decode("utf-8-sig" if encoding == "utf-8" else encoding).rstrip("\r\n")})
    except UnicodeDecodeError:
        return Row(number, error=f"the line is not {encoding.upper()}. Name its --encoding.")


def _kind_of(value: object) -> str:
    return "nothing" if value is None else "a list" if isinstance(value, list) else f"{value!r:.40}"
