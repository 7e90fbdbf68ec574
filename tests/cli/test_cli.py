"""The command line as a person or a script uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import seed
from fillmask_ls import __version__
from fillmask_ls.cli import main
from wire import SERVER

TEXT = "The patient was taken to the [MASK] by ambulance."


def run(*arguments: str, stdin: str | bytes = "") -> subprocess.CompletedProcess[str]:
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run([*SERVER, *arguments], input=data, capture_output=True, timeout=100)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize(
    ("arguments", "token", "said"),
    [
        (["--listen", "0.0.0.0:8000"], None, "set FILLMASK_TOKEN to a secret that clients must have"),
        (["--listen", "8000"], "two words", "FILLMASK_TOKEN must be a text of visible characters"),
        (["--replicas", "3-2"], None, "'3-2' is not a number, or two with a dash between"),
        (["--replicas", "many"], None, "'many' is not a number"),
    ],
)
def test_serve_says_what_is_wrong_before_it_starts_anything(
    arguments: list[str], token: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FILLMASK_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("FILLMASK_TOKEN", token)
    done = run("serve", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert token is None or token not in done.stderr


def test_predict_prints_words_with_probabilities() -> None:
    done = run("predict", TEXT)
    assert (done.returncode, done.stderr) == (0, "")
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["word", "probability"]
    assert len(rows) == 10
    assert "hospital" in [row.split()[0] for row in rows[:3]]
    assert all("%" in row for row in rows)
    assert "\x1b" not in done.stdout


def test_predict_json_from_a_file_with_several_masks(tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_text(f"# Title\n\n😀 {TEXT}\n\nShe drank a [MASK].\n", encoding="utf-8")
    done = run("predict", str(file), "--top-k", "3", "--json")
    answer = json.loads(done.stdout)
    assert answer["model"] == "embedded"
    assert [(mask["line"], mask["column"]) for mask in answer["masks"]] == [(3, 32), (5, 13)]
    assert all(len(mask["words"]) == 3 and mask["entropy_bits"] > 0 for mask in answer["masks"])


def test_a_file_is_read_by_its_language_unless_all_of_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        "import os\n\n# The patient was taken to\n# the [MASK] by ambulance.\nvalue = 1\n", encoding="utf-8"
    )

    def words(*arguments: str) -> list[str]:
        assert main(["predict", *arguments, "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        return [word["word"] for word in answer["masks"][0]["words"]]

    assert words(str(file)) == words(TEXT)
    assert words(str(file), "--prose", "all") != words(TEXT)


def test_predict_standard_input_says_where_each_mask_is() -> None:
    done = run("predict", "-", stdin=f"{TEXT}\n{TEXT}\n")
    assert done.returncode == 0
    assert "1:30  The patient was taken to the [MASK] by ambulance." in done.stdout
    assert "2:30" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["predict", "no mask here"], 1, "no [MASK]"),
        (["predict", ""], 1, "no [MASK]"),
        (["predict", "-"], 1, "no [MASK]"),
        (["predict", "."], 2, "can't read ."),
        (["predict", TEXT, "--model", "/no/such"], 3, "'/no/such'"),
        (["predict", "x" * 5000], 1, "no [MASK]"),
        (["predict", TEXT, "--model", "~nobody/x"], 3, "~nobody/x"),
    ],
)
def test_what_can_not_be_done_is_said_in_one_line(arguments: list[str], code: int, words: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert done.stderr.startswith("fillmask-ls: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict"],
        ["predict", TEXT, "--top-k", "0"],
        ["inspect", "x", "--rate", "2"],
        ["inspect", "x", "--json", "--html", "x.html"],
        ["nonsense"],
    ],
)
def test_wrong_usage(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage: fillmask-ls" in done.stderr


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"\xff\x00[MASK]")
    done = run("predict", str(tmp_path / "x.bin"))
    assert done.returncode == 2
    assert "not UTF-8" in done.stderr


def test_bytes_that_are_no_text_on_the_command_line_are_survived() -> None:
    done = subprocess.run([*SERVER, "predict", b"\xff [MASK]", "--top-k", "1"], capture_output=True, timeout=100)  # type: ignore[list-item]
    assert done.returncode == 0, done.stderr


def test_inspect_is_the_notebook_as_a_report() -> None:
    done = run("inspect", seed.PARAGRAPH, "--seed", "7")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    head = "\n".join(lines[:6])
    assert "6 layers, 384 wide" in head
    assert "with seed 7: " in head
    assert "perplexity" in head
    masked = [int(index) for index in head.partition("with seed 7: ")[2].splitlines()[0].split(",")]
    rows = [line.split() for line in lines if line.split()[:1] and line.split()[0].isdigit()]
    assert [int(row[1]) for row in rows] == seed.IDS
    assert [row[2] for row in rows] == seed.TOKENS.split()
    assert [i for i, row in enumerate(rows) if row[3] == "[MASK]"] == masked
    assert run("inspect", seed.PARAGRAPH, "--seed", "7").stdout == done.stdout


def test_inspect_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "A small text.", "--json", "--rate", "1"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [token["masked"] for token in report["tokens"]] == [False, True, True, True, True, False]
    assert report["perplexity"] > 1


def test_inspect_writes_a_page(tmp_path: Path) -> None:
    text, target = tmp_path / "notes.md", tmp_path / "report.html"
    text.write_text("\ufeffA <small> text.\r\n", encoding="utf-8")
    target.write_text("the last one")
    done = run("inspect", str(text), "--html", str(target), "--rate", "1")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{target}\n", "")
    html = target.read_text(encoding="utf-8")
    assert html.startswith("<!DOCTYPE html>")
    assert html.endswith("</html>\n")
    assert html.count("<article ") == 6
    assert "&lt;" in html
    assert "<small>" not in html.partition("</style>")[2]
    assert sorted(tmp_path.iterdir()) == [text, target]


def test_a_page_that_can_not_be_written(tmp_path: Path) -> None:
    text = tmp_path / "notes.md"
    text.write_text("A small text.")
    for target, words in [
        (tmp_path, "something else of that name"),
        (tmp_path / "no" / "report.html", "no folder"),
        (text / "report.html", "no folder"),
        (tmp_path / ("x" * 300), "name too long"),
        (text, "the text itself"),
    ]:
        done = run("inspect", str(text), "--html", str(target))
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"fillmask-ls: can't write {target}: ")
        assert words in done.stderr.lower()
        assert done.stderr.count("\n") == 1
    assert text.read_text() == "A small text."
    assert list(tmp_path.iterdir()) == [text]


def test_version_and_help() -> None:
    assert run("--version").stdout == f"fillmask-ls {__version__}\n"
    usage = run("--help").stdout
    assert 'fillmask-ls predict "Paris is the capital of [MASK]."' in usage
    assert "exit codes" in usage


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_colours_on_a_terminal() -> None:
    code = f"import pty; pty.spawn({[*SERVER, 'predict', TEXT]!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=100, env={**os.environ, "TERM": "xterm-256color"}
    )
    assert b"\x1b[" in done.stdout
    assert b"hospital" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="closes a pipe")
def test_a_reader_that_has_enough() -> None:
    command = f"yes '{TEXT}' | head -3 | {SERVER[0]} predict - --top-k 1000 | head -1; echo ${{PIPESTATUS[2]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=100)
    assert "Traceback" not in done.stderr
    assert done.stdout.splitlines()[-1] == "0"
