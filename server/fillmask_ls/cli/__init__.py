"""The command line. The bare command is the language server over standard input and output."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from .arguments import argument_parser
from .outcome import BUG, OK, CommandError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code. The server's end ends the process at once."""
    options = argument_parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a console may not know a bar, or half a surrogate pair
    try:
        return int(options.run(options))
    except CommandError as error:
        print(f"fillmask-ls: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # "| head" took what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return OK
    except Exception as error:
        print(f"fillmask-ls: this is a bug: {type(error).__name__}: {error}".partition("\n")[0], file=sys.stderr)
        return BUG
