"""``fillmask-ls pairs``: how often the model prefers the acceptable sentence of a minimal pair."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing
from math import log
from typing import TYPE_CHECKING

from .arguments import Commands, add_input_arguments, add_model_options, add_output_options, add_score_options
from .bulk import runner
from .bulk.backend import Backend
from .bulk.items import Item
from .bulk.records import Answer, Record
from .bulk.tables import value_at
from .bulk.task import Task

if TYPE_CHECKING:
    pass


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "pairs", help="count how often the model prefers the acceptable sentence of a minimal pair"
    )
    add_input_arguments(parser, text_column=False)
    parser.add_argument(
        "--good", metavar="COLUMN", default="sentence_good", help="the acceptable sentences (default: sentence_good)"
    )
    parser.add_argument("--bad", metavar="COLUMN", default="sentence_bad", help="the others (default: sentence_bad)")
    parser.add_argument(
        "--by", metavar="COLUMN", help="print a row for each value of this column, such as UID in BLiMP"
    )
    add_score_options(parser)
    add_output_options(parser)
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    with closing(Backend(options)) as backend:
        return runner.run(options, Pairs(options, backend), backend)


class Pairs(Task):
    columns = ("good_surprisal", "bad_surprisal", "margin", "correct")
    reads_text = False
    has_summary = True

    def __init__(self, options: argparse.Namespace, backend: Backend) -> None:
        self._options, self._backend = options, backend
        self._paradigms: dict[str, tuple[int, int, float]] = {}
        self.requires = tuple(filter(None, (options.good, options.bad, options.by)))

    def check(self, item: Item) -> str:
        for column in (self._options.good, self._options.bad):
            value = value_at(item.columns, column)
            if not (isinstance(value, str) and value.strip()):
                return f"column {column!r} contains no text"
        return ""

    def answer(self, items: Sequence[Item]) -> list[list[Answer]]:
        texts = [value_at(item.columns, column) for item in items for column in (self._options.good, self._options.bad)]
        surprisals = [-likelihood / log(self._options.base) for likelihood in self._log_likelihoods(texts)]
        return [
            [Answer({"good_surprisal": good, "bad_surprisal": bad, "margin": bad - good, "correct": good < bad})]
            for good, bad in zip(surprisals[::2], surprisals[1::2], strict=True)
        ]

    def add(self, item: Item, answer: Answer) -> None:
        self.add_written({**item.columns, **answer.values})

    def add_written(self, record: Record) -> None:
        if record.get("margin") in (None, ""):  # a pair that failed
            return
        name = "all" if self._options.by is None else str(value_at(record, self._options.by))
        margin = float(record["margin"])
        count, correct, total = self._paradigms.get(name, (0, 0, 0.0))
        self._paradigms[name] = count + 1, correct + (margin > 0), total + margin

    def summary(self) -> list[Record]:
        from fillmask_ls.mlm.paradigms import ParadigmScore

        paradigms = list(self._paradigms.items())
        if len(paradigms) > 1:
            counts, corrects, margins = (sum(values) for values in zip(*self._paradigms.values(), strict=True))
            paradigms.append(("all", (int(counts), int(corrects), margins)))
        scores = [ParadigmScore(name, count, correct, margin / count) for name, (count, correct, margin) in paradigms]
        return [
            {
                self._options.by or "paradigm": score.paradigm,
                "pairs": score.pair_count,
                "correct": score.correct_count,
                "accuracy": score.accuracy,
                "low": score.low,
                "high": score.high,
                "margin": score.margin,
            }
            for score in scores
        ]

    def _log_likelihoods(self, texts: Sequence[str]) -> list[float]:
        options = self._options
        if self._backend.is_remote:
            from fillmask_ls.engine.api import ScoreQuestion

            scores = self._backend.ask([ScoreQuestion(text, options.metric) for text in texts])
        else:
            from fillmask_ls.mlm.scoring import score

            scores = score(self._backend.model, texts, metric=options.metric, batch_tokens=options.batch_tokens)
        return [score.pseudo_log_likelihood for score in scores]
