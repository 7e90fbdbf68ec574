"""What the command line understands."""

from __future__ import annotations

import argparse

from fillmask_ls import MASK, __version__

from . import serving, texts

_LOG = ("error", "warning", "info", "debug", "messages")
"""Levels of the log. Only the last, each message as it comes and goes, holds the text of documents."""

_DESCRIPTION = f"""\
Fill {MASK} in a text with the words that fit. Without a command: the language server, for an editor to start.
"""

_EPILOG = """\
examples:
  fillmask-ls predict "Paris is the capital of [MASK]."
  fillmask-ls predict chapter.md --top-k 3 --json
  echo "The [MASK] is blue." | fillmask-ls predict -
  fillmask-ls inspect "The quick brown fox jumps over the lazy dog." --seed 7
  fillmask-ls inspect chapter.md --html report.html
  fillmask-ls download google-bert/bert-base-uncased
  fillmask-ls --tcp 8765
  fillmask-ls serve --listen 8000 --replicas 2

exit codes:
  0  done     1  the text holds no [MASK]     2  wrong usage, or a file that can't be read or written     3  no model     4  a bug

Nothing is sent anywhere. Only "download" uses the network.
"""


def argument_parser() -> argparse.ArgumentParser:
    """The parser; what it returns has a command to ``run``, which takes it and returns the exit code."""
    parser = argparse.ArgumentParser(
        "fillmask-ls", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"fillmask-ls {__version__}")
    transport = parser.add_mutually_exclusive_group()
    transport.add_argument("--stdio", action="store_true", help="serve over standard input and output (the default)")
    transport.add_argument("--tcp", metavar="[HOST:]PORT", type=_address, help="serve one client over TCP")
    transport.add_argument("--ws", metavar="[HOST:]PORT", type=_address, help="serve one client over WebSocket")
    parser.add_argument(
        "--log",
        choices=_LOG,
        default="warning",
        help="what the server writes to standard error; 'messages' holds the text of your documents (default: warning)",
    )
    parser.set_defaults(run=serving.serve)
    commands = parser.add_subparsers(title="commands", metavar="")

    model = argparse.ArgumentParser(add_help=False)
    model.add_argument("--model", default="auto", help="auto, embedded, a folder or a Hugging Face hub id")

    predict = commands.add_parser("predict", parents=[model], help="the words that fit at each [MASK]")
    predict.add_argument("text", metavar="TEXT|-|FILE", help="the text itself, - for standard input, or a file's path")
    predict.add_argument("--top-k", metavar="N", type=_count, default=10, help="how many words a mask (default: 10)")
    predict.add_argument("--json", action="store_true", help="print JSON")
    predict.add_argument(
        "--prose",
        choices=["auto", "all"],
        default="auto",
        help="auto: without the markup or code of the file's language",
    )
    predict.set_defaults(run=texts.predict)

    inspect = commands.add_parser(
        "inspect", parents=[model], help="tokens, random masks, predictions, loss: what the model makes of a text"
    )
    inspect.add_argument("text", metavar="TEXT|-|FILE", help="the text itself, - for standard input, or a file's path")
    inspect.add_argument("--rate", type=_rate, default=0.15, help="the share of tokens to mask (default: 0.15)")
    inspect.add_argument("--seed", type=_seed, default=0, help="of the random choice (default: 0)")
    form = inspect.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--html", metavar="FILE", help="write a page to look at in a browser, and print its path")
    inspect.add_argument("--whole-words", action="store_true", help="mask words, not pieces")
    inspect.set_defaults(run=texts.inspect)

    download = commands.add_parser("download", help="fetch a model from the Hugging Face hub into its local cache")
    download.add_argument("model", metavar="MODEL", help="for example google-bert/bert-base-uncased")
    download.set_defaults(run=texts.download)

    serve = commands.add_parser(
        "serve",
        parents=[model],
        help="one engine for a whole team, by HTTP; needs the extra 'cluster'",
        description="Serve the model to the language servers of a team, whose fillmask.engine.url names this machine. "
        "Where it listens beyond this machine, clients must have the token in the environment variable FILLMASK_TOKEN.",
    )
    serve.add_argument(
        "--listen",
        metavar="[HOST:]PORT",
        type=_address,
        default=("127.0.0.1", 8000),
        help="where requests come in (default: 127.0.0.1:8000)",
    )
    serve.add_argument(
        "--replicas",
        metavar="N[-M]",
        type=_range,
        default=(1, 1),
        help="how many processes hold the model; as many as are needed from N to M (default: 1)",
    )
    serve.add_argument("--cpus", metavar="N", type=_count, default=1, help="processor cores of each (default: 1)")
    serve.add_argument("--device", default="auto", help="auto, cpu or cuda; auto: a GPU each, if the cluster has some")
    serve.add_argument(
        "--dtype",
        choices=["auto", "float32", "bfloat16", "float16"],
        default="auto",
        help="the weights' precision (default: auto, bfloat16 where it is native)",
    )
    serve.add_argument("--address", help="of a Ray cluster to join, or auto; by default one is started here")
    serve.set_defaults(run=serving.serve_team)
    return parser


def _address(value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{value!r} is not [HOST:]PORT, for example 8765 or 127.0.0.1:8765")
    return host.strip("[]") or "127.0.0.1", int(port)


def _count(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= 1000:
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number from 1 to 1000")
    return int(value)


def _range(value: str) -> tuple[int, int]:
    low, _, high = value.partition("-")
    try:
        least, most = _count(low), _count(high or low)
    except argparse.ArgumentTypeError:
        least, most = 1, 0
    if least > most:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number, or two with a dash between, for example 2-8")
    return least, most


def _seed(value: str) -> int:
    if not value.isdecimal() or int(value) >= 2**63:
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number from 0 to {2**63 - 1}")
    return int(value)


def _rate(value: str) -> float:
    try:
        rate = float(value)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number from 0 to 1")
    return rate
