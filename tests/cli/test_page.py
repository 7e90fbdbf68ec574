"""Every command of the page about the command line prints what the page shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from cli.in_process import RunCommand
from test_readme import ROOT, assert_same_output, sessions

PAGE = ROOT / "server/docs/command-line.md"


def write_files(folder: Path) -> None:
    """Write the files that the page shows: blocks whose language is followed by a name."""
    for name, content in re.findall(r"^```\w+ (\S+)\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        (folder / name).write_text(content, encoding="utf-8")


def test_commands_print_what_the_page_shows(run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    shown = sessions(PAGE)
    assert len(shown) >= 18
    for command, output in shown:
        program, *arguments = shlex.split(command)
        result = run(*arguments)
        assert (program, result.code, result.err) == ("fillmask-ls", 0, ""), command
        assert_same_output(result.out, output)


def test_the_page_names_every_command_and_shared_option() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in ("predict", "cloze", "score", "pairs", "fill", "mask", "inspect"):
        assert f"| `{name}` |" in text
    options = (
        *(
            "--text",
            "--target",
            "--targets",
            "--id",
            "-o OUT",
            "--format",
            "--resume",
            "--overwrite",
            "--in-place",
            "--strict",
        ),
        *("--independently", "--rate", "--seed", "--whole-words", "--answers", "--top-k", "--max-subwords", "--model"),
        *("--revision", "--device", "--dtype", "--runtime", "--engine", "--batch-tokens", "--metric", "--base", "--by"),
    )
    assert [option for option in options if option not in text] == []
