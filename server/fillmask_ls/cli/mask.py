"""``fillmask-ls mask``: replace random words with masks, and keep the words."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fillmask_ls import MASK
from fillmask_ls.documents.languages.registry import find_language
from fillmask_ls.documents.maskable_words import maskable_words
from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.prose import find_verbatim
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.engine.api import SampleMaskQuestion
from fillmask_ls.spans import Span, replace_spans

from .arguments import Commands, add_input_arguments, add_mask_options, add_model_options
from .bulk import runner
from .bulk.backend import Backend
from .bulk.documents import open_document, read_prose
from .bulk.inputs import Input, find_inputs
from .bulk.items import Item
from .bulk.outputs import FileOutput, file_output
from .bulk.records import Answer, Record
from .bulk.rewriting import Replacements, add_rewriting_options, are_tables, output_path_of, rewrite
from .bulk.task import Task
from .errors import CommandError, ExitCode

if TYPE_CHECKING:
    from rich.console import Console


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "mask",
        help=f"replace random words with {MASK}, for a cloze test or an evaluation",
        description=f"Replace random words with {MASK}; every other byte stays. Each text has its own draw from the seed. One "
        "text or document is printed. The rows of a table get the columns 'masked' and 'words'.",
    )
    add_input_arguments(parser)
    add_mask_options(parser)
    parser.add_argument("--answers", metavar="FILE.jsonl", help="write the masked words of texts and documents")
    add_rewriting_options(parser)
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    with closing(Backend(options)) as backend:
        inputs = find_inputs(options.inputs, options.input_format)
        if are_tables(options, inputs):
            if options.answers is not None:
                raise CommandError(
                    "the rows of a table have their words beside them: leave out --answers", ExitCode.USAGE
                )
            return runner.run(options, Mask(options, backend), backend)
        answers = _open_answers(options, inputs)
        sampler = Sampler(options, backend)

        def edit(source: Input, text: str) -> Replacements:
            document = open_document(source, text)
            spans = sampler.sample(document)
            if answers is not None:
                answers.write(list(_words(source, document, spans)))
            return [(span, MASK) for span in spans]

        try:
            return rewrite(options, inputs, edit)
        finally:
            if answers is not None:
                answers.finish()


class Sampler:
    """Chooses words or subwords at random."""

    def __init__(self, options: argparse.Namespace, backend: Backend) -> None:
        self._options, self._backend = options, backend

    def sample(self, document: TextDocument) -> list[Span]:
        """Return the spans to mask in the prose of a document, in order."""
        options = self._options
        prose = read_prose(document, strip_markup=options.prose == "auto")
        question = SampleMaskQuestion(prose.text, options.rate, options.seed, options.whole_words)
        [sampled] = self._backend.ask([question])
        if not options.whole_words:
            return find_verbatim(prose, sampled, document.text)
        language = find_language(document.language_id, document.uri) if options.prose == "auto" else ""
        return maskable_words(prose, sampled, document.text, language)


class Mask(Task):
    """Masks words of a table's rows."""

    columns = ("masked", "words")

    def __init__(self, options: argparse.Namespace, backend: Backend) -> None:
        self._sampler = Sampler(options, backend)

    def check(self, item: Item) -> str:  # noqa: ARG002
        return ""  # a row without text stays

    def answer(self, items: Sequence[Item]) -> list[list[Answer]]:
        return [[self._answer(item)] for item in items]

    def show(self, console: Console, item: Item, answers: Sequence[Answer]) -> None:  # noqa: ARG002
        from fillmask_ls.presentation import terminal

        terminal.print_text(console, answers[0].values["masked"])

    def _answer(self, item: Item) -> Answer:
        spans = self._sampler.sample(TextDocument("", item.text, encoding=Encoding.UTF32))
        masked = replace_spans(item.text, [(span, MASK) for span in spans])
        return Answer({"masked": masked, "words": [item.text[start:end] for start, end in spans]})


def _open_answers(options: argparse.Namespace, inputs: Sequence[Input]) -> FileOutput | None:
    """Open the file of masked words; with ``--resume``, keep the words of documents that are written."""
    if options.answers is None:
        return None
    if options.answers == "-":
        raise CommandError("--answers needs a file: the masked text is printed", ExitCode.USAGE)
    path = Path(options.answers)
    if path.exists() and any(source.path is not None and source.path.samefile(path) for source in inputs):
        raise CommandError(f"can't write {path}: it is read, too", ExitCode.USAGE)
    answers = file_output(path, "jsonl", ())
    answers.check(resume=options.resume, overwrite=options.overwrite)
    end = 0
    if options.resume:
        earlier = answers.read_earlier_output(["path"])
        last = (earlier.location or {}).get("path")
        target = next((output_path_of(options, source) for source in inputs if source.name == last), None)
        # A document is written after its words.
        end = answers.whole_end() if target is not None and target.exists() else earlier.offset
    answers.begin(end)
    return answers


def _words(source: Input, document: TextDocument, spans: Sequence[Span]) -> Iterator[Record]:
    """Yield the word of each mask, with the mask's location in the masked document."""
    masked = TextDocument("", replace_spans(document.text, [(span, MASK) for span in spans]), encoding=Encoding.UTF32)
    shift = 0
    for start, end in spans:
        line, column = masked.position(start + shift)
        location: dict[str, Any] = {"path": source.name} if source.path is not None else {}
        if source.row:
            location |= {"row": source.row, "column": column + 1}
        else:
            location |= {"line": line + 1, "column": column + 1}
        yield {**location, "word": document.slice(start, end)}
        shift += len(MASK) - (end - start)
