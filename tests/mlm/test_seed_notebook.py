"""The notebook in server/docs shows what its cells print, and has every step of the one that this project started with."""

from __future__ import annotations

import json
from pathlib import Path

import notebook
import notebook_runner
from test_readme import assert_same_output

NOTEBOOK = Path(__file__).parent.parent.parent / "server/docs/bert-mlm.ipynb"


def test_cells_print_what_is_shown() -> None:
    for cell, printed in notebook_runner.execute(json.loads(NOTEBOOK.read_text(encoding="utf-8"))):
        assert_same_output(printed, notebook_runner.shown(cell))


def test_steps_are_those_of_the_first_notebook() -> None:
    cells = notebook_runner.code_cells(json.loads(NOTEBOOK.read_text(encoding="utf-8")))
    shown = "".join(map(notebook_runner.shown, cells))
    for text in (notebook.TOKENS, notebook.MASKED, repr(notebook.SELECTION), repr(notebook.PARAGRAPH)):
        assert text in shown
    source = "\n".join("".join(cell["source"]) for cell in cells)
    for step in (
        "special_tokens_map",
        "output.keys()",
        "output.loss",
        "hidden_states",
        "transform(",
        "CrossEntropyLoss",
    ):
        assert step in source
