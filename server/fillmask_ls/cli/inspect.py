"""``fillmask-ls inspect``: mask random tokens of a text, and report what the model predicts there and its loss."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING

from .arguments import (
    Commands,
    add_input_arguments,
    add_mask_options,
    add_model_options,
    add_output_options,
    add_top_k_option,
)
from .bulk import runner
from .bulk.backend import Backend
from .bulk.documents import whole_prose
from .bulk.inputs import Input, find_inputs
from .bulk.items import Item, ItemReader
from .bulk.records import Answer
from .bulk.task import Task
from .errors import CommandError, ExitCode
from .input_output import check_output_file, check_standard_output, standard_output, write_file

if TYPE_CHECKING:
    from rich.console import Console

    from fillmask_ls.mlm.results import Inspection


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("inspect", help="mask random tokens of a text; print predictions, surprisal and loss")
    add_input_arguments(parser)
    add_mask_options(parser)
    add_top_k_option(parser, "number of predictions at each masked token, in JSON and on the page", default=5)
    add_output_options(parser)
    parser.add_argument(
        "--html", metavar="FILE", help="write a page for the browser about one text, and print its path"
    )
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if options.html is not None and (options.output or options.format):
        raise CommandError("--html is not allowed with --output, --format or --json", ExitCode.USAGE)
    if options.html is not None and options.ray:
        raise CommandError("--html is not allowed with --ray", ExitCode.USAGE)
    with closing(Backend(options)) as backend:
        task = Inspect(options, backend)
        return runner.run(options, task, backend) if options.html is None else _write_page(options, task)


class Inspect(Task):
    shows_names = True
    columns = (
        "loss",
        "masked_loss",
        "position",
        "id",
        "token",
        "masked",
        "predicted",
        "probability",
        "rank",
        "surprisal",
    )

    def __init__(self, options: argparse.Namespace, backend: Backend) -> None:
        self._options, self._backend = options, backend

    def split(self, source: Input, text: str) -> Iterator[Item]:
        return whole_prose(source, text, strip_markup=self._options.prose == "auto")

    def answer(self, items: Sequence[Item]) -> list[list[Answer]]:
        from fillmask_ls.engine.api import InspectQuestion

        options = self._options
        questions = [
            InspectQuestion(item.text, options.rate, options.seed, options.whole_words, options.top_k) for item in items
        ]
        return [[_answer(inspection)] for inspection in self._backend.ask(questions)]

    def show(self, console: Console, item: Item, answers: Sequence[Answer]) -> None:
        from fillmask_ls.presentation import terminal

        [answer] = answers
        if not self.is_alone:
            terminal.print_text(console, item.name)
        terminal.print_inspection(console, answer.result, self._backend.mask_token)


def _answer(inspection: Inspection) -> Answer:
    common = {"loss": inspection.loss, "masked_loss": inspection.masked_loss}
    tokens = [
        {
            "position": position,
            "id": token.id,
            "token": token.token,
            "masked": token.masked,
            "predicted": token.predicted,
            "probability": token.probability,
            "rank": token.rank,
            "surprisal": token.surprisal,
        }
        for position, token in enumerate(inspection.tokens)
    ]
    values = {**asdict(inspection), "perplexity": inspection.perplexity}
    return Answer(values, [{**common, **token} for token in tokens], result=inspection)


def _write_page(options: argparse.Namespace, task: Inspect) -> int:
    """Write a page about the only text that the options name."""
    check_standard_output()
    inputs = find_inputs(options.inputs, options.input_format)
    for source in inputs:
        check_output_file(options.html, source.path)
    items = [item for batch in ItemReader(inputs, runner.make_read_options(options, task, inputs)) for item in batch]
    if len(items) != 1:
        raise CommandError(f"--html is for one text, not {len(items)}", ExitCode.USAGE)
    if items[0].error:
        raise CommandError(f"{items[0].name}: {items[0].error}", ExitCode.FAILED)
    from fillmask_ls.presentation.html import inspection_page

    [[answer]] = task.answer(items)
    write_file(options.html, inspection_page(answer.result, items[0].text).encode("utf-8", "replace"))
    with standard_output():
        print(options.html)
    return ExitCode.OK
