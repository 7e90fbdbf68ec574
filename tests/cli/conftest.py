from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from cli.in_process import Result, RunCommand
from fillmask_ls.cli import main
from fillmask_ls.cli.models import ModelChoice, load_model

if TYPE_CHECKING:
    from fillmask_ls.mlm.model import MaskedLM


@pytest.fixture
def run(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> RunCommand:
    """Runs commands in this process; the embedded model is loaded once a session."""

    def load(choice: ModelChoice) -> MaskedLM:
        if choice not in (ModelChoice("auto"), ModelChoice("embedded")):
            return load_model(choice)
        model: MaskedLM = request.getfixturevalue("model")
        return model

    def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
        if stdin is not None:
            content = stdin.encode() if isinstance(stdin, str) else stdin
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        code = main(arguments, load_model=load)
        return Result(code, *capsys.readouterr())

    return run
