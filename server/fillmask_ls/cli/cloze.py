"""``fillmask-ls cloze``: the probability of given words at each mask."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fillmask_ls import MASK

from .arguments import Commands, add_base_option, add_input_arguments, add_model_options, add_output_options, names
from .bulk import runner
from .bulk.backend import Backend
from .bulk.documents import mask_passages
from .bulk.groups import MeansTask
from .bulk.inputs import Input
from .bulk.items import Item
from .bulk.records import Answer
from .bulk.tables import value_at
from .errors import CommandError, ExitCode

if TYPE_CHECKING:
    from rich.console import Console

    from fillmask_ls.mlm.results import TargetScore
    from fillmask_ls.spans import Span


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "cloze", help=f"print the probability, surprisal and rank of given words at each {MASK}"
    )
    add_input_arguments(parser)
    targets = parser.add_argument_group("targets (at least one is needed)")
    targets.add_argument("--targets", metavar="A,B,...", type=names, default=(), help="words for every text")
    targets.add_argument(
        "--target",
        metavar="COLUMN",
        action="append",
        default=[],
        help="column of a table with the word of a row, or with a list of words; can be repeated",
    )
    parser.add_argument(
        "--calibrated",
        action="store_true",
        help="probabilities calibrated as those of predict; by default those of the training objective, as in minicons",
    )
    parser.add_argument("--by", metavar="COLUMN", help="print the mean surprisal for each value of this column")
    add_base_option(parser)
    add_output_options(parser)
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if not (options.targets or options.target):
        raise CommandError("say which words: --targets A,B or --target COLUMN", ExitCode.USAGE)
    if options.calibrated and options.engine is not None:
        raise CommandError("a shared engine's cloze is not calibrated: leave out --calibrated", ExitCode.USAGE)
    with closing(Backend(options)) as backend:
        return runner.run(options, Cloze(options, backend), backend)


class Cloze(MeansTask):
    needs_masks = True

    def __init__(self, options: argparse.Namespace, backend: Backend) -> None:
        self._options, self._backend = options, backend
        super().__init__(options.by, "surprisal")
        self._has_columns = len(options.target) > 1
        self.requires = tuple(filter(None, (*options.target, options.by)))
        column = ("target_column",) if self._has_columns else ()
        self.columns = ("mask", *column, "target", "probability", "calibrated", "surprisal", "rank", "subwords")

    def split(self, source: Input, text: str) -> Iterator[Item]:
        return mask_passages(source, text, strip_markup=self._options.prose == "auto")

    def check(self, item: Item) -> str:
        if problem := super().check(item):
            return problem
        for column in self._options.target:
            value = value_at(item.columns, column)
            words = value if isinstance(value, list) else [value]
            if not words or not all(isinstance(word, str) and word.strip() for word in words):
                return f"column {column!r} contains no word but {value!r:.40}"
        return ""

    def answer(self, items: Sequence[Item]) -> list[list[Answer]]:
        questions = [(item, number) for item in items for number in item.requested_masks()]
        words = [[word for _, word in self._targets(item)] for item, _ in questions]
        ask = self._ask_engine if self._backend.is_remote else self._ask_model
        scores = iter(ask(questions, words))
        return [
            [
                self._answer(item, number, column, score)
                for number in item.requested_masks()
                for (column, _), score in zip(self._targets(item), next(scores), strict=True)
            ]
            for item in items
        ]

    def _ask_model(
        self, questions: Sequence[tuple[Item, int]], words: Sequence[Sequence[str]]
    ) -> Sequence[Sequence[TargetScore]]:
        from fillmask_ls.mlm.targets import cloze

        masks: list[Sequence[Span] | None] = [item.masks for item, _ in questions]
        return cloze(
            self._backend.model,
            [item.text for item, _ in questions],
            words,
            mask_index=[number for _, number in questions],
            masks=masks,
            calibrated=self._options.calibrated,
            base=self._options.base,
            batch_tokens=self._options.batch_tokens,
        )

    def _ask_engine(
        self, questions: Sequence[tuple[Item, int]], words: Sequence[Sequence[str]]
    ) -> Sequence[Sequence[TargetScore]]:
        from fillmask_ls.engine.api import ClozeQuestion

        answers = self._backend.ask(
            [
                ClozeQuestion(item.text, item.all_masks, tuple(targets), number)
                for (item, number), targets in zip(questions, words, strict=True)
            ]
        )
        return [[replace(score, base=self._options.base) for score in scores] for scores in answers]

    def show(self, console: Console, item: Item, answers: Sequence[Answer]) -> None:
        from fillmask_ls.presentation import terminal

        for number in item.requested_masks():
            if not self.is_alone or len(item.requested_masks()) > 1:
                terminal.print_context(console, *item.context(number))
            records = [
                answer.values
                for answer in answers
                if (answer.location, answer.values["mask"]) == item.location_of(number)
            ]
            names = {name: name for name in self.columns[1:-1] if name != "calibrated"}
            if not self._options.calibrated:
                names["probability"] = "raw probability"
            terminal.print_records(
                console, [{shown: record.get(name) for name, shown in names.items()} for record in records]
            )

    def _targets(self, item: Item) -> list[tuple[str, str]]:
        """Return the words of an item, each with the column that it is from."""
        targets = [("", word) for word in self._options.targets]
        for column in self._options.target:
            value = value_at(item.columns, column)
            targets += [(column, word) for word in (value if isinstance(value, list) else [value])]
        return targets

    def _answer(self, item: Item, number: int, column: str, score: TargetScore) -> Answer:
        location, mask = item.location_of(number)
        values: dict[str, Any] = {
            "mask": mask,
            **({"target_column": column} if self._has_columns else {}),
            "target": score.text,
            "probability": score.probability,
            "calibrated": score.calibrated,
            "surprisal": score.surprisal,
            "rank": score.rank,
        }
        subwords = [token for token, _ in score.subwords]
        return Answer({**values, "subwords": subwords}, [{**values, "subwords": " ".join(subwords)}], location)
