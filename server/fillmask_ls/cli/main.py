"""Parse the command line, run the command, and turn each error into one line and an exit code."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from fillmask_ls import MASK, __version__

from . import cloze, download, export, fill, inspect, language_server, mask, pairs, predict, score, serve
from .errors import CommandError, ExitCode, print_error
from .input_output import flush_standard_output
from .models import ModelChoice
from .models import load_model as load_chosen_model

if TYPE_CHECKING:
    from fillmask_ls.mlm.model import LoadedModel

_DESCRIPTION = f"Suggest words for each {MASK} in a text. Without a command, run the language server for an editor."

_EPILOG = """\
examples:
  fillmask-ls predict "She opened the [MASK] and let the cat in."
  fillmask-ls predict chapter.md --top-k 3 --json
  echo "The [MASK] is blue." | fillmask-ls predict -
  fillmask-ls cloze "She drank a cup of [MASK]." --targets tea,coffee
  fillmask-ls score items.csv --text sentence --id item -o scores.csv
  fillmask-ls pairs blimp.jsonl --by UID
  fillmask-ls mask chapter.md --seed 5 -o masked
  fillmask-ls fill chapter.md --in-place
  fillmask-ls inspect "She opened the door and let the cat in." --seed 5
  fillmask-ls inspect chapter.md --html report.html
  fillmask-ls download google-bert/bert-base-uncased
  fillmask-ls export my-model
  fillmask-ls --tcp 8765
  fillmask-ls serve --listen 8000

exit codes:
  0  success
  1  the text contains no [MASK], or some texts failed
  2  wrong usage, or a file cannot be read or written
  3  the model cannot be found or loaded
  4  internal error: please report it
  130  interrupted

Texts leave this machine only with --engine or --ray. Only "download" uses the network otherwise.
"""


def main(
    arguments: Sequence[str] | None = None, *, load_model: Callable[[ModelChoice], LoadedModel] = load_chosen_model
) -> int:
    """Run a command and return its exit code. Without a command, run the language server, which ends the process.

    Args:
        arguments: those of the process by default.
        load_model: loads the model that the options choose.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # the console's encoding may lack a character
    try:
        options = _parse(arguments)
        options.load_model = load_model
        return int(options.run(options))
    except CommandError as error:
        print_error(str(error))
        return error.code
    except SystemExit as end:  # argparse printed the help or the version
        return int(end.code or ExitCode.OK)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # a reader such as "head" closed the pipe
        return ExitCode.OK
    except BaseException as error:  # a panic in a Rust extension is not an Exception
        print_error(f"internal error, please report it: {type(error).__name__}: {error}".partition("\n")[0])
        return ExitCode.INTERNAL_ERROR


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(
        "fillmask-ls", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"fillmask-ls {__version__}")
    language_server.add_options(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in (predict, cloze, score, pairs, fill, mask, inspect, download, export, serve):
        command.add_parser(commands)
    try:
        return parser.parse_args(arguments)
    finally:
        flush_standard_output()  # of help


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line: what is wrong, and the help of the command that was given."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        # argparse would leave a command's unknown options to the main parser, whose help is another one.
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            similar = get_close_matches(unknown[0].partition("=")[0], self._option_string_actions, n=1)
            meant = f". Did you mean {similar[0]}?" if similar else "."
            self.error(f"unknown arguments: {' '.join(unknown)}{meant}")
        return options, unknown

    def error(self, message: str) -> NoReturn:
        end = "" if message.endswith((".", "?")) else "."
        raise CommandError(f"{message}{end} See '{self.prog} --help'.", ExitCode.USAGE)
