"""``fillmask-ls predict``: print the candidates at each mask of a text."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fillmask_ls import MASK
from fillmask_ls.documents.context import passages
from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.text import TextDocument

from .arguments import Commands, add_model_option, add_text_argument, count
from .errors import CommandError, ExitCode
from .input_output import check_standard_output, read_source, standard_output

if TYPE_CHECKING:
    from fillmask_ls.documents.text import Position
    from fillmask_ls.mlm.model import MaskedLM
    from fillmask_ls.mlm.results import Prediction
    from fillmask_ls.spans import Span


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("predict", help=f"print words for each {MASK}, with their probabilities")
    add_text_argument(parser)
    add_model_option(parser)
    parser.add_argument("--top-k", metavar="N", type=count, default=10, help="number of words a mask (default: 10)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--prose",
        choices=["auto", "all"],
        default="auto",
        help="what the model reads: auto leaves out the markup or code of the file's language, all reads everything",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    check_standard_output()
    source = read_source(options.text)
    if MASK not in source.text:
        raise CommandError(f"there is no {MASK} in {source.name}", ExitCode.NO_MASK)
    model = options.load_model(options.model)
    document = TextDocument(source.path.name if source.path else "", source.text, encoding=Encoding.UTF32)
    predictions = _predict(model, document, options.top_k, strip_markup=options.prose == "auto")
    if options.json:
        masks = [_to_json(document.position(start), prediction) for (start, _), prediction in predictions]
        with standard_output():
            print(json.dumps({"model": model.name, "masks": masks}, indent=2))
        return ExitCode.OK
    from fillmask_ls.presentation import terminal

    console = terminal.console()
    shows_context = source.text.count(MASK) > 1
    for (start, end), prediction in predictions:
        with standard_output():
            if shows_context:
                line, column = document.position(start)
                terminal.print_context(console, document.line(line), line, (column, column + end - start))
            terminal.print_prediction(console, prediction)
    return ExitCode.OK


def _predict(
    model: MaskedLM, document: TextDocument, top_k: int, *, strip_markup: bool
) -> Iterator[tuple[Span, Prediction]]:
    """Yield each mask's span and prediction, in the document's order."""
    from fillmask_ls.mlm.prediction import predict

    for passage, spans in passages(document, strip_markup=strip_markup):
        predictions = predict(model, passage.text, passage.masks, top_k=top_k)
        yield from zip(spans, predictions[passage.focus :], strict=False)


def _to_json(position: Position, prediction: Prediction) -> dict[str, object]:
    return {
        "line": position.line + 1,
        "column": position.column + 1,
        "entropy_bits": prediction.entropy,
        "words": [
            {"word": candidate.text, "probability": candidate.probability} for candidate in prediction.candidates
        ],
    }
