"""Tables on a terminal and in a pipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from fillmask_ls.mlm.results import Candidate, Prediction
from fillmask_ls.presentation.terminal import print_context, print_inspection, print_prediction, print_records
from presentation.inspections import make_inspection

EVIL = "\x1b]52;c;ZXZpbA==\x07\x9b31m[red]x[/red]"


def printed(show: Callable[[Console], None], *, terminal: bool = False) -> str:
    file = StringIO()
    color_system = "standard" if terminal else None
    show(Console(file=file, width=160, force_terminal=terminal, color_system=color_system, highlight=False))
    return file.getvalue()


def test_prediction_is_a_table_of_words() -> None:
    prediction = Prediction((0, 6), (Candidate("tea", 0.5), Candidate("coffee", 0.0001)), 1.0)
    lines = printed(lambda out: print_prediction(out, prediction)).splitlines()
    assert [line.split() for line in lines] == [
        ["word", "probability"],
        ["tea", "50.0", "%", "█" * 10],
        ["coffee", "<", "0.1", "%"],
    ]


def test_only_a_terminal_gets_colors() -> None:
    prediction = Prediction((0, 6), (Candidate("tea", 0.5),), 1.0)
    assert "\x1b" in printed(lambda out: print_prediction(out, prediction), terminal=True)
    assert "\x1b" not in printed(lambda out: print_prediction(out, prediction))


def test_context_counts_lines_and_columns_from_1() -> None:
    line = "She drank a [MASK]."
    assert printed(lambda out: print_context(out, line, 4, (12, 18))) == "5:13  She drank a [MASK].\n"


def test_context_is_cut_on_both_sides() -> None:
    line = f"{'a' * 40} [MASK] {'b' * 40}"
    assert printed(lambda out: print_context(out, line, 0, (41, 47))) == (f"1:42  …{'a' * 29} [MASK] {'b' * 29}…\n")


def test_inspection_has_figures_and_a_row_for_each_token() -> None:
    lines = printed(
        lambda out: print_inspection(out, make_inspection("War broke out", masked="broke"), "[MASK]")
    ).splitlines()
    assert lines[0].split() == ["model", "tiny:", "2", "layers,", "8", "wide"]
    assert lines[2].split() == ["masked", *["1", "at", "rate", "0.15", "with", "seed", "7:", "2"]]
    rows = [line.split() for line in lines if line.split()[0].isdigit()]
    assert [row[:4] for row in rows][2] == ["2", "7", "broke", "[MASK]"]
    assert len(rows) == 5


@pytest.mark.parametrize("terminal", [False, True])
def test_nothing_of_a_text_or_vocabulary_acts_on_the_terminal(terminal: bool) -> None:
    prediction = Prediction((0, 6), (Candidate(EVIL, 0.5),), 1.0)
    inspection = make_inspection(EVIL, model=EVIL)
    inspection = replace(
        inspection, tokens=tuple(replace(token, token=EVIL, predicted=EVIL) for token in inspection.tokens)
    )
    for output in (
        printed(lambda out: print_prediction(out, prediction), terminal=terminal),
        printed(lambda out: print_context(out, f"{EVIL} [MASK] {EVIL}", 0, (28, 34)), terminal=terminal),
        printed(lambda out: print_inspection(out, inspection, EVIL), terminal=terminal),
    ):
        assert "[red]x" in output
        for control in ("\x1b]", "\x07", "\x9b"):
            assert control not in output


def test_a_long_text_leaves_the_figures_beside_it_whole() -> None:
    out = Console(file=StringIO(), width=40, force_terminal=True, color_system=None, highlight=False)
    target = "a very long target of many words that no narrow terminal can show in one line"
    print_records(out, [{"target": target, "probability": 0.25, "rank": 12}])
    assert isinstance(out.file, StringIO)
    shown = out.file.getvalue()
    assert "0.2500" in shown
    assert "12" in shown
    assert set(target.split()) <= set(shown.split())
