"""Arguments that several commands share, and the types that validate arguments."""

from __future__ import annotations

import argparse
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What a command's ``add_parser`` adds its parser to."""


def add_model_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", default="auto", help="auto, embedded, a folder or a Hugging Face hub id (default: auto)"
    )


def add_text_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT|-|FILE", help="the text itself, - for standard input, or a file")


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
