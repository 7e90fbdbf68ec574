"""Print results on standard output: tables in color on a terminal, plain columns elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fillmask_ls import MASK
from fillmask_ls.presentation.percent import bar, percent

if TYPE_CHECKING:
    from fillmask_ls.mlm.results import Inspection, Prediction

_PLAIN_WIDTH = 160
"""Columns where standard output is not a terminal: enough for every word of a table."""
_FIGURE_WIDTH = 10
_CONTEXT_LENGTH = 30
"""Characters shown on each side of a mask."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would end the process with an error


def console() -> Console:
    """Return a console that prints on standard output."""
    if sys.stdout.isatty():
        return _Console(highlight=False)
    return _Console(width=_PLAIN_WIDTH, no_color=True, highlight=False)


def print_prediction(out: Console, prediction: Prediction) -> None:
    """Print the candidates at one mask, with their probabilities."""
    table = _table(out, ("word", "left"), ("probability", "right"), ("", "left"))
    for rank, candidate in enumerate(prediction.candidates):
        table.add_row(
            _text(candidate.text, "bold green" if rank == 0 else ""),
            percent(candidate.probability),
            Text(bar(candidate.probability, 20), "green"),
        )
    out.print(table)


def print_context(out: Console, line: str, number: int, span: tuple[int, int]) -> None:
    """Print a mask's position, counted from 1, and the words around it.

    Args:
        number: the line's number, from 0.
        span: the mask's span in the line.
    """
    start, end = span
    left = "…" if start > _CONTEXT_LENGTH else ""
    right = "…" if len(line) > end + _CONTEXT_LENGTH else ""
    before = _printable(line[max(0, start - _CONTEXT_LENGTH) : start]).lstrip()
    after = _printable(line[end : end + _CONTEXT_LENGTH]).rstrip()
    position = (f"{number + 1}:{start + 1}  ", "dim")
    out.print(Text.assemble(position, left, before, (MASK, "bold cyan"), after, right))


def print_inspection(out: Console, inspection: Inspection, mask_token: str) -> None:
    """Print the figures of an inspection, then a table of its tokens: original, masked and predicted."""
    masked = [position for position, token in enumerate(inspection.tokens) if token.masked]
    positions = ", ".join(map(str, masked)) or "none"
    facts = {
        "model": f"{inspection.model}: {inspection.layers} layers, {inspection.hidden_size} wide",
        "tokens": str(len(inspection.tokens)),
        "masked": f"{len(masked)} at rate {inspection.rate:g} with seed {inspection.seed}: {positions}",
        "loss": f"{inspection.loss:.4f} over all positions, perplexity {inspection.perplexity:.2f}",
    }
    if inspection.masked_loss is not None:
        facts["masked loss"] = f"{inspection.masked_loss:.4f} over the masked positions"
    for name, value in facts.items():
        out.print(Text.assemble((f"{name:<12}", "bold"), _printable(value)))
    table = _table(
        out,
        ("position", "right"),
        ("id", "right"),
        ("original", "left"),
        ("masked", "left"),
        ("predicted", "left"),
        ("probability of the original", "right"),
    )
    for position, token in enumerate(inspection.tokens):
        is_right = token.predicted == token.token
        table.add_row(
            str(position),
            str(token.id),
            _text(token.token),
            _text(mask_token if token.masked else token.token, "bold cyan" if token.masked else ""),
            _text(token.predicted, "green" if is_right else "red" if token.masked else "yellow"),
            "" if token.probability is None else percent(token.probability),
        )
    out.print(table)


def print_table(out: Console, heading: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Print a table of plain cells: a column of names, then columns of figures."""
    first, *others = heading
    table = _table(out, (first, "left"), *((name, "right") for name in others))
    for line in lines:
        table.add_row(*(_text(cell) for cell in line))
    out.print(table)


def print_records(out: Console, records: Sequence[Mapping[str, object]]) -> None:
    """Print records with the same names as a table; numbers are rounded."""
    if not records:
        return
    names = [name for name, value in records[0].items() if not isinstance(value, (list, tuple, dict))]
    kinds = {name: [record.get(name) for record in records] for name in names}
    sides: dict[str, Literal["left", "right"]] = {
        name: "right" if all(value is None or isinstance(value, (int, float)) for value in values) else "left"
        for name, values in kinds.items()
    }
    table = _table(out, *((name, sides[name]) for name in names))
    for record in records:
        table.add_row(*(_text(_rounded(record.get(name))) for name in names))
    out.print(table)


def print_line(out: Console, figures: Mapping[str, float], text: str, *, with_heading: bool) -> None:
    """Print figures and a text in one line, below a heading with the names of the figures."""
    if with_heading:
        out.print(Text("  ".join(f"{name:>{_FIGURE_WIDTH}}" for name in figures) + "  text", "bold"))
    values = "  ".join(f"{_rounded(value):>{_FIGURE_WIDTH}}" for value in figures.values())
    out.print(Text(f"{values}  {_printable(text)}"), no_wrap=True, overflow="ellipsis", crop=out.is_terminal)


def print_text(out: Console, text: str) -> None:
    """Print a text as is, without control characters other than line ends and tabs."""
    out.print(Text("".join(each if each.isprintable() or each in "\n\t" else " " for each in text)), soft_wrap=True)


def _rounded(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e-3 else f"{value:.4f}" if abs(value) < 100 else f"{value:,.2f}"
    return "" if value is None else str(value)


def _table(out: Console, *columns: tuple[str, Literal["left", "right"]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD if out.is_terminal else None, pad_edge=False)
    for name, side in columns:
        # Where a terminal is narrow, text is wrapped, and figures stay whole.
        table.add_column(name, justify=side, no_wrap=side == "right" or not name)
    return table


def _text(text: str, style: str = "") -> Text:
    return Text(_printable(text), style)


def _printable(text: str) -> str:
    """Replace control characters, which a terminal would act on, with spaces."""
    return "".join(character if character.isprintable() else " " for character in text)
