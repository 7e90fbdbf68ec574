"""``fillmask-ls predict``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.in_process import RunCommand

TEXT = "The patient was taken to the [MASK] by ambulance."


def words(answer: Any, mask: int = 0) -> list[str]:
    return [candidate["word"] for candidate in answer[mask]["candidates"]]


def test_predict_prints_words_with_probabilities(run: RunCommand) -> None:
    result = run("predict", TEXT)
    assert (result.code, result.err) == (0, "")
    heading, *rows = result.out.splitlines()
    assert heading.split() == ["word", "probability"]
    assert len(rows) == 10
    assert rows[0].split()[0] == "hospital"
    assert all("%" in row for row in rows)
    assert "\x1b" not in result.out


def test_json_has_position_entropy_and_words_of_each_mask(run: RunCommand, tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_text(f"# Title\n\n😀 {TEXT}\n\nShe drank a [MASK].\n", encoding="utf-8")
    answer = json.loads(run("predict", str(file), "--top-k", "3", "--json").out)
    assert [mask["model"] for mask in answer] == ["embedded", "embedded"]
    assert [(mask["path"], mask["line"], mask["column"]) for mask in answer] == [(str(file), 3, 32), (str(file), 5, 13)]
    assert all(len(mask["candidates"]) == 3 and mask["entropy"] > 0 for mask in answer)


def test_a_file_is_read_by_its_language_unless_prose_is_all(run: RunCommand, tmp_path: Path) -> None:
    file, before = tmp_path / "module.py", "He had fallen from the roof of his house in the morning. An hour later"
    file.write_text(
        f"import os\n\n# {before} the man was taken to\n# the [MASK] by ambulance.\nvalue = 1\n", encoding="utf-8"
    )
    text = f"{before} the man was taken to the [MASK] by ambulance."
    of_the_text = words(json.loads(run("predict", text, "--json").out))
    assert words(json.loads(run("predict", str(file), "--json").out)) == of_the_text
    assert words(json.loads(run("predict", str(file), "--json", "--prose", "all").out)) != of_the_text


def test_several_masks_are_shown_with_position_and_context(run: RunCommand) -> None:
    result = run("predict", "-", stdin=f"{TEXT}\n{TEXT}\n")
    assert result.code == 0
    assert "1:30  The patient was taken to the [MASK] by ambulance." in result.out
    assert "2:30" in result.out


def test_undecodable_bytes_of_an_argument_are_accepted(run: RunCommand) -> None:
    # Python passes a byte that is not UTF-8 as a lone surrogate.
    assert run("predict", "\udcff [MASK]", "--top-k", "1").code == 0


@pytest.mark.parametrize("text", ["no mask here", "", "x" * 5000, "nul\x00", "Really?"])
def test_text_without_mask_exits_with_1(run: RunCommand, text: str) -> None:
    result = run("predict", text)
    assert (result.code, result.out) == (1, "")
    assert result.err == "fillmask-ls: there is no [MASK] in the text, and no file has that name\n"


def test_standard_input_without_mask_exits_with_1(run: RunCommand) -> None:
    result = run("predict", "-", stdin="")
    assert (result.code, result.err) == (1, "fillmask-ls: there is no [MASK] in standard input\n")


def test_a_table_with_the_wrong_column_prints_ten_errors_and_how_many_more(run: RunCommand, tmp_path: Path) -> None:
    table = tmp_path / "items.csv"
    table.write_text("sentence\n" + "No mask here.\n" * 50)
    result = run("predict", str(table), "--text", "sentence")
    assert result.code == 1
    lines = result.err.splitlines()
    assert len(lines) == 11
    assert lines[-1] == "fillmask-ls: 40 more texts failed. With -o FILE, each row says why."


def test_file_without_mask_exits_with_1(run: RunCommand, tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_text("No mask.")
    result = run("predict", str(file))
    assert (result.code, result.err) == (1, f"fillmask-ls: there is no [MASK] in {file}\n")


def test_a_huge_number_of_subwords_is_refused(run: RunCommand) -> None:
    result = run("predict", "The [MASK].", "--max-subwords", "99")
    assert (result.code, "'99' is not a whole number from 1 to 8" in result.err) == (2, True)
