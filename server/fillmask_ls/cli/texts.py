"""The commands that ask the model about a text, and the one that fetches it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from fillmask_ls import MASK
from fillmask_ls.documents.context import passages
from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.text import TextDocument

from . import files
from .outcome import NO_MASK, NO_MODEL, OK, CommandError

if TYPE_CHECKING:
    from fillmask_ls.documents.text import Position
    from fillmask_ls.mlm.model import MaskedLM
    from fillmask_ls.mlm.results import Prediction
    from fillmask_ls.spans import Span


def predict(options: argparse.Namespace) -> int:
    """Print the words that fit at each mask."""
    text = files.read(options.text)
    if MASK not in text:
        read = options.text == "-" or files.exists(options.text)
        where = options.text if read else "the text, and no file of that name"
        raise CommandError(f"there is no {MASK} in {where}", NO_MASK)
    model = _load(options.model)
    from fillmask_ls.presentation import terminal as report

    name = Path(options.text).name if files.exists(options.text) else ""
    document = TextDocument(name, text, encoding=Encoding.UTF32)
    predictions = _predictions(model, document, options.top_k, strip_markup=options.prose == "auto")
    if options.json:
        found = [_prediction_json(document.position(start), prediction) for (start, _), prediction in predictions]
        print(json.dumps({"model": model.name, "masks": found}, indent=2))
        return OK
    console = report.console()
    several = text.count(MASK) > 1
    for (start, end), prediction in predictions:
        if several:
            line, column = document.position(start)
            report.print_place(console, document.line(line), line, (column, column + end - start))
        report.print_prediction(console, prediction)
    return OK


def _predictions(
    model: MaskedLM, document: TextDocument, top_k: int, *, strip_markup: bool
) -> Iterator[tuple[Span, Prediction]]:
    """Each mask with its prediction, in order, as soon as it is made."""
    from fillmask_ls.mlm.prediction import predict

    for passage, places in passages(document, strip_markup=strip_markup):
        predictions = predict(model, passage.text, passage.masks, top_k=top_k)
        yield from zip(places, predictions[passage.focus :], strict=False)


def inspect(options: argparse.Namespace) -> int:
    """Print, or write as a page, what the model makes of a text."""
    text = files.read(options.text)
    if options.html is not None:
        files.check_output(options.html, options.text)
    model = _load(options.model)
    from fillmask_ls.mlm.inspection import inspect
    from fillmask_ls.presentation import html as page
    from fillmask_ls.presentation import terminal as report

    inspection = inspect(model, text, rate=options.rate, seed=options.seed, whole_words=options.whole_words)
    if options.html is not None:
        files.write(options.html, page.page(inspection, text))
        print(options.html)
    elif options.json:
        print(json.dumps({**asdict(inspection), "perplexity": inspection.perplexity}, indent=2))
    else:
        report.print_inspection(report.console(), inspection, model.tokenizer.mask_token)
    return OK


def download(options: argparse.Namespace) -> int:
    """Fetch a model, and print the folder that it lies in."""
    from fillmask_ls.mlm.checkpoint import CheckpointError, resolve

    try:
        checkpoint = resolve(options.model, download=True)
    except CheckpointError as error:
        raise CommandError(str(error), NO_MODEL) from error
    print(checkpoint.path)
    return OK


def _load(name: str) -> MaskedLM:
    from fillmask_ls.mlm.checkpoint import CheckpointError, resolve

    try:
        resolve(name)  # before torch is imported: a wrong name is told at once
        from fillmask_ls.mlm.model import load

        return load(name)
    except CheckpointError as error:
        raise CommandError(str(error), NO_MODEL) from error


def _prediction_json(place: Position, prediction: Prediction) -> dict[str, object]:
    return {
        "line": place.line + 1,
        "column": place.column + 1,
        "entropy_bits": prediction.entropy,
        "words": [{"word": word.text, "probability": word.probability} for word in prediction.candidates],
    }
