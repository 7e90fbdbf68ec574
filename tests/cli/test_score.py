"""``fillmask-ls score``."""

from __future__ import annotations

import csv
import io
import json
from math import log
from pathlib import Path
from typing import Any

import pytest

from cli.in_process import RunCommand
from fillmask_ls import mlm

GOOD, BAD = "The keys to the house are old.", "The keys to the house is old."


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_score_prints_a_line_for_each_text(run: RunCommand) -> None:
    result = run("score", GOOD, BAD)
    assert (result.code, result.err) == (0, "")
    heading, *lines = result.out.splitlines()
    assert heading.split() == ["surprisal", "perplexity", "text"]
    assert [line.endswith(text) for line, text in zip(lines, [GOOD, BAD], strict=True)] == [True, True]
    assert float(lines[0].split()[0]) < float(lines[1].split()[0])


@pytest.mark.parametrize(("base", "unit"), [("2", log(2)), ("e", 1.0)])
def test_surprisal_is_that_of_the_library_in_the_chosen_unit(
    run: RunCommand, model: mlm.MaskedLM, base: str, unit: float
) -> None:
    [record] = json_lines(run("score", GOOD, "--base", base, "--metric", "original", "--format", "jsonl").out)
    score = mlm.score(model, GOOD, metric="original")
    assert record["surprisal"] == pytest.approx(-score.pseudo_log_likelihood / unit, abs=1e-4)
    assert record["perplexity"] == pytest.approx(score.perplexity, rel=1e-4)
    assert record["tokens"] == len(score.tokens)
    assert (record["text"], record["model"]) == (GOOD, "embedded")


def test_words_and_tokens_have_records_of_their_own(run: RunCommand) -> None:
    words = list(csv.DictReader(io.StringIO(run("score", GOOD, "--per", "word", "--format", "csv").out)))
    assert [word["word"] for word in words] == ["The", "keys", "to", "the", "house", "are", "old"]
    assert [GOOD[int(word["start"]) : int(word["end"])] for word in words] == [word["word"] for word in words]
    tokens = list(csv.DictReader(io.StringIO(run("score", GOOD, "--per", "token", "--format", "csv").out)))
    assert tokens[-1]["token"] == "."
    assert int(tokens[-1]["rank"]) >= 1
    total = sum(float(token["surprisal"]) for token in tokens)
    [record] = json_lines(run("score", GOOD, "--format", "jsonl").out)
    assert total == pytest.approx(record["surprisal"], rel=1e-4)


def test_a_table_keeps_its_columns_and_order(run: RunCommand, tmp_path: Path) -> None:
    table, out = tmp_path / "items.csv", tmp_path / "scores.csv"
    table.write_text(f"item,condition,sentence\n7,plural,{GOOD}\n7,singular,{BAD}\n")
    result = run("score", str(table), "--text", "sentence", "-o", str(out))
    assert (result.code, result.out, result.err) == (0, "", "")
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert list(rows[0]) == [
        *("item", "condition", "sentence", "row", "model", "surprisal", "tokens", "perplexity", "error")
    ]
    assert [(row["item"], row["condition"], row["sentence"], row["row"]) for row in rows] == [
        ("7", "plural", GOOD, "1"),
        ("7", "singular", BAD, "2"),
    ]


def test_a_region_is_scored_alone(run: RunCommand, tmp_path: Path, model: mlm.MaskedLM) -> None:
    table = tmp_path / "items.jsonl"
    table.write_text(
        json.dumps({"text": GOOD, "critical": "are"})
        + "\n"
        + json.dumps({"text": GOOD, "critical": "is"})
        + "\n"
        + json.dumps({"text": GOOD, "critical": "e"})
    )
    result = run("score", str(table), "--region", "critical", "--format", "jsonl")
    right, missing, ambiguous = json_lines(result.out)
    [are] = [word for word in mlm.score(model, GOOD).words if word.text == "are"]
    assert right["surprisal"] == pytest.approx(are.surprisal, abs=1e-4)
    assert right["tokens"] == 1
    assert result.code == 1
    assert missing["error"] == "the text doesn't contain its critical 'is' once"
    assert ambiguous["error"] == "the text doesn't contain its critical 'e' once"


def test_by_prints_the_mean_of_each_group(run: RunCommand, tmp_path: Path) -> None:
    table = tmp_path / "items.csv"
    table.write_text(f"condition,text\na,{GOOD}\nb,{BAD}\na,{GOOD}\n")
    single = json_lines(run("score", GOOD, BAD, "--format", "jsonl").out)
    groups = json_lines(run("score", str(table), "--by", "condition", "--format", "jsonl").out)
    assert [(group["condition"], group["texts"]) for group in groups] == [("a", 2), ("b", 1)]
    assert groups[0]["mean_surprisal"] == pytest.approx(single[0]["surprisal"], rel=1e-4)
    assert groups[0]["sd_surprisal"] == pytest.approx(0, abs=1e-4)
    assert groups[1]["sd_surprisal"] is None
    assert "mean_surprisal" in run("score", str(table), "--by", "condition").out


def test_the_sentences_of_a_document_have_path_line_and_column(run: RunCommand, tmp_path: Path) -> None:
    document = tmp_path / "notes.md"
    document.write_text("# Title\n\nThe *sky* is blue. Grass\nis green.\n\n```sh\nls\n```\n")
    records = json_lines(run("score", str(document), "--format", "jsonl").out)
    assert [(record["text"], record["path"], record["line"], record["column"]) for record in records] == [
        ("Title", str(document), 1, 3),
        ("The sky is blue.", str(document), 3, 1),
        ("Grass is green.", str(document), 3, 20),
    ]


def test_a_document_without_text_is_reported(run: RunCommand, tmp_path: Path) -> None:
    document = tmp_path / "notes.md"
    document.write_text("---\n")
    result = run("score", str(document))
    assert (result.code, result.out, result.err) == (1, "", f"fillmask-ls: there is no text in {document}\n")


def test_a_row_without_text_is_an_error(run: RunCommand, tmp_path: Path) -> None:
    table = tmp_path / "items.csv"
    table.write_text(f"text,n\n,1\n{GOOD},2\n")
    result = run("score", str(table), "--format", "jsonl")
    assert [record.get("error") for record in json_lines(result.out)] == ["there is no text", None]
    assert run("score", "").err == "fillmask-ls: the text: there is no text\n"


def test_a_column_of_a_text_is_reported(run: RunCommand) -> None:
    result = run("score", GOOD, "--by", "condition")
    assert (result.code, result.err) == (2, "fillmask-ls: the text is not a table, so it has no column 'condition'\n")
