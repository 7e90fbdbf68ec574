"""Rewrite documents: replace spans of their text, and keep every other byte."""

from __future__ import annotations

import argparse
import codecs
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fillmask_ls.spans import Span, replace_spans

from ..arguments import add_output_options
from ..errors import CommandError, ExitCode, print_error
from ..input_output import check_standard_output, standard_output, write_file
from .inputs import Input
from .items import whole_lines
from .progress import Progress
from .tables import sniff_encoding

Replacements = Sequence[tuple[Span, str]]
Edit = Callable[[Input, str], Replacements]
"""Returns what to replace in the text of an input."""

_MARKS = {
    "utf-8-sig": (codecs.BOM_UTF8, "utf-8"),
    "utf-16": (codecs.BOM_UTF16_LE, "utf-16-le"),
    "utf-32": (codecs.BOM_UTF32_LE, "utf-32-le"),
}
_WRITABLE = 0o222
_BIG_ENDIAN = {codecs.BOM_UTF16_BE: "utf-16-be", codecs.BOM_UTF32_BE: "utf-32-be"}


@dataclass(frozen=True, slots=True)
class EncodedText:
    """The text of a file, and how it is encoded there.

    Attributes:
        mark: the byte order mark; empty if the file has none.
    """

    text: str
    encoding: str
    mark: bytes = b""

    @classmethod
    def decode(cls, content: bytes, name: str, encoding: str) -> EncodedText:
        """Decode a file.

        Raises:
            CommandError: its bytes have another encoding, or would not stay the same.
        """
        mark, codec = _find_mark(content, encoding)
        body = content[len(mark) :]
        try:
            text = body.decode(codec)
        except UnicodeDecodeError as error:
            raise CommandError(
                f"{name} is not {codec.upper()} text (byte {len(mark) + error.start}). Name its --encoding.",
                ExitCode.USAGE,
            ) from error
        if text.encode(codec) != body:
            raise CommandError(f"{name} can't be rewritten byte for byte in {codec.upper()}", ExitCode.USAGE)
        return cls(text, codec, mark)

    def with_replacements(self, replacements: Replacements, name: str) -> bytes:
        """Return the bytes of the file with spans of its text replaced.

        Raises:
            CommandError: the encoding lacks a character.
        """
        try:
            return self.mark + replace_spans(self.text, sorted(replacements)).encode(self.encoding)
        except UnicodeEncodeError as error:
            raise CommandError(
                f"{name}: {error.object[error.start : error.end]!r} can't be written in {self.encoding.upper()}",
                ExitCode.USAGE,
            ) from error


def _find_mark(content: bytes, encoding: str) -> tuple[bytes, str]:
    codec = sniff_encoding(content[:4], encoding)
    for mark, name in _BIG_ENDIAN.items():
        if codec in _MARKS and codec != "utf-8-sig" and content.startswith(mark):
            return mark, name
    mark, name = _MARKS.get(codec, (b"", codec))
    return (mark, name) if content.startswith(mark) else (b"", codec)


def add_rewriting_options(parser: argparse.ArgumentParser) -> None:
    """Add where rewritten documents and the records of tables go."""
    add_output_options(parser, folder=True)
    parser.add_argument("--in-place", action="store_true", help="replace each file")


def rewrite(options: argparse.Namespace, inputs: Sequence[Input], edit: Edit) -> int:
    """Rewrite texts, lines or documents, and return the exit code.

    A document that can't be rewritten is reported, and the others are rewritten all the same.

    Raises:
        CommandError: the options name no place for several documents, or a file that exists or is read-only; with
            ``--strict``, a document can't be rewritten.
    """
    if options.ray is not None:
        raise CommandError("--ray is for tables: leave it out to rewrite documents", ExitCode.USAGE)
    if any(source.path is None for source in inputs):
        return _print_rewritten(options, inputs, edit)
    targets = list(_targets(options, inputs))
    failed = 0
    progress = Progress(is_shown=options.in_place or options.output is not None)
    for number, (source, target) in enumerate(zip(inputs, targets, strict=True), 1):
        if target is not None and options.resume and not options.in_place and target.exists():
            continue
        try:
            content = _read(source)
            text = EncodedText.decode(content, source.name, options.encoding)
            _write(target, content, text.with_replacements(_edit(edit, source, text.text), source.name))
        except CommandError as error:
            if options.strict or len(inputs) == 1 or error.code is ExitCode.NO_MODEL:
                raise
            failed += 1
            progress.clear()
            print_error(str(error))
        progress.update(1, number / len(inputs))
    progress.clear()
    return ExitCode.FAILED if failed else ExitCode.OK


def are_tables(options: argparse.Namespace, inputs: Sequence[Input]) -> bool:
    """Return whether the inputs are tables.

    Raises:
        CommandError: only some are, or they are to be changed in place.
    """
    kinds = {source.is_table for source in inputs}
    if len(kinds) > 1:
        raise CommandError("tables and other texts go to different places: give them one after another", ExitCode.USAGE)
    if True in kinds and options.in_place:
        raise CommandError("a table can't be changed in place: write a new one with -o FILE", ExitCode.USAGE)
    return True in kinds


def output_path_of(options: argparse.Namespace, source: Input) -> Path | None:
    """Return the file that a document is written to; None for standard output."""
    if options.in_place and source.path is not None:
        return source.path.resolve()
    if options.output is None:
        return None
    return Path(options.output) if _names_a_file(options) else Path(options.output) / source.relative


def _names_a_file(options: argparse.Namespace) -> bool:
    """Return whether ``--output`` names the file for a single document, such as ``letter.md``, and not a folder."""
    output = Path(options.output)
    is_single = len(options.inputs) == 1 and Path(options.inputs[0]).is_file()
    return is_single and bool(output.suffix) and not output.is_dir() and options.output.endswith(output.name)


def _targets(options: argparse.Namespace, inputs: Sequence[Input]) -> Iterator[Path | None]:
    """Yield the file that each input is written to; None for standard output."""
    if options.in_place:
        if options.output is not None:
            raise CommandError("--in-place is not allowed with --output", ExitCode.USAGE)
        for source in inputs:
            assert source.path is not None  # noqa: S101 - others are printed
            if not source.path.stat().st_mode & _WRITABLE:
                raise CommandError(f"{source.name} is read-only: write a copy with -o FOLDER", ExitCode.USAGE)
            yield source.path.resolve()
        return
    if options.output is None:
        check_standard_output()
        if len(inputs) > 1:
            raise CommandError("several documents need a place: -o FOLDER, or --in-place", ExitCode.USAGE)
        yield from [None] * len(inputs)
        return
    folder = Path(options.output)
    if folder.exists() and not folder.is_dir() and not _names_a_file(options):
        raise CommandError(f"can't write {folder}: it is not a folder", ExitCode.USAGE)
    taken: dict[Path, str] = {}
    for source in inputs:
        target = output_path_of(options, source)
        assert source.path is not None  # noqa: S101 - others are printed
        assert target is not None  # noqa: S101 - an output is named
        if target in taken:
            raise CommandError(f"{taken[target]} and {source.name} would both be written to {target}", ExitCode.USAGE)
        if target.exists() and target.samefile(source.path):
            raise CommandError(f"{target} is read, too. Use --in-place to replace it.", ExitCode.USAGE)
        if target.exists() and not (options.overwrite or options.resume):
            raise CommandError(
                f"{target} exists. Go on with --resume, or begin again with --overwrite.", ExitCode.USAGE
            )
        taken[target] = source.name
        yield target


def _print_rewritten(options: argparse.Namespace, inputs: Sequence[Input], edit: Edit) -> int:
    """Print texts that the user typed, and the lines of standard input as they arrive."""
    check_standard_output()
    if options.in_place or options.output is not None or any(source.path is not None for source in inputs):
        raise CommandError(
            "a text or standard input is printed: leave out --in-place, --output and files", ExitCode.USAGE
        )
    for source in inputs:
        if source.kind == "text":
            text = replace_spans(source.text, sorted(_edit(edit, source, source.text)))
            print_bytes(text.encode("utf-8", "surrogateescape") + b"\n")
            continue
        number = 0
        for lines in whole_lines(source.open_binary()):
            for line in lines:
                number += 1
                row = replace(source, row=number)
                content = line.decode(options.encoding, "surrogateescape")
                body = content.rstrip("\r\n")
                new = replace_spans(body, sorted(_edit(edit, row, body))) + content[len(body) :]
                print_bytes(new.encode(options.encoding, "surrogateescape"))
    return ExitCode.OK


def _edit(edit: Edit, source: Input, text: str) -> Replacements:
    try:
        return edit(source, text)
    except CommandError:
        raise
    except Exception as error:
        raise CommandError(f"{source.name}: {error}".partition("\n")[0], ExitCode.FAILED) from error


def _read(source: Input) -> bytes:
    file = source.open_binary()
    try:
        return file.read()
    except OSError as error:
        raise CommandError(f"can't read {source.name}: {error.strerror}", ExitCode.USAGE) from error
    finally:
        file.close()


def _write(target: Path | None, old: bytes, new: bytes) -> None:
    if target is None:
        print_bytes(new)
    elif not (target.exists() and old == new and target.read_bytes() == new):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"can't write {target}: {error.strerror}", ExitCode.USAGE) from error
        write_file(target, new)


def print_bytes(content: bytes) -> None:
    """Write bytes to standard output as they are."""
    with standard_output():
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
