"""``fillmask-ls fill``: replace each mask with the word that fits best, and nothing else."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from fillmask_ls import MASK
from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.spans import replace_spans

from .arguments import Commands, add_input_arguments, add_max_subwords_option, add_model_options
from .bulk import runner
from .bulk.backend import Backend
from .bulk.documents import open_document
from .bulk.filling import Filler
from .bulk.inputs import Input, find_inputs
from .bulk.items import Item
from .bulk.records import Answer
from .bulk.rewriting import Replacements, add_rewriting_options, are_tables, rewrite
from .bulk.task import Task

if TYPE_CHECKING:
    from rich.console import Console


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "fill",
        help=f"replace each {MASK} with the word that fits best",
        description=f"Replace each {MASK} with the word that fits best; every other byte stays. One text or document is printed. "
        "The rows of a table get a column 'filled'.",
    )
    add_input_arguments(parser)
    parser.add_argument(
        "--independently",
        action="store_true",
        help="choose each word by itself; by default the words of a passage agree with each other",
    )
    add_max_subwords_option(parser)
    add_rewriting_options(parser)
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    with closing(Backend(options)) as backend:
        filler = Filler(options, backend)

        def edit(source: Input, text: str) -> Replacements:
            return filler.fill([open_document(source, text)])[0] if MASK in text else []

        inputs = find_inputs(options.inputs, options.input_format)
        if are_tables(options, inputs):
            return runner.run(options, Fill(filler), backend)
        return rewrite(options, inputs, edit)


class Fill(Task):
    """Fills the masks of a table's rows."""

    columns = ("filled",)

    def __init__(self, filler: Filler) -> None:
        self._filler = filler

    def check(self, item: Item) -> str:  # noqa: ARG002
        return ""  # a row without text stays

    def answer(self, items: Sequence[Item]) -> list[list[Answer]]:
        filled = self._filler.fill([TextDocument("", item.text, encoding=Encoding.UTF32) for item in items])
        return [
            [Answer({"filled": replace_spans(item.text, sorted(words))})]
            for item, words in zip(items, filled, strict=True)
        ]

    def show(self, console: Console, item: Item, answers: Sequence[Answer]) -> None:  # noqa: ARG002
        from fillmask_ls.presentation import terminal

        terminal.print_text(console, answers[0].values["filled"])
