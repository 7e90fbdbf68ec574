"""``fillmask-ls download``: download a model into the Hugging Face cache, and print its folder."""

from __future__ import annotations

import argparse

from .arguments import Commands
from .errors import ExitCode
from .input_output import check_standard_output, standard_output
from .models import find_model


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("download", help="download a model from the Hugging Face hub into its cache")
    parser.add_argument("model", metavar="MODEL", help="for example google-bert/bert-base-uncased")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    check_standard_output()
    folder = find_model(options.model, download=True).path
    with standard_output():
        print(folder)
    return ExitCode.OK
