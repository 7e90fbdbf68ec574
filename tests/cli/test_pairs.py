"""``fillmask-ls pairs``."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from cli.in_process import RunCommand
from fillmask_ls import mlm

PAIRS = [
    ("agreement", "The keys to the house are old.", "The keys to the house is old."),
    ("agreement", "The key to the houses is old.", "The key to the houses are old."),
    ("anaphora", "She hurt herself.", "She hurt himself."),
]


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def blimp(tmp_path: Path) -> Path:
    path = tmp_path / "blimp.jsonl"
    path.write_text(
        "".join(
            json.dumps({"sentence_good": good, "sentence_bad": bad, "UID": paradigm}) + "\n"
            for paradigm, good, bad in PAIRS
        )
    )
    return path


def test_each_paradigm_has_a_row_with_accuracy_and_interval(run: RunCommand, blimp: Path, model: mlm.MaskedLM) -> None:
    rows = json_lines(run("pairs", str(blimp), "--by", "UID", "--format", "jsonl").out)
    expected = mlm.minimal_pairs(
        model, [(good, bad) for _, good, bad in PAIRS], by=[paradigm for paradigm, _, _ in PAIRS]
    )
    assert [row["UID"] for row in rows] == ["agreement", "anaphora", "all"]
    for row, score in zip(rows, [*expected.paradigms, expected.total], strict=True):
        assert (row["pairs"], row["correct"]) == (score.pair_count, score.correct_count)
        assert (row["accuracy"], row["low"], row["high"]) == pytest.approx((score.accuracy, score.low, score.high))


def test_for_people_it_is_a_table(run: RunCommand, blimp: Path) -> None:
    result = run("pairs", str(blimp))
    assert (result.code, result.err) == (0, "")
    heading, row = result.out.splitlines()
    assert heading.split() == ["paradigm", "pairs", "correct", "accuracy", "low", "high", "margin"]
    assert row.split()[:2] == ["all", "3"]


def test_output_has_a_record_for_each_pair(run: RunCommand, blimp: Path, tmp_path: Path) -> None:
    out = tmp_path / "pairs.csv"
    summary = run("pairs", str(blimp), "--by", "UID", "-o", str(out), "--base", "e").out
    assert summary.splitlines()[0].split()[0] == "UID"
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert [row["sentence_good"] for row in rows] == [good for _, good, _ in PAIRS]
    for row in rows:
        margin = float(row["bad_surprisal"]) - float(row["good_surprisal"])
        assert float(row["margin"]) == pytest.approx(margin)
        assert row["correct"] == str(margin > 0).lower()


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_resumed_run_counts_the_pairs_of_the_earlier_one(
    run: RunCommand, blimp: Path, tmp_path: Path, ending: str
) -> None:
    out = tmp_path / f"pairs.{ending}"
    arguments = ("pairs", str(blimp), "--by", "UID", "-o", str(out))
    whole = run(*arguments).out
    out.write_bytes(out.read_bytes()[:-20])
    assert run(*arguments, "--resume").out == whole
    assert run(*arguments, "--resume").out == whole


def test_columns_can_have_any_name(run: RunCommand, tmp_path: Path) -> None:
    table = tmp_path / "clams.tsv"
    table.write_text(f"right\twrong\n{PAIRS[0][1]}\t{PAIRS[0][2]}\n")
    assert run("pairs", str(table), "--good", "right", "--bad", "wrong").code == 0
    result = run("pairs", str(table))
    assert result.code == 2
    assert "has no column 'sentence_good'. Its columns are right, wrong." in result.err


def test_a_text_is_no_pair(run: RunCommand) -> None:
    result = run("pairs", "A text.")
    assert result.code == 2
    assert "the text is not a table, so it has no column 'sentence_good'" in result.err


def test_pairs_that_fail_do_not_count(run: RunCommand, blimp: Path) -> None:
    blimp.write_text(blimp.read_text() + '{"sentence_good": 3, "sentence_bad": "", "UID": "x"}\n')
    result = run("pairs", str(blimp), "--format", "jsonl")
    assert result.code == 1
    [row] = json_lines(result.out)
    assert row["pairs"] == 3
    assert result.err == f"fillmask-ls: {blimp}, row 4: column 'sentence_good' contains no text\n"


def test_an_empty_sentence_is_an_error_and_never_preferred(run: RunCommand, blimp: Path) -> None:
    blimp.write_text('{"sentence_good": "", "sentence_bad": "The cats sleeps."}\n')
    result = run("pairs", str(blimp))
    assert (result.code, "column 'sentence_good' contains no text" in result.err) == (1, True)


@pytest.mark.parametrize("ending", ["json", "parquet"])
def test_a_complete_file_is_counted_again(run: RunCommand, blimp: Path, tmp_path: Path, ending: str) -> None:
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    arguments = ("pairs", str(blimp), "--by", "UID", "-o", str(tmp_path / f"pairs.{ending}"))
    whole = run(*arguments).out
    assert run(*arguments, "--resume", "--model", "/no/such").out == whole
