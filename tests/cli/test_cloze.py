"""``fillmask-ls cloze``."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from cli.in_process import RunCommand
from fillmask_ls import mlm

TEXT = "She drank a cup of [MASK] with milk."


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_cloze_prints_a_row_for_each_target(run: RunCommand) -> None:
    result = run("cloze", TEXT, "--targets", "tea,zebra,hot chocolate")
    assert (result.code, result.err) == (0, "")
    heading, *rows = result.out.splitlines()
    assert heading.split() == ["target", "raw", "probability", "surprisal", "rank"]
    assert [row.split()[0] for row in rows] == ["tea", "zebra", "hot"]
    calibrated = run("cloze", TEXT, "--targets", "tea,zebra,hot chocolate", "--calibrated")
    assert "  probability" in calibrated.out


def test_values_are_those_of_the_library(run: RunCommand, model: mlm.MaskedLM) -> None:
    records = json_lines(run("cloze", TEXT, "--targets", "tea,hot chocolate", "--format", "jsonl").out)
    for record, score in zip(records, mlm.cloze(model, TEXT, ["tea", "hot chocolate"]), strict=True):
        assert record["probability"] == pytest.approx(score.probability, rel=1e-4)
        assert record["surprisal"] == pytest.approx(score.surprisal, abs=1e-4)
        assert record["rank"] == score.rank
    assert not any(record["calibrated"] for record in records)
    assert [record["subwords"] for record in records] == [["tea"], ["hot", "chocolate"]]


def test_each_row_of_a_table_has_its_own_target(run: RunCommand, tmp_path: Path) -> None:
    table = tmp_path / "items.csv"
    table.write_text("id,sentence,word\na,She drank [MASK].,tea\nb,He drank [MASK].,beer\n")
    result = run("cloze", str(table), "--text", "sentence", "--target", "word", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert [(row["id"], row["word"], row["target"], row["subwords"]) for row in rows] == [
        ("a", "tea", "tea", "tea"),
        ("b", "beer", "beer", "beer"),
    ]


def test_several_columns_and_lists_are_several_targets(run: RunCommand, tmp_path: Path) -> None:
    table = tmp_path / "items.jsonl"
    table.write_text(json.dumps({"text": "The keys [MASK] old.", "good": "are", "bad": ["is", "was"]}) + "\n")
    records = json_lines(run("cloze", str(table), "--target", "good", "--target", "bad", "--format", "jsonl").out)
    assert [(record["target_column"], record["target"]) for record in records] == [
        ("good", "are"),
        ("bad", "is"),
        ("bad", "was"),
    ]


def test_each_mask_gets_every_target(run: RunCommand, tmp_path: Path) -> None:
    document = tmp_path / "notes.md"
    document.write_text("He drank [MASK].\n\nShe ate [MASK] and [MASK].\n")
    records = json_lines(run("cloze", str(document), "--targets", "tea,rice", "--format", "jsonl").out)
    assert [(record["line"], record["column"], record["target"]) for record in records] == [
        (1, 10, "tea"),
        (1, 10, "rice"),
        (3, 9, "tea"),
        (3, 9, "rice"),
        (3, 20, "tea"),
        (3, 20, "rice"),
    ]


def test_a_row_without_a_word_is_an_error(run: RunCommand, tmp_path: Path) -> None:
    table = tmp_path / "items.jsonl"
    table.write_text(
        "".join(json.dumps({"text": TEXT, "word": word}) + "\n" for word in ["tea", None, "", 3, [], ["tea", ""]])
    )
    result = run("cloze", str(table), "--target", "word", "--format", "jsonl")
    assert result.code == 1
    assert ["error" in record for record in json_lines(result.out)] == [False, *[True] * 5]
    assert result.err == "fillmask-ls: 5 of 6 texts failed: the column 'error' says why\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say which words: --targets A,B or --target COLUMN"),
        (["--target", "word"], "the text is not a table, so it has no column 'word'"),
        (
            ["--targets", "a", "--calibrated", "--engine", "http://127.0.0.1:1"],
            "a shared engine's cloze is not calibrated: leave out --calibrated",
        ),
    ],
)
def test_options_that_can_not_work_are_reported(run: RunCommand, arguments: list[str], message: str) -> None:
    result = run("cloze", TEXT, *arguments)
    assert (result.code, result.out, result.err) == (2, "", f"fillmask-ls: {message}\n")


def test_an_error_of_a_row_has_no_other_number_than_the_row(run: RunCommand, tmp_path: Path) -> None:
    table = tmp_path / "items.jsonl"
    table.write_text("".join(json.dumps({"text": TEXT, "goal": goal}) + "\n" for goal in ("tea", "", 600 * "very ")))
    records = json_lines(run("cloze", str(table), "--target", "goal", "--format", "jsonl").out)
    assert records[2]["error"] == "a target of 600 tokens is too long for the model"
