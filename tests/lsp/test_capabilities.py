"""What the server says it can do is what its tests show."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from lsprotocol import types

from fillmask_ls.lsp.server import COMMANDS
from lsp.editor import capabilities, start, stop

HERE = Path(__file__)
SHOWN = {
    "position_encoding": "position_encoding",
    "text_document_sync": "text_document_did_change",
    "notebook_document_sync": "notebook_document_did_open",
    "completion_provider": "text_document_completion_async",
    "hover_provider": "text_document_hover_async",
    "code_action_provider": "code_action_resolve_async",
    "code_lens_provider": "code_lens_resolve_async",
    "diagnostic_provider": "text_document_diagnostic_async",
    "document_highlight_provider": "text_document_document_highlight_async",
    "document_symbol_provider": "text_document_document_symbol_async",
    "execute_command_provider": "workspace_execute_command_async",
    "inlay_hint_provider": "text_document_inlay_hint_async",
    "inline_completion_provider": "text_document_inline_completion_async",
    "semantic_tokens_provider": "text_document_semantic_tokens_full_async",
    "workspace": "workspace_did_change_configuration",
}


@pytest.mark.parametrize("client", ["vscode", "neovim", "emacs"])
async def test_each_capability_has_an_end_to_end_test(client: str) -> None:
    editor = await start(capabilities(client))
    await stop(editor)
    tests = "\n".join(file.read_text() for file in HERE.parent.glob("*.py") if file != HERE)
    offered = editor.result.capabilities
    for name in (field.name for field in attrs.fields(types.ServerCapabilities)):
        if getattr(offered, name) not in (None, False):
            assert SHOWN[name] in tests, name
    assert offered.execute_command_provider
    assert set(offered.execute_command_provider.commands) == COMMANDS.keys()
    for command in COMMANDS:
        assert f'"{command}"' in tests or f'"{command.removeprefix("fillmask.")}"' in tests, command
