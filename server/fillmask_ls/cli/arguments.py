"""Arguments that several commands share, and the types that validate arguments."""

from __future__ import annotations

import argparse
import codecs
import math
from typing import TypeAlias

from fillmask_ls.words import SUBWORDS_LIMIT

from .bulk.inputs import KINDS

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What a command's ``add_parser`` adds its parser to."""


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose the model and where it runs."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model", default="auto", help="auto, embedded, a folder or a Hugging Face hub id (default: auto)"
    )
    group.add_argument("--revision", metavar="NAME", help="branch, tag or commit of a hub id")
    group.add_argument("--device", default="auto", help="auto, cpu, cuda or another torch device (default: auto)")
    group.add_argument(
        "--dtype",
        choices=["auto", "float32", "bfloat16", "float16"],
        default="auto",
        help="precision of the weights; auto uses bfloat16 where it is native (default: auto)",
    )
    group.add_argument("--runtime", choices=["torch", "openvino"], default="torch", help="default: torch")
    group.add_argument("--engine", metavar="URL", help="ask a shared engine instead (see fillmask-ls serve)")
    group.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="compute on the Ray cluster that this machine belongs to: auto or HOST:PORT (needs the extra 'cluster')",
    )
    group.add_argument(
        "--batch-tokens",
        metavar="N",
        type=whole_number,
        default=2048,
        help="most tokens in a forward pass (default: 2048)",
    )


def add_input_arguments(parser: argparse.ArgumentParser, *, text_column: bool = True) -> None:
    """Add what to read, and how."""
    parser.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="+",
        help="a text; a file, a folder or a pattern such as 'chapters/*.md'; or - for the lines of standard input",
    )
    group = parser.add_argument_group("input")
    if text_column:
        group.add_argument(
            "--text",
            metavar="COLUMN",
            help="column of a table with the text, such as sentence or items.0 (default: text)",
        )
    group.add_argument("--id", metavar="COLUMN", help="column of a table that names a row in messages")
    group.add_argument(
        "--input-format",
        choices=["auto", *KINDS],
        default="auto",
        help="how to read files and standard input; auto: tables by the ending of their name (.csv .tsv .jsonl .parquet), "
        "others as documents, standard input line by line (default: auto)",
    )
    group.add_argument(
        "--encoding", type=encoding, default="utf-8", help="of files without a byte order mark (default: utf-8)"
    )
    group.add_argument(
        "--columns",
        metavar="A,B,...",
        type=names,
        default=(),
        help="names of the columns of a CSV or TSV file that has no header line",
    )
    group.add_argument(
        "--prose",
        choices=["auto", "all"],
        default="auto",
        help="what the model reads of a document: auto leaves out the markup or code of the file's language, all reads "
        "everything",
    )


def add_output_options(parser: argparse.ArgumentParser, *, folder: bool = False) -> None:
    """Add where records go, and what happens to rows that fail.

    Args:
        folder: whether the command also writes documents, which go to a folder.
    """
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o",
        "--output",
        metavar="FOLDER|FILE" if folder else "FILE",
        help=("folder for documents, or file for a single one; " if folder else "")
        + "write records to a .csv, .tsv, .jsonl, .json or .parquet file as they come",
    )
    group.add_argument(
        "--format",
        choices=["table", "json", "jsonl", "csv", "tsv", "parquet"],
        help="format of the records (default: table on standard output, else by the file's ending)",
    )
    group.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json")
    existing = group.add_mutually_exclusive_group()
    existing.add_argument(
        "--resume",
        action="store_true",
        help="go on with an output file that an earlier run began; give the same input and options, which are compared at "
        "the last two texts only",
    )
    existing.add_argument("--overwrite", action="store_true", help="replace an output file that exists")
    group.add_argument("--strict", action="store_true", help="stop at the first row that fails")


def add_top_k_option(parser: argparse.ArgumentParser, what: str, *, default: int) -> None:
    """Add how many words or tokens are printed."""
    parser.add_argument("--top-k", metavar="N", type=count, default=default, help=f"{what} (default: {default})")


def add_max_subwords_option(parser: argparse.ArgumentParser) -> None:
    """Add how many subwords a word can have."""
    parser.add_argument(
        "--max-subwords",
        metavar="N",
        type=subwords,
        default=4,
        help="most subwords of a word; 1 is fastest (default: 4)",
    )


def add_score_options(parser: argparse.ArgumentParser) -> None:
    """Add how surprisal is computed."""
    parser.add_argument(
        "--metric",
        choices=["within_word_l2r", "original", "whole_word"],
        default="within_word_l2r",
        help="what is masked with each token: the rest of its word (Kauf & Ivanova 2023), nothing (Salazar et al. 2020), "
        "or its whole word (default: within_word_l2r)",
    )
    add_base_option(parser)


def add_mask_options(parser: argparse.ArgumentParser) -> None:
    """Add how masks are chosen at random."""
    parser.add_argument("--rate", type=rate, default=0.15, help="share of tokens to mask, 0 to 1 (default: 0.15)")
    parser.add_argument("--seed", type=seed, default=0, help="seed of the random choice (default: 0)")
    parser.add_argument("--whole-words", action="store_true", help="mask whole words, not single subwords")


def add_base_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--base",
        type=base,
        default=2.0,
        metavar="2|e|10",
        help="of the logarithm in surprisals: 2 for bits, e for nats, 10 for decimal digits (default: 2)",
    )


def base(value: str) -> float:
    """Parse the base of a logarithm."""
    bases = {"2": 2.0, "e": math.e, "10": 10.0}
    if value not in bases:
        raise argparse.ArgumentTypeError(f"{value!r} is not 2, e or 10")
    return bases[value]


def whole_number(value: str) -> int:
    """Parse a whole number from 1 to a million."""
    if not value.isdecimal() or not 1 <= int(value) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number from 1 to 1000000")
    return int(value)


def names(value: str) -> tuple[str, ...]:
    """Parse names that commas separate."""
    parsed = tuple(name.strip() for name in value.split(","))
    if not all(parsed):
        raise argparse.ArgumentTypeError(f"{value!r} is not a list of names, such as a,b")
    return parsed


def encoding(value: str) -> str:
    """Parse the name of a text encoding."""
    try:
        name = codecs.lookup(value).name
        " ".encode(name)  # refuses base64, for example
        if name not in ("idna", "punycode"):
            return name
    except (LookupError, ValueError):
        pass
    raise argparse.ArgumentTypeError(f"{value!r} is not an encoding of text, for example utf-8 or latin-1")


def address(value: str) -> tuple[str, int]:
    """Parse ``[HOST:]PORT``; the default host is this machine."""
    host, _, port = value.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{value!r} is not [HOST:]PORT, for example 8765 or 127.0.0.1:8765")
    return host.strip("[]") or "127.0.0.1", int(port)


def count(value: str) -> int:
    """Parse a whole number from 1 to 1000."""
    if not value.isdecimal() or not 1 <= int(value) <= 1000:
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number from 1 to 1000")
    return int(value)


def subwords(value: str) -> int:
    """Parse a number of subwords."""
    if not value.isdecimal() or not 1 <= int(value) <= SUBWORDS_LIMIT:
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number from 1 to {SUBWORDS_LIMIT}")
    return int(value)


def count_range(value: str) -> tuple[int, int]:
    """Parse ``N`` or ``N-M``."""
    first, _, last = value.partition("-")
    try:
        low, high = count(first), count(last or first)
    except argparse.ArgumentTypeError:
        low, high = 1, 0
    if low > high:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number or a range, for example 2 or 2-8")
    return low, high


def seed(value: str) -> int:
    """Parse a seed of torch's random generator."""
    if not value.isdecimal() or int(value) >= 2**63:
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number from 0 to {2**63 - 1}")
    return int(value)


def rate(value: str) -> float:
    """Parse a number from 0 to 1."""
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number from 0 to 1")
    return number
