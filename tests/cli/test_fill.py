"""``fillmask-ls fill``."""

from __future__ import annotations

import csv
import io
import stat
import sys
from pathlib import Path

import pytest

from cli.in_process import RunCommand

TEXT = "The patient was taken to the [MASK] by ambulance."
FILLED = "The patient was taken to the hospital by ambulance."


def test_a_text_is_printed_filled(run: RunCommand) -> None:
    result = run("fill", TEXT)
    assert (result.code, result.out, result.err) == (0, f"{FILLED}\n", "")


def test_a_text_without_masks_stays(run: RunCommand) -> None:
    assert run("fill", "No mask.").out == "No mask.\n"


def test_standard_input_is_a_filter_that_keeps_every_other_byte(
    run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, "utf-8"))
    content = f"# Title\r\n\n {TEXT}\t\r\nlast \u2028 {TEXT}".encode() + b" \xff"
    run("fill", "-", stdin=content)
    assert printed.getvalue() == content.replace(TEXT.encode(), FILLED.encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_a_document_changes_at_its_masks_only(run: RunCommand, tmp_path: Path, encoding: str) -> None:
    document = tmp_path / "notes.md"
    text = f"# Café\r\n\r\n* {TEXT}\n* 😀 {TEXT}\r\rlast \t\n"
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    document.write_bytes(mark + text.encode(encoding))
    assert run("fill", str(document), "--in-place").code == 0
    content = document.read_bytes()
    assert content.startswith(mark)
    filled = content[len(mark) :].decode(encoding)
    before, after = text.split("[MASK]"), filled
    assert filled.encode(encoding) == content[len(mark) :]
    for part in before:
        assert part in after
        after = after[after.index(part) + len(part) :]
    assert "[MASK]" not in filled


def test_an_encoding_can_be_named(run: RunCommand, tmp_path: Path) -> None:
    document = tmp_path / "notes.txt"
    document.write_bytes(f"Café: {TEXT}".encode("latin-1"))
    result = run("fill", str(document), "--in-place")
    assert (result.code, result.err.count("is not UTF-8 text (byte 3)")) == (2, 1)
    assert run("fill", str(document), "--in-place", "--encoding", "latin-1").code == 0
    assert document.read_bytes() == f"Café: {FILLED}".encode("latin-1")


def test_a_single_document_is_written_to_a_file_with_an_ending(run: RunCommand, tmp_path: Path) -> None:
    document, filled = tmp_path / "letter.md", tmp_path / "new" / "filled.md"
    document.write_text("Paris is the [MASK] of France.\n", encoding="utf-8")
    assert run("fill", str(document), "-o", str(filled)).code == 0
    assert filled.read_text(encoding="utf-8") == "Paris is the capital of France.\n"
    assert run("fill", str(document), "-o", str(filled)).code == 2
    assert run("fill", str(document), "-o", f"{tmp_path / 'folder.d'}/").code == 0
    assert (tmp_path / "folder.d" / "letter.md").is_file()
    assert run("fill", str(document), str(filled), "-o", str(tmp_path / "more.d")).code == 0
    assert (tmp_path / "more.d" / "filled.md").is_file()


def test_a_read_only_file_is_not_replaced(run: RunCommand, tmp_path: Path) -> None:
    document = tmp_path / "letter.md"
    document.write_text("Paris is the [MASK] of France.\n", encoding="utf-8")
    document.chmod(0o444)
    result = run("fill", str(document), "--in-place")
    assert result.code == 2
    assert result.err.endswith("letter.md is read-only: write a copy with -o FOLDER\n")
    assert "[MASK]" in document.read_text(encoding="utf-8")


def test_in_place_keeps_the_mode_and_follows_a_link_to_its_file(run: RunCommand, tmp_path: Path) -> None:
    document, link = tmp_path / "notes.md", tmp_path / "link.md"
    document.write_text(TEXT)
    document.chmod(0o640)
    link.symlink_to(document)
    assert run("fill", str(link), "--in-place").code == 0
    assert (document.read_text(), stat.S_IMODE(document.stat().st_mode)) == (FILLED, 0o640)
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.glob("*.md")) == ["link.md", "notes.md"]


def test_a_document_is_printed_without_a_place(run: RunCommand, tmp_path: Path) -> None:
    document = tmp_path / "notes.md"
    document.write_text(f"{TEXT}\n")
    assert run("fill", str(document)).out == f"{FILLED}\n"
    assert document.read_text() == f"{TEXT}\n"


def test_documents_of_a_folder_go_to_a_folder(run: RunCommand, tmp_path: Path) -> None:
    book, out = tmp_path / "book", tmp_path / "out"
    (book / "part").mkdir(parents=True)
    (book / "a.md").write_text(TEXT)
    (book / "part/b.md").write_text(TEXT)
    (book / "none.md").write_text("No mask.")
    assert run("fill", str(book), "-o", str(out)).code == 0
    written = {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*.md")}
    assert written == {"a.md": FILLED, "part/b.md": FILLED, "none.md": "No mask."}
    result = run("fill", str(book), "-o", str(out))
    assert (result.code, result.err.count("exists. Go on with --resume, or begin again with --overwrite.")) == (2, 1)
    (out / "a.md").write_text("mine")
    (out / "part/b.md").unlink()
    assert run("fill", str(book), "-o", str(out), "--resume").code == 0
    assert ((out / "a.md").read_text(), (out / "part/b.md").read_text()) == ("mine", FILLED)
    assert run("fill", str(book), "-o", str(out), "--overwrite").code == 0
    assert (out / "a.md").read_text() == FILLED


def test_a_document_that_fails_does_not_stop_the_others(run: RunCommand, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\xff [MASK]")
    (tmp_path / "b.md").write_text(TEXT)
    files = [str(tmp_path / name) for name in ("a.md", "b.md")]
    result = run("fill", *files, "--in-place")
    assert (result.code, result.err.count("a.md is not UTF-8 text")) == (1, 1)
    assert (tmp_path / "b.md").read_text() == FILLED
    (tmp_path / "b.md").write_text(TEXT)
    assert run("fill", *files, "--in-place", "--strict").code == 2
    assert (tmp_path / "b.md").read_text() == TEXT


def test_code_is_read_by_its_language(run: RunCommand, tmp_path: Path) -> None:
    document = tmp_path / "module.py"
    before = "He had fallen from the roof of his house in the morning, and an hour later"
    document.write_text(f"import os\n\n# {before} the patient was taken to\n# the [MASK] by ambulance.\nvalue = 'x'\n")
    run("fill", str(document), "--in-place")
    assert "# the hospital by ambulance.\n" in document.read_text()


def test_masks_of_a_passage_agree_unless_independent(run: RunCommand) -> None:
    text = "She lives in [MASK] [MASK] City."
    together, independent = run("fill", text).out, run("fill", text, "--independently").out
    assert together == "She lives in New York City.\n"
    assert independent.count("[MASK]") == 0


def test_rows_of_a_table_get_a_column(run: RunCommand, tmp_path: Path) -> None:
    table = tmp_path / "items.csv"
    table.write_text(f"id,text\na,{TEXT}\nb,No mask.\nc,She lives in [MASK] [MASK] City.\n")
    rows = list(csv.DictReader(io.StringIO(run("fill", str(table), "--format", "csv").out)))
    assert [(row["id"], row["filled"]) for row in rows] == [
        ("a", FILLED),
        ("b", "No mask."),
        ("c", "She lives in New York City."),
    ]
    assert rows[0]["text"] == TEXT


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.md", "b.md"], "several documents need a place: -o FOLDER, or --in-place"),
        (["a.md", "--in-place", "-o", "x"], "--in-place is not allowed with --output"),
        (["a.md", "sub/a.md", "-o", "b.md"], "b.md: it is not a folder"),
        (["a.md", "-o", "b.md"], "b.md exists"),
        (["a.md", "-o", "."], "a.md is read, too. Use --in-place to replace it."),
        (["a.md", "sub/a.md", "-o", "x"], "a.md and sub/a.md would both be written to x/a.md"),
        (["a.md", "t.csv", "-o", "x"], "tables and other texts go to different places"),
        ([TEXT, "-o", "x"], "a text or standard input is printed"),
        (["t.csv", "--in-place"], "a table can't be changed in place: write a new one with -o FILE"),
    ],
)
def test_a_place_that_can_not_be_is_reported_before_any_work(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a.md", "b.md", "sub/a.md", "t.csv"):
        (tmp_path / name).write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    result = run("fill", *arguments, "--model", "/no/such")
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert not (tmp_path / "x").exists()
