"""Run a command over many texts: read, compute, write, and go on where an earlier run ended."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import CommandError, ExitCode, print_error
from ..input_output import check_standard_output, standard_output
from .answering import Answerer
from .backend import Backend
from .formats import ENDINGS
from .inputs import Input, find_inputs
from .items import Item, ItemReader, ReadOptions
from .outputs import FileOutput, Output, StandardOutput, file_output, part_of
from .progress import Progress
from .ray_data import Answered, answer_on_cluster
from .records import Answer, Record, free_name, location_names, make_records
from .resuming import BEGIN_AGAIN, EarlierOutput, check_columns, find_difference
from .tables import column_types, read_rows, require_pyarrow
from .task import NO_MASK, Task

_MAX_SHOWN_ERRORS = 10


def run(options: argparse.Namespace, task: Task, backend: Backend) -> int:
    """Run a command and return its exit code.

    Raises:
        CommandError: an input can't be read, the output can't be written, there is no model, or with ``--strict`` a
            row failed.
    """
    path = Path(options.output) if options.output not in (None, "-") else None
    if path is None or task.has_summary:
        check_standard_output()
    if path is None and options.resume:
        raise CommandError("--resume needs an output file: -o FILE", ExitCode.USAGE)
    inputs = find_inputs(options.inputs, options.input_format, ignored=[path, part_of(path)] if path else [])
    _check_cluster(options, inputs)
    read_options = make_read_options(options, task, inputs)
    task.is_alone = len(inputs) == 1 and inputs[0].kind == "text"
    file_format, printed_format = _format_names(options, path, has_summary=task.has_summary)
    taken = list(dict.fromkeys(column for source in inputs for column in read_options.columns(source)))
    own = [free_name(each, taken) for each in (*location_names(inputs), "model", *task.columns, "error")]
    progress = Progress(is_shown=path is not None or not sys.stdout.isatty())
    job = _Run(task, backend, inputs, ItemReader(inputs, read_options), taken, progress, strict=options.strict)
    if path is not None:
        output = file_output(path, file_format, [*taken, *own], _known_types(inputs))
        if options.resume and output.is_complete and output.converts_to == "parquet":
            check_columns(output.path, [*taken, *own])
        code = _to_file(options, task, job, output)
    elif task.has_summary:
        code = job.run(None)
    elif printed_format == "table":
        code = job.run(None, shows=True)
    else:
        # From a pipe, only the first rows tell the columns.
        is_known = all(source.path is not None or not source.is_table for source in inputs)
        code = job.run(StandardOutput(printed_format, [*taken, *own] if is_known else None, own))
    if task.has_summary:
        _print_summary(task, printed_format)
    return code


def _check_cluster(options: argparse.Namespace, inputs: Sequence[Input]) -> None:
    if options.ray is not None and options.engine is not None:
        raise CommandError("--ray is not allowed with --engine", ExitCode.USAGE)
    if options.ray is not None and any(source.path is None and source.kind != "text" for source in inputs):
        raise CommandError("--ray can't read standard input: give the name of a file", ExitCode.USAGE)


def make_read_options(options: argparse.Namespace, task: Task, inputs: Sequence[Input]) -> ReadOptions:
    """Return how the options want the inputs to be read.

    Raises:
        CommandError: a table has no column that the options name.
    """
    column = getattr(options, "text", None)
    if column and not any(each.is_table for each in inputs):
        raise CommandError(
            f"--text {column} names a column, and no input is a table. Name its format: --input-format csv, for example.",
            ExitCode.USAGE,
        )
    read_options = ReadOptions(
        task.split,
        (column or "text") if task.reads_text else None,
        task.requires,
        options.id,
        options.encoding,
        options.columns,
    )
    for source in inputs:
        if source.is_table and source.path is not None:
            _check_columns(source, read_options)
        elif not source.is_table and read_options.required:
            raise CommandError(
                f"{source.name} is not a table, so it has no column {read_options.required[0]!r}", ExitCode.USAGE
            )
    return read_options


def _check_columns(source: Input, read_options: ReadOptions) -> None:
    """Report a wrong column before the model is loaded, not once per row."""
    if source.kind == "parquet":
        require_pyarrow()
    if source.kind not in ("csv", "tsv", "parquet"):
        return
    columns = read_options.columns(source)
    needed = [name for name in (read_options.text, *read_options.required, read_options.id) if name is not None]
    for name in needed:
        if name not in columns and name.split(".")[0] not in columns:
            if not columns:
                raise CommandError(f"{source.name} is empty: it has no columns", ExitCode.USAGE)
            option = " Name the column with the text: --text COLUMN." if name == read_options.text == "text" else ""
            raise CommandError(
                f"{source.name} has no column {name!r}. Its columns are {', '.join(columns)}.{option}",
                ExitCode.USAGE,
            )


def _format_names(options: argparse.Namespace, path: Path | None, *, has_summary: bool) -> tuple[str, str]:
    """Return the format of the file, if there is one, and of what is printed."""
    if path is None:
        if options.format == "parquet":
            raise CommandError("Parquet can't be printed. Write a file: -o FILE.parquet", ExitCode.USAGE)
        return "", options.format or "table"
    ending = ENDINGS.get(path.suffix.lower(), "")
    for_summary = has_summary and ending
    name = ending if for_summary else options.format or ending
    if name in ("", "table"):
        raise CommandError(
            f"can't tell the format of {path}. Let its name end in .csv, .tsv, .jsonl, .json or .parquet, or choose one with "
            "--format.",
            ExitCode.USAGE,
        )
    if name == "parquet":
        require_pyarrow()
    return name, (options.format if for_summary else None) or "table"


def _known_types(inputs: Sequence[Input]) -> dict[str, Any]:
    """Return the Arrow types of the columns of Parquet files; of a column with several types, none."""
    types: dict[str, Any] = {}
    for source in inputs:
        if source.kind == "parquet" and source.path is not None:
            with source.open_binary() as file:
                for name, kind in column_types(file, source.name).items():
                    types[name] = kind if types.setdefault(name, kind) == kind else None
    return {name: kind for name, kind in types.items() if kind is not None}


def _to_file(options: argparse.Namespace, task: Task, job: _Run, output: FileOutput) -> int:
    for source in job.inputs:
        if source.path is not None and output.path.exists() and source.path.samefile(output.path):
            raise CommandError(f"can't write {output.path}: it is read, too", ExitCode.USAGE)
    output.check(resume=options.resume, overwrite=options.overwrite)
    if options.resume and output.is_complete:
        print_error(f"{output.path} is complete: nothing to do")
        if task.has_summary:
            with output.path.open("rb") as file:
                for row in read_rows(file, str(output.path), output.converts_to):
                    task.add_written(row.columns)
        return ExitCode.OK
    earlier = output.read_earlier_output(location_names(job.inputs), again=2) if options.resume else EarlierOutput()
    if earlier.offset and task.has_summary:
        for record in output.records(earlier.offset):
            task.add_written(record)
    try:
        return job.run(output, earlier=earlier)
    except KeyboardInterrupt:
        print_error(f"interrupted. {output.part} has whole records only: go on with --resume.")
        raise
    finally:
        output.close()


def _print_summary(task: Task, name: str) -> None:
    records = task.summary()
    if name == "table":
        from fillmask_ls.presentation import terminal

        with standard_output():
            terminal.print_records(terminal.console(), records)
        return
    output = StandardOutput(name, list(records[0]) if records else [], ())
    output.write(records)
    output.finish()


class _Run:
    """One run of a command."""

    def __init__(
        self,
        task: Task,
        backend: Backend,
        inputs: Sequence[Input],
        reader: ItemReader,
        taken: Sequence[str],
        progress: Progress,
        *,
        strict: bool,
    ) -> None:
        self.inputs = inputs
        self._task, self._backend, self._reader, self._progress = task, backend, reader, progress
        self._answerer = Answerer(task, backend)
        self._taken, self._strict = taken, strict
        self._items = self._errors = 0
        self._shown_path = ""

    def run(self, output: Output | None, *, shows: bool = False, earlier: EarlierOutput | None = None) -> int:
        """Answer all items and return the exit code.

        Args:
            output: where the records go; None for nowhere.
            shows: whether to print the answers for people.
            earlier: what an earlier run wrote to the output.
        """
        earlier = earlier or EarlierOutput()
        self._errors = earlier.errors
        has_begun = False
        try:
            for batch, answered in self._answer_batches(earlier.location):
                if output is not None and not has_begun:
                    if earlier.records and isinstance(output, FileOutput):
                        self._check_earlier_output(earlier, batch, answered, output)
                    output.begin(earlier.offset)
                    has_begun = True
                self._take(batch, answered, output, shows=shows)
                self._progress.update(len(batch), self._share())
        finally:
            self._progress.clear()
        if not self._items:
            raise CommandError(self._nothing(), ExitCode.FAILED)
        if output is not None:
            output.finish()
        if self._errors and output is not None:
            # A continued run has not counted the texts of the earlier one.
            total = "" if earlier.location else f" of {self._items:,}"
            print_error(f"{self._errors}{total} texts failed: the column 'error' says why")
        elif self._errors > _MAX_SHOWN_ERRORS:
            print_error(f"{self._errors - _MAX_SHOWN_ERRORS:,} more texts failed. With -o FILE, each row says why.")
        return ExitCode.FAILED if self._errors else ExitCode.OK

    def _answer_batches(self, location: Mapping[str, str] | None) -> Iterator[Answered]:
        """Yield the batches with their answers, from the item at ``location`` on."""
        read = partial(_batches, self._reader, location)
        if self._backend.cluster is not None:
            yield from answer_on_cluster(
                self._backend.cluster, read, self._answerer, device=self._backend.choice.device
            )
            return
        for batch in read():
            started = time.monotonic()
            answered = self._answerer(batch)
            self._reader.adapt(len(batch), time.monotonic() - started)
            yield batch, answered

    def _take(
        self, items: Sequence[Item], answered: Sequence[Sequence[Answer]], output: Output | None, *, shows: bool
    ) -> None:
        """Write or show the answers of a batch."""
        records: list[Record] = []
        failed: str | None = None
        for item, answers in zip(items, answered, strict=True):
            error = next((answer.values["error"] for answer in answers if "error" in answer.values), None)
            self._items += 1
            if error is not None:
                self._errors += 1
                if self._strict:
                    failed = self._message(item, error)
                    break
            if error is not None and output is None:
                if self._errors <= _MAX_SHOWN_ERRORS:
                    self._progress.clear()
                    print_error(self._message(item, error))
            elif shows:
                self._show(item, answers)
            else:
                for answer in answers:
                    if answer.location >= item.first_location and "error" not in answer.values:
                        self._task.add(item, answer)
                records += self._records(item, answers, output) if output is not None else ()
        if output is not None:
            output.write(records)
        if failed is not None:
            raise CommandError(failed, ExitCode.FAILED)

    def _records(self, item: Item, answers: Sequence[Answer], output: Output) -> Iterator[Record]:
        for answer in answers:
            if answer.location < item.first_location:
                continue
            named = answer.with_values(model=answer.model) if answer.model else answer
            yield from make_records(item, named, flat=output.is_flat, taken=self._taken if output.is_flat else None)

    def _show(self, item: Item, answers: Sequence[Answer]) -> None:
        from fillmask_ls.presentation import terminal

        with standard_output():
            console = terminal.console()
            path = str(item.locations[0].get("path", ""))
            if len(self.inputs) > 1 and not self._task.shows_names and path != self._shown_path:
                self._shown_path = path
                terminal.print_text(console, path)
            self._task.show(console, item, answers)

    def _message(self, item: Item, error: str) -> str:
        if error.startswith(item.name):
            return error
        if not error.startswith(NO_MASK):
            return f"{item.name}: {error}"
        hint = ", and no file has that name" if self._task.is_alone else ""
        return f"{NO_MASK} in {item.name}{hint}{error.removeprefix(NO_MASK)}"

    def _check_earlier_output(
        self, earlier: EarlierOutput, items: Sequence[Item], answered: Sequence[Sequence[Answer]], output: FileOutput
    ) -> None:
        """Check that the last records of an earlier run are those that this run computes.

        Raises:
            CommandError: they differ.
        """
        model = next((answer.model for answers in answered for answer in answers if answer.model), "")
        if earlier.model and model and earlier.model != model:
            raise CommandError(
                f"the output was begun with the model {earlier.model}, not {model}. Choose it with --model, "
                f"{BEGIN_AGAIN}.",
                ExitCode.USAGE,
            )
        pairs = zip(items, answered, strict=True)
        computed = [record for item, answers in pairs for record in self._records(item, answers, output)]
        difference = find_difference(
            earlier.records,
            output.read_back(computed),
            locations=location_names(self.inputs),
            kept=self._taken,
            exact=self._backend.is_exact,
        )
        if difference:
            raise CommandError(
                f"{output.part} belongs to another run: {difference}. Give the options and input of that run, {BEGIN_AGAIN}.",
                ExitCode.USAGE,
            )

    def _share(self) -> float | None:
        return min(1.0, self._reader.position / self._reader.total) if self._reader.total else None

    def _nothing(self) -> str:
        names = [source.name for source in self.inputs]
        listed = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
        return f"{NO_MASK if self._task.needs_masks else 'there is no text'} in {listed}"


def _batches(reader: ItemReader, location: Mapping[str, str] | None) -> Iterator[list[Item]]:
    return iter(reader) if location is None else _unwritten(iter(reader), location)


def _unwritten(batches: Iterator[list[Item]], location: Mapping[str, str]) -> Iterator[list[Item]]:
    """Yield the items from the one at a location on; the first batch has two of them, if there are two.

    Raises:
        CommandError: there is no item at this location.
    """
    for batch in batches:
        for number, item in enumerate(batch):
            for first_location, candidate in enumerate(item.locations):
                if all(location.get(name) == str(value) for name, value in candidate.items()):
                    rest = batch[number + 1 :] or next(batches, [])
                    yield [replace(item, first_location=first_location), *rest]
                    yield from batches
                    return
    listed = ", ".join(f"{name} {value}" for name, value in location.items())
    problem = (
        f"ends at {listed}, which is not in the input"
        if listed
        else "belongs to another run: its records don't name a row or a file position"
    )
    raise CommandError(f"the output {problem}. Give the input of its run, {BEGIN_AGAIN}.", ExitCode.USAGE)
