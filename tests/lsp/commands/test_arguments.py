"""The validation of the arguments of commands."""

from __future__ import annotations

from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls import MASK
from lsp.editor import Editor


@pytest.mark.parametrize(
    ("command", "argument"),
    [
        ("fillmask.fill", {}),
        ("fillmask.fill", {"position": {"line": "x", "character": 0}}),
        ("fillmask.fill", {"position": {"line": 0, "character": 0}}),
        ("fillmask.fill", {"position": None}),
        ("fillmask.fillAll", {"uri": 5}),
        ("fillmask.fillAll", {"uri": "file:///not/open"}),
        ("fillmask.fillAll", {"range": []}),
        ("fillmask.maskRandomly", {"rate": 2}),
        ("fillmask.maskRandomly", {"rate": True}),
        ("fillmask.maskRandomly", {"seed": -1}),
        ("fillmask.maskRandomly", {"wholeWords": "yes"}),
        ("fillmask.score", {"metric": "x"}),
        ("fillmask.score", {"text": 5}),
        ("fillmask.inspect", {"format": "pdf"}),
        ("fillmask.nonsense", {}),
    ],
)
async def test_wrong_arguments_are_refused(vscode: Editor, command: str, argument: dict[str, Any]) -> None:
    document = vscode.open(f"Nothing at the start, {MASK} here.")
    with pytest.raises(JsonRpcException) as error:
        await document.command(command, **argument)
    assert error.value.code == -32602
    assert document.text == f"Nothing at the start, {MASK} here."


@pytest.mark.parametrize("arguments", [[1], ["x"], [None], [{}, {}], [[]]])
async def test_a_command_takes_one_object(vscode: Editor, arguments: list[Any]) -> None:
    params = types.ExecuteCommandParams("fillmask.fillAll", arguments)
    with pytest.raises(JsonRpcException, match=r"one object|'uri'"):
        await vscode.client.workspace_execute_command_async(params)
