"""The command line. The bare command is the language server over standard input and output."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from fillmask_ls import MASK, __version__
from fillmask_ls.documents.context import passages
from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.text import TextDocument

if TYPE_CHECKING:
    from fillmask_ls.documents.text import Position, Span
    from fillmask_ls.mlm.model import MaskedLM
    from fillmask_ls.mlm.results import MaskPrediction

OK, NO_MASK, USAGE, NO_MODEL, BUG = 0, 1, 2, 3, 4

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


class CommandError(Exception):
    """The command can't be carried out: one line for the user, and the exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code. The server's end ends the process at once."""
    options = _parser().parse_args(arguments)
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


def _parser() -> argparse.ArgumentParser:
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
    parser.set_defaults(run=_serve)
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
    predict.set_defaults(run=_predict)

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
    inspect.set_defaults(run=_inspect)

    download = commands.add_parser("download", help="fetch a model from the Hugging Face hub into its local cache")
    download.add_argument("model", metavar="MODEL", help="for example google-bert/bert-base-uncased")
    download.set_defaults(run=_download)

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
    serve.set_defaults(run=_serve_team)
    return parser


def _serve(options: argparse.Namespace) -> int:
    import asyncio
    import logging

    from fillmask_ls.lsp import log, transport
    from fillmask_ls.lsp.server import FillmaskServer

    handler = log.Handler()
    logging.basicConfig(level=logging.WARNING, handlers=[handler], format="%(message)s")
    logging.getLogger("pygls").setLevel(logging.CRITICAL)  # its messages quote documents
    logging.getLogger("fillmask_ls").setLevel("DEBUG" if options.log == "messages" else options.log.upper())

    async def serve() -> int:
        server = FillmaskServer(watch_parent=not (options.tcp or options.ws))
        server.protocol.logs_messages = options.log == "messages"
        try:
            if options.tcp:
                return await transport.serve_tcp(server.protocol, *options.tcp)
            if options.ws:
                return await transport.serve_websocket(server.protocol, *options.ws)
        except OSError as error:
            print(f"fillmask-ls: can't listen: {error.strerror or error}", file=sys.stderr)
            return USAGE
        return await transport.serve_stdio(server.protocol)

    code = 1
    try:
        code = asyncio.run(serve())
    except KeyboardInterrupt:
        code = 130
    except Exception:
        logging.exception("the server failed")
    handler.close()
    # Not sys.exit: a thread may be in the middle of importing torch, and nothing here needs to be put in order.
    os._exit(code)


def _serve_team(options: argparse.Namespace) -> int:
    from importlib.util import find_spec

    from fillmask_ls.engine.connection import usable_token
    from fillmask_ls.engine.serving import digest
    from fillmask_ls.settings import is_loopback

    host, port = options.listen
    token = os.environ.get("FILLMASK_TOKEN")
    if token is not None and usable_token(token) is None:
        raise CommandError("FILLMASK_TOKEN must be a text of visible characters", USAGE)
    if token is None and not is_loopback(host):
        raise CommandError(
            f"{host} can be reached from other machines: set FILLMASK_TOKEN to a secret that clients must have", USAGE
        )
    if find_spec("ray") is None:
        raise CommandError("serve needs an extra: pip install 'fillmask-ls[cluster]'", USAGE)
    from fillmask_ls.mlm.checkpoint import CheckpointError, resolve

    try:
        resolve(options.model)
    except CheckpointError as error:
        raise CommandError(str(error), NO_MODEL) from error
    from fillmask_ls.engine.cluster import Served, serve_until_told

    served = Served(
        model=options.model,
        device=options.device,
        dtype=options.dtype,
        host=host,
        port=port,
        token=token and digest(token.strip()),
        replicas=options.replicas,
        cpus=options.cpus,
        gpus=0 if options.device == "cpu" else None,
        address=options.address,
    )
    shown = f"[{host}]" if ":" in host else host
    try:
        serve_until_told(served, lambda: print(f"serving at http://{shown}:{port}", flush=True))
    except ConnectionError as error:
        raise CommandError(
            f"no Ray cluster at {options.address} lets this machine join: is its address right, does it run, and is its "
            "token known here (RAY_AUTH_MODE=token)?",
            USAGE,
        ) from error
    return OK


def _predict(options: argparse.Namespace) -> int:
    text = _text(options.text)
    if MASK not in text:
        read = options.text == "-" or _exists(options.text)
        where = options.text if read else "the text, and no file of that name"
        raise CommandError(f"there is no {MASK} in {where}", NO_MASK)
    model = _load(options.model)
    from fillmask_ls import report

    name = Path(options.text).name if _exists(options.text) else ""
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
) -> Iterator[tuple[Span, MaskPrediction]]:
    """Each mask with its prediction, in order, as soon as it is made."""
    from fillmask_ls.mlm.prediction import predict

    for passage, places in passages(document, strip_markup=strip_markup):
        predictions = predict(model, passage.text, passage.masks, top_k=top_k)
        yield from zip(places, predictions[passage.focus :], strict=False)


def _inspect(options: argparse.Namespace) -> int:
    text = _text(options.text)
    if options.html is not None:
        _check_output(options.html, options.text)
    model = _load(options.model)
    from fillmask_ls import page, report
    from fillmask_ls.mlm.inspection import inspect

    inspection = inspect(model, text, rate=options.rate, seed=options.seed, whole_words=options.whole_words)
    if options.html is not None:
        _write(options.html, page.page(inspection, text))
        print(options.html)
    elif options.json:
        print(json.dumps({**asdict(inspection), "perplexity": inspection.perplexity}, indent=2))
    else:
        report.print_inspection(report.console(), inspection, model.tokenizer.mask_token)
    return OK


def _download(options: argparse.Namespace) -> int:
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


def _text(argument: str) -> str:
    if argument != "-" and (MASK in argument or not _exists(argument)):
        return argument
    try:
        content = sys.stdin.buffer.read() if argument == "-" else Path(argument).read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(f"{argument} is not UTF-8 text (byte {error.start}); convert it first", USAGE) from error
    except OSError as error:
        raise CommandError(f"can't read {argument}: {error.strerror}", USAGE) from error


def _check_output(output: str, source: str) -> None:
    """What can be told before the model is asked, which may take minutes."""
    target, why = Path(output), None
    if not (_exists(str(target.parent)) and target.parent.is_dir()):
        why = f"there is no folder {target.parent}"
    elif _exists(output) and not target.is_file():
        why = "there is something else of that name"
    elif _exists(output) and MASK not in source and _exists(source) and target.samefile(source):
        why = "it is the text itself"
    if why:
        raise CommandError(f"can't write {output}: {why}", USAGE)


def _write(output: str, content: str) -> None:
    """Whole or not at all: what was there before stays until the new is complete."""
    try:
        target = Path(output).resolve()
        part = target.with_name(f".{target.name}.{os.getpid()}")
        # Only made anew: where others may write, one could have put a link there.
        file = part.open("x", encoding="utf-8", newline="\n")
        try:
            with file:
                file.write(content)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise CommandError(f"can't write {output}: {getattr(error, 'strerror', None) or error}", USAGE) from error


def _exists(argument: str) -> bool:
    try:
        return bool(argument) and Path(argument).exists()
    except (OSError, ValueError):  # too long for a name, or a null byte: a text
        return False


def _prediction_json(place: Position, prediction: MaskPrediction) -> dict[str, object]:
    return {
        "line": place.line + 1,
        "column": place.column + 1,
        "entropy_bits": prediction.entropy,
        "words": [{"word": word.text, "probability": word.probability} for word in prediction.words],
    }


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
