"""``fillmask-ls inspect``."""

from __future__ import annotations

import json
from pathlib import Path

import notebook
from cli.in_process import RunCommand


def test_inspect_prints_figures_and_a_table_of_tokens(run: RunCommand) -> None:
    result = run("inspect", notebook.PARAGRAPH, "--seed", "7")
    assert result.code == 0
    lines = result.out.splitlines()
    figures = "\n".join(lines[:6])
    assert "8 layers, 768 wide" in figures
    assert "with seed 7: " in figures
    assert "perplexity" in figures
    masked = [int(position) for position in figures.partition("with seed 7: ")[2].splitlines()[0].split(",")]
    rows = [line.split() for line in lines if line.split()[:1] and line.split()[0].isdigit()]
    assert [int(row[1]) for row in rows] == notebook.IDS
    assert [row[2] for row in rows] == notebook.TOKENS.split()
    assert [position for position, row in enumerate(rows) if row[3] == "[MASK]"] == masked


def test_a_seed_makes_the_output_repeatable(run: RunCommand) -> None:
    arguments = ("inspect", "The quick brown fox jumps over the lazy dog.", "--rate", "0.5", "--seed")
    assert run(*arguments, "7").out == run(*arguments, "7").out != run(*arguments, "8").out


def test_json_has_every_token_and_the_perplexity(run: RunCommand) -> None:
    result = run("inspect", "A small text.", "--json", "--rate", "1")
    assert result.code == 0
    [report] = json.loads(result.out)
    assert [token["masked"] for token in report["tokens"]] == [False, True, True, True, True, False]
    assert report["perplexity"] > 1


def test_html_replaces_a_file_by_a_page_and_prints_its_path(run: RunCommand, tmp_path: Path) -> None:
    text, target = tmp_path / "notes.md", tmp_path / "report.html"
    text.write_text("\ufeffA <small> text.\r\n", encoding="utf-8")
    target.write_text("an older report")
    result = run("inspect", str(text), "--html", str(target), "--rate", "1", "--prose", "all")
    assert (result.code, result.out, result.err) == (0, f"{target}\n", "")
    page = target.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert page.endswith("</html>\n")
    assert page.count("<article ") == 6
    assert sorted(tmp_path.iterdir()) == [text, target]  # no temporary file is left


def test_html_that_cannot_be_written_is_reported_and_changes_nothing(run: RunCommand, tmp_path: Path) -> None:
    text = tmp_path / "notes.md"
    text.write_text("A small text.")
    for target, reason in [
        (tmp_path, "it is not a file"),
        (tmp_path / "no" / "report.html", "there is no folder"),
        (text / "report.html", "there is no folder"),
        (tmp_path / ("x" * 300), "name too long"),
        (text, "it is the file that is inspected"),
    ]:
        result = run("inspect", str(text), "--html", str(target))
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith(f"fillmask-ls: can't write {target}: ")
        assert reason in result.err.lower()
        assert result.err.count("\n") == 1
    assert text.read_text() == "A small text."
    assert list(tmp_path.iterdir()) == [text]


def test_a_document_is_inspected_without_its_markup(run: RunCommand, tmp_path: Path) -> None:
    text = tmp_path / "notes.md"
    text.write_text("---\ntitle: x\n---\n\nA [small](http://example.org) text.\n")
    [report] = json.loads(run("inspect", str(text), "--json").out)
    assert [token["token"] for token in report["tokens"]] == ["[CLS]", "a", "small", "text", ".", "[SEP]"]


def test_html_replaces_a_link_and_keeps_what_it_leads_to(run: RunCommand, tmp_path: Path) -> None:
    precious, link = tmp_path / "precious", tmp_path / "report.html"
    precious.write_text("mine")
    link.symlink_to(precious)
    assert run("inspect", "A small text.", "--html", str(link)).code == 0
    assert precious.read_text() == "mine"
    assert not link.is_symlink()
    assert link.read_text().startswith("<!DOCTYPE html>")


def test_html_keeps_the_mode_of_the_file_that_it_replaces(run: RunCommand, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.touch(0o600)
    assert run("inspect", "A small text.", "--html", str(page)).code == 0
    assert page.stat().st_mode & 0o777 == 0o600


def test_html_is_for_one_text(run: RunCommand, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    result = run("inspect", "A text.", "Another.", "--html", str(page))
    assert (result.code, result.err) == (2, "fillmask-ls: --html is for one text, not 2\n")
    result = run("inspect", "A text.", "--html", str(page), "--json")
    assert (result.code, result.err.count("--html is not allowed with")) == (2, 1)
    assert not page.exists()


def test_top_k_is_the_number_of_predictions_at_each_masked_token(run: RunCommand) -> None:
    [report] = json.loads(run("inspect", "A small text.", "--json", "--rate", "1", "--top-k", "3").out)
    assert {len(token["predictions"]) for token in report["tokens"] if token["masked"]} == {3}
