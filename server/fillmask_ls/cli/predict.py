"""``fillmask-ls predict``: the candidates at each mask, with their probabilities."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from fillmask_ls import MASK

from .arguments import (
    Commands,
    add_input_arguments,
    add_max_subwords_option,
    add_model_options,
    add_output_options,
    add_top_k_option,
)
from .bulk import runner
from .bulk.backend import Backend
from .bulk.documents import mask_passages
from .bulk.inputs import Input
from .bulk.items import Item
from .bulk.records import Answer
from .bulk.task import Task

if TYPE_CHECKING:
    from rich.console import Console

    from fillmask_ls.mlm.results import Prediction


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("predict", help=f"print words for each {MASK}, with their probabilities")
    add_input_arguments(parser)
    add_top_k_option(parser, "number of words per mask", default=10)
    add_max_subwords_option(parser)
    add_output_options(parser)
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    with closing(Backend(options)) as backend:
        return runner.run(options, Predict(options, backend), backend)


class Predict(Task):
    columns = ("mask", "entropy", "rank", "word", "probability")
    needs_masks = True

    def __init__(self, options: argparse.Namespace, backend: Backend) -> None:
        self._options, self._backend = options, backend

    def split(self, source: Input, text: str) -> Iterator[Item]:
        return mask_passages(source, text, strip_markup=self._options.prose == "auto")

    def answer(self, items: Sequence[Item]) -> list[list[Answer]]:
        ask = self._ask_engine if self._backend.is_remote else self._ask_model
        return [
            [_answer(item, number, predictions[number]) for number in item.requested_masks()]
            for item, predictions in zip(items, ask(items), strict=True)
        ]

    def show(self, console: Console, item: Item, answers: Sequence[Answer]) -> None:
        from fillmask_ls.presentation import terminal

        for number, answer in zip(item.requested_masks(), answers, strict=True):
            if not self.is_alone or item.text.count(MASK) > 1:
                terminal.print_context(console, *item.context(number))
            terminal.print_prediction(console, answer.result)

    def _ask_model(self, items: Sequence[Item]) -> Sequence[Mapping[int, Prediction]]:
        from fillmask_ls.mlm.prediction import predict

        options = self._options
        results = predict(
            self._backend.model,
            [item.text for item in items],
            [item.masks for item in items],
            top_k=options.top_k,
            max_subwords=options.max_subwords,
            batch_tokens=options.batch_tokens,
        )
        return [dict(enumerate(predictions)) for predictions in results]

    def _ask_engine(self, items: Sequence[Item]) -> Sequence[Mapping[int, Prediction]]:
        from fillmask_ls.engine.api import PredictQuestion

        options = self._options
        questions = [
            PredictQuestion(item.text, item.all_masks, options.top_k, focus=number, max_subwords=options.max_subwords)
            for item in items
            for number in item.requested_masks()
        ]
        answers = iter(self._backend.ask(questions))
        return [{number: next(answers).predictions[number] for number in item.requested_masks()} for item in items]


def _answer(item: Item, number: int, prediction: Prediction) -> Answer:
    location, mask = item.location_of(number)
    common = {"mask": mask, "entropy": prediction.entropy}
    candidates = [{"word": candidate.text, "probability": candidate.probability} for candidate in prediction.candidates]
    rows = [{**common, "rank": rank, **candidate} for rank, candidate in enumerate(candidates, 1)]
    return Answer({**common, "candidates": candidates}, rows or [common], location, prediction)
