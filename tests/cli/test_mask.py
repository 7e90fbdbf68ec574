"""``fillmask-ls mask``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.in_process import RunCommand

TEXT = "The quick brown fox jumps over the lazy dog, and the old man drinks a cup of tea with his best friend."


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def unmask(masked: str, words: list[str]) -> str:
    parts = masked.split("[MASK]")
    assert len(parts) == len(words) + 1
    return parts[0] + "".join(word + part for word, part in zip(words, parts[1:], strict=True))


def test_a_seed_makes_the_masks_repeatable(run: RunCommand) -> None:
    results = [run("mask", TEXT, "--seed", seed).out for seed in ("1", "1", "2")]
    assert results[0] == results[1] != results[2]
    assert "[MASK]" in results[0]


def test_each_text_has_its_own_draw(run: RunCommand) -> None:
    lines = [f"One {word} two three four five six seven eight nine ten.\n" for word in ("cat", "dog", "hat", "cup")]
    masked = run("mask", "-", "--rate", "0.5", stdin="".join(lines)).out.splitlines()
    assert len({tuple(word == "[MASK]" for word in line.split()) for line in masked}) > 1


def test_all_words_can_be_masked(run: RunCommand) -> None:
    assert run("mask", "Unbelievable, he said.", "--rate", "1", "--whole-words").out == "[MASK], [MASK] [MASK].\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_answers_restore_every_byte_and_say_where_the_masks_are(run: RunCommand, tmp_path: Path, encoding: str) -> None:
    document, out, answers = tmp_path / "notes.md", tmp_path / "out", tmp_path / "answers.jsonl"
    text = f"---\r\ntitle: x\r\n---\r\n\r\n# 😀 {TEXT}\r\n\r\n* {TEXT}\n\n```sh\nls the old dog\n```\n"
    document.write_bytes(text.encode(encoding))
    arguments = ("--rate", "0.4", "--answers", str(answers), "-o", str(out))
    assert run("mask", str(document), *arguments, "--whole-words").code == 0
    masked = (out / "notes.md").read_bytes().decode(encoding)
    records = json_lines(answers.read_text())
    assert unmask(masked, [record["word"] for record in records]) == text
    lines = masked.replace("\r\n", "\n").split("\n")
    for record in records:
        assert record["path"] == str(document)
        assert lines[record["line"] - 1][record["column"] - 1 :].startswith("[MASK]")
    assert "ls the old dog" in masked
    assert "title: x" in masked


def test_rows_of_a_table_get_the_masked_text_and_its_words(run: RunCommand, tmp_path: Path) -> None:
    table = tmp_path / "items.jsonl"
    table.write_text("".join(json.dumps({"text": TEXT, "n": number}) + "\n" for number in range(3)))
    records = json_lines(run("mask", str(table), "--format", "jsonl").out)
    for record in records:
        assert unmask(record["masked"], record["words"]) == record["text"] == TEXT
    result = run("mask", str(table), "--answers", str(tmp_path / "x.jsonl"))
    assert (result.code, result.err.count("leave out --answers")) == (2, 1)


@pytest.mark.parametrize("written", [1, 2, 3])
def test_a_resumed_run_has_the_words_of_all_documents_once(run: RunCommand, tmp_path: Path, written: int) -> None:
    book, out, answers = tmp_path / "book", tmp_path / "out", tmp_path / "answers.jsonl"
    book.mkdir()
    for name in "abc":
        (book / f"{name}.md").write_text(f"{name}. {TEXT}")
    arguments = ("mask", str(book), "--rate", "0.4", "--answers", str(answers), "-o", str(out))
    assert run(*arguments).code == 0
    complete, documents = answers.read_text(), sorted(out.iterdir())
    # The run was killed after it wrote some documents, in the middle of the next one's words.
    for document in documents[written:]:
        document.unlink()
    words = [
        line for line in complete.splitlines(keepends=True) if Path(json.loads(line)["path"]).stem in "abc"[:written]
    ]
    rest = complete[len("".join(words)) :]
    answers.write_text("".join(words) + rest[:200])
    assert run(*arguments, "--resume").code == 0
    assert answers.read_text() == complete
    assert sorted(out.iterdir()) == documents


def test_existing_answers_are_not_replaced_unasked(run: RunCommand, tmp_path: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    answers.write_text("mine")
    result = run("mask", TEXT, "--answers", str(answers))
    assert (result.code, result.out, answers.read_text()) == (2, "", "mine")


def test_answers_never_replace_what_is_read(run: RunCommand, tmp_path: Path) -> None:
    document = tmp_path / "notes.txt"
    document.write_text(TEXT)
    result = run("mask", str(document), "--answers", str(document), "--overwrite", "-o", str(tmp_path / "out"))
    assert (result.code, result.err) == (2, f"fillmask-ls: can't write {document}: it is read, too\n")
    assert document.read_text() == TEXT
