"""``fillmask-ls export``: write a model as a folder that transformers opens."""

from __future__ import annotations

import argparse
from pathlib import Path

from .arguments import Commands
from .errors import CommandError, ExitCode
from .input_output import check_standard_output, standard_output
from .models import find_model


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("export", help="write a model as a folder that transformers opens")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="the folder to write; it must be new or empty")
    parser.add_argument(
        "--model", default="embedded", help="embedded, a folder or a Hugging Face hub id (default: embedded)"
    )
    parser.add_argument("--revision", metavar="NAME", help="branch, tag or commit of a hub id")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    check_standard_output()
    source = find_model(options.model, revision=options.revision).path
    from fillmask_ls.mlm.checkpoint import Checkpoint
    from fillmask_ls.mlm.export import export

    try:
        export(Checkpoint(options.model, source), options.folder)
    except OSError as error:
        raise CommandError(f"can't write {options.folder}: {error.strerror}", ExitCode.USAGE) from error
    with standard_output():
        print(options.folder)
    return ExitCode.OK
