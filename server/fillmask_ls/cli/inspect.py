"""``fillmask-ls inspect``: mask random tokens of a text, and report what the model predicts there and its loss."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from .arguments import Commands, add_model_option, add_text_argument, rate, seed
from .errors import ExitCode
from .input_output import check_output_file, check_standard_output, read_source, standard_output, write_file


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("inspect", help="mask random tokens of a text; print predictions, surprisal and loss")
    add_text_argument(parser)
    add_model_option(parser)
    parser.add_argument("--rate", type=rate, default=0.15, help="share of tokens to mask, 0 to 1 (default: 0.15)")
    parser.add_argument("--seed", type=seed, default=0, help="seed of the random choice (default: 0)")
    parser.add_argument("--whole-words", action="store_true", help="mask whole words, not single subwords")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print JSON")
    output.add_argument("--html", metavar="FILE", help="write a page for the browser, and print its path")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    check_standard_output()
    source = read_source(options.text)
    if options.html is not None:
        check_output_file(options.html, source)
    model = options.load_model(options.model)
    from fillmask_ls.mlm.inspection import inspect

    inspection = inspect(model, source.text, rate=options.rate, seed=options.seed, whole_words=options.whole_words)
    if options.html is not None:
        from fillmask_ls.presentation.html import inspection_page

        write_file(options.html, inspection_page(inspection, source.text))
        with standard_output():
            print(options.html)
    elif options.json:
        with standard_output():
            print(json.dumps({**asdict(inspection), "perplexity": inspection.perplexity}, indent=2))
    else:
        from fillmask_ls.presentation import terminal

        with standard_output():
            terminal.print_inspection(terminal.console(), inspection, model.tokenizer.mask_token)
    return ExitCode.OK
