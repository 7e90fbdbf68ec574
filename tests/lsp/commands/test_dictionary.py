"""``fillmask.ignoreWord``, ``fillmask.addToDictionary`` and ``fillmask.turnOffDiagnostics``."""

from __future__ import annotations

from pathlib import Path

import pytest
from pygls.exceptions import JsonRpcException

from lsp.editor import Editor


@pytest.mark.parametrize("command", ["fillmask.ignoreWord", "fillmask.addToDictionary"])
async def test_a_word_is_required(vscode: Editor, command: str) -> None:
    with pytest.raises(JsonRpcException, match="'word' must be"):
        await vscode.open("x").command(command)


async def test_turning_off_needs_no_open_document(vscode: Editor) -> None:
    document = vscode.open("x")
    document.close()
    assert await document.command("fillmask.turnOffDiagnostics") == {}


async def test_the_file_of_an_added_word_is_returned(
    vscode: Editor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    result = await vscode.open("x").command("fillmask.addToDictionary", word="guitar")
    assert result == {"file": str(tmp_path / "fillmask-ls" / "dictionary.txt")}
    with pytest.raises(JsonRpcException, match="one word per line"):
        await vscode.open("x").command("fillmask.addToDictionary", word="two words")
