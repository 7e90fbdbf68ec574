"""``fillmask-ls score``: the pseudo-log-likelihood of texts, and the surprisal of their words, tokens or regions."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing
from math import log
from typing import TYPE_CHECKING, Any

from fillmask_ls.spans import Span

from .arguments import Commands, add_input_arguments, add_model_options, add_output_options, add_score_options
from .bulk import runner
from .bulk.backend import Backend
from .bulk.documents import sentences
from .bulk.groups import MeansTask
from .bulk.inputs import Input
from .bulk.items import Item
from .bulk.records import Answer
from .bulk.tables import value_at

if TYPE_CHECKING:
    from rich.console import Console

    from fillmask_ls.mlm.results import Score as ScoreResult
    from fillmask_ls.mlm.results import TokenScore


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "score", help="score texts by their pseudo-log-likelihood; print surprisal of texts, words or tokens"
    )
    add_input_arguments(parser)
    add_score_options(parser)
    parser.add_argument(
        "--per", choices=["text", "word", "token"], default="text", help="what gets a record of its own (default: text)"
    )
    parser.add_argument("--region", metavar="COLUMN", help="column of a table with the part of the text to score")
    parser.add_argument("--by", metavar="COLUMN", help="print the mean surprisal for each value of this column")
    add_output_options(parser)
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    with closing(Backend(options)) as backend:
        return runner.run(options, Score(options, backend), backend)


class Score(MeansTask):
    def __init__(self, options: argparse.Namespace, backend: Backend) -> None:
        self._options, self._backend, self._shown = options, backend, 0
        super().__init__(options.by, "surprisal")
        self.requires = tuple(filter(None, (options.region, options.by)))
        self.columns = (
            ("surprisal", "tokens", "perplexity")
            if options.per == "text"
            else (options.per, "start", "end", "surprisal", *(("rank",) if options.per == "token" else ()))
        )

    def split(self, source: Input, text: str) -> Iterator[Item]:
        return sentences(source, text, strip_markup=self._options.prose == "auto")

    def check(self, item: Item) -> str:
        if (problem := super().check(item)) or self._options.region is None:
            return problem
        region = value_at(item.columns, self._options.region)
        if isinstance(region, str) and region and item.text.count(region) == 1:
            return ""
        return f"the text doesn't contain its {self._options.region} {region!r:.60} once"

    def answer(self, items: Sequence[Item]) -> list[list[Answer]]:
        scores = self._ask_engine(items) if self._backend.is_remote else self._ask_model(items)
        return [[self._answer(score)] for score in scores]

    def show(self, console: Console, item: Item, answers: Sequence[Answer]) -> None:
        from fillmask_ls.presentation import terminal

        [answer] = answers
        values = answer.values
        if self._options.per != "text":
            terminal.print_records(console, values[f"{self._options.per}s"])
        elif self.is_alone:
            terminal.print_records(console, [values])
        else:
            figures = {name: values[name] for name in ("surprisal", "perplexity")}
            terminal.print_line(console, figures, item.text, with_heading=self._shown == 0)
        self._shown += 1

    def _ask_model(self, items: Sequence[Item]) -> Sequence[ScoreResult]:
        from fillmask_ls.mlm.scoring import score

        options = self._options
        return score(
            self._backend.model,
            [item.text for item in items],
            metric=options.metric,
            base=options.base,
            spans=None if options.region is None else [self._regions(item) for item in items],
            batch_tokens=options.batch_tokens,
        )

    def _ask_engine(self, items: Sequence[Item]) -> Sequence[ScoreResult]:
        from fillmask_ls.engine.api import ScoreQuestion

        return self._backend.ask(
            [ScoreQuestion(item.text, self._options.metric, self._regions(item)) for item in items]
        )

    def _regions(self, item: Item) -> tuple[Span, ...] | None:
        """Return the span of the item's region; None without ``--region``."""
        if self._options.region is None:
            return None
        region = value_at(item.columns, self._options.region)
        start = item.text.index(region)
        return ((start, start + len(region)),)

    def _answer(self, score: ScoreResult) -> Answer:
        total = {
            "surprisal": self._surprisal(score.pseudo_log_likelihood),
            "tokens": len(score.tokens),
            "perplexity": score.perplexity,
        }
        per = self._options.per
        if per == "text":
            return Answer(total)
        rows = [self._part(part) for part in (score.words if per == "word" else score.tokens)]
        return Answer({**total, f"{per}s": rows}, rows)

    def _part(self, part: TokenScore) -> dict[str, Any]:
        per, (start, end) = self._options.per, part.span
        rank = {"rank": part.rank} if per == "token" else {}
        return {per: part.text, "start": start, "end": end, "surprisal": self._surprisal(part.log_likelihood), **rank}

    def _surprisal(self, log_likelihood: float) -> float:
        """Return a surprisal in the unit of ``--base``: a shared engine answers in bits, whatever that is."""
        return max(0.0, -log_likelihood / log(self._options.base))
