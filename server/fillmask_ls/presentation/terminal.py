"""What the command line prints: coloured tables on a terminal, plain columns anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fillmask_ls import MASK
from fillmask_ls.presentation.percent import bar, percent

if TYPE_CHECKING:
    from fillmask_ls.mlm.results import Inspection, Prediction


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # not rich's exit with an error: a reader that has enough is none


def console() -> Console:
    """Standard output; where it is no terminal, wide enough that no word is cut."""
    return _Console(highlight=False) if sys.stdout.isatty() else _Console(width=160, no_color=True, highlight=False)


def print_prediction(out: Console, prediction: Prediction) -> None:
    """The words at one mask with their probabilities."""
    table = _table(out, ("word", "left"), ("probability", "right"), ("", "left"))
    for rank, word in enumerate(prediction.candidates):
        style = "bold green" if rank == 0 else ""
        table.add_row(Text(word.text, style), percent(word.probability), Text(bar(word.probability, 20), "green"))
    out.print(table)


def print_place(out: Console, line: str, number: int, span: tuple[int, int], reach: int = 30) -> None:
    """Where a mask stands, and the words around it."""
    start, end = span
    before, after = _printable(line[max(0, start - reach) : start]), _printable(line[end : end + reach])
    left, right = "…" if start > reach else "", "…" if len(line) > end + reach else ""
    place = (f"{number + 1}:{start + 1}  ", "dim")
    out.print(Text.assemble(place, left, before.lstrip(), (MASK, "bold cyan"), after.rstrip(), right))


def print_inspection(out: Console, report: Inspection, mask_token: str) -> None:
    """The report on one text: figures, then original, masked and predicted side by side."""
    masked = [i for i, token in enumerate(report.tokens) if token.masked]
    places = ", ".join(map(str, masked)) or "none"
    facts = {
        "model": f"{report.model}: {report.layers - 1} layers, {report.hidden_size} wide",
        "tokens": str(len(report.tokens)),
        "masked": f"{len(masked)} at rate {report.rate:g} with seed {report.seed}: {places}",
        "loss": f"{report.loss:.4f} over all positions, perplexity {report.perplexity:.2f}",
    }
    if report.masked_loss is not None:
        facts["masked loss"] = f"{report.masked_loss:.4f} over the masked positions"
    for name, value in facts.items():
        out.print(Text.assemble((f"{name:<12}", "bold"), value))
    table = _table(
        out,
        ("position", "right"),
        ("id", "right"),
        ("original", "left"),
        ("masked", "left"),
        ("predicted", "left"),
        ("probability of the original", "right"),
    )
    for i, token in enumerate(report.tokens):
        right = token.predicted == token.token
        table.add_row(
            str(i),
            str(token.id),
            Text(_printable(token.token)),
            Text(mask_token if token.masked else _printable(token.token), "bold cyan" if token.masked else ""),
            Text(token.predicted, "green" if right else "red" if token.masked else "yellow"),
            "" if token.probability is None else percent(token.probability),
        )
    out.print(table)


def print_table(out: Console, heading: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Plain cells: a column of names, then columns of figures."""
    first, *others = heading
    table = _table(out, (first, "left"), *((name, "right") for name in others))
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    out.print(table)


def _printable(text: str) -> str:
    """``text`` with nothing in it that a terminal would act on."""
    return "".join(character if character.isprintable() else " " for character in text)


def _table(out: Console, *columns: tuple[str, Literal["left", "right"]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD if out.is_terminal else None, pad_edge=False)
    for name, side in columns:
        table.add_column(name, justify=side, no_wrap=True)
    return table
