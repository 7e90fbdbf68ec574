"""What the README says is so."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

from fillmask_ls.cli.arguments import argument_parser
from fillmask_ls.settings import SECTION, Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_every_setting_with_its_default_and_meaning() -> None:
    rows = dict(re.findall(rf"^\| `{SECTION}\.(\S+)` \| (`[^`]+` \| .*) \|$", README, re.MULTILINE))
    assert list(rows) == [setting.metadata["name"] for setting in fields(Settings)]
    for setting in fields(Settings):
        default = json.dumps(setting.default)
        row = rows[setting.metadata["name"]].replace("`", "")
        assert row.startswith(f"{default} | {setting.metadata['meaning'].split('.')[0]}")


@pytest.mark.parametrize(
    "line", [line for block in blocks("sh") for line in block.splitlines() if "fillmask-ls" in line]
)
def test_every_command_is_understood(line: str) -> None:
    _, _, command = line.rpartition("&& ")
    program, *arguments = shlex.split(command, comments=True)
    assert program == "fillmask-ls"
    assert callable(argument_parser().parse_args(arguments).run)


def test_the_python_example_runs() -> None:
    names: dict[str, object] = {}
    [example] = blocks("python")
    exec(example, names)
    assert "model" in names


def test_every_file_that_is_named_exists() -> None:
    assert all((ROOT / path).exists() for path in re.findall(r"!\[.*?\]\((\S+?)\)", README))
