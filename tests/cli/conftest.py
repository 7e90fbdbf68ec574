from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cli.bulk_runs import MASKED
from cli.in_process import Result, RunCommand
from fillmask_ls.cli import main
from fillmask_ls.cli.models import ModelChoice, load_model

if TYPE_CHECKING:
    from fillmask_ls.mlm.model import LoadedModel


@pytest.fixture
def run(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> RunCommand:
    """Runs commands in this process; the embedded model is loaded once per session."""

    def load(choice: ModelChoice) -> LoadedModel:
        if choice not in (ModelChoice("auto"), ModelChoice("embedded")):
            return load_model(choice)
        model: LoadedModel = request.getfixturevalue("model")
        return model

    def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
        if stdin is not None:
            content = stdin.encode() if isinstance(stdin, str) else stdin
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        code = main(arguments, load_model=load)
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of ten rows, the fourth without a mask."""
    path = tmp_path / "items.jsonl"
    texts = [MASKED[number % 3] if number != 4 else "Nothing." for number in range(1, 11)]
    path.write_text(
        "".join(json.dumps({"id": f"i{number}", "text": text}) + "\n" for number, text in enumerate(texts, 1))
    )
    return path
