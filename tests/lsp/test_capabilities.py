"""The server's capabilities: they depend on the client's, and each has a test."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from lsprotocol import types

from fillmask_ls import MASK
from lsp.conftest import Connect
from lsp.editor import CLIENTS

THIS_FILE = Path(__file__)
NAMES_IN_TESTS = {
    "position_encoding": "position_encoding",
    "text_document_sync": "text_document_did_change",
    "notebook_document_sync": "notebook_document_did_open",
    "code_action_provider": "code_action_resolve_async",
    "code_lens_provider": "code_lens_resolve_async",
    "execute_command_provider": "workspace_execute_command_async",
    "semantic_tokens_provider": "text_document_semantic_tokens_full_async",
    "workspace": "workspace_did_change_configuration",
}
"""A name that a test of a capability contains, if it is not that of the capability's request."""
RECORDED = sorted(file.name.partition("_")[0] for file in CLIENTS.iterdir())


@pytest.mark.parametrize("client", RECORDED)
async def test_each_capability_and_command_has_a_test(connect: Connect, client: str) -> None:
    editor = await connect(client)
    tests = "\n".join(file.read_text() for file in THIS_FILE.parent.rglob("*.py") if file != THIS_FILE)
    offered = editor.result.capabilities
    for name in (field.name for field in attrs.fields(types.ServerCapabilities)):
        if getattr(offered, name) not in (None, False):
            request = f"text_document_{name.removesuffix('_provider')}_async"
            assert NAMES_IN_TESTS.get(name, request) in tests, name
    assert offered.execute_command_provider
    for command in offered.execute_command_provider.commands:
        assert f'"{command}"' in tests or f'"{command.removeprefix("fillmask.")}"' in tests, command


async def test_a_client_without_capabilities_has_completion_and_hover_only(connect: Connect) -> None:
    editor = await connect(types.ClientCapabilities())
    offered = editor.result.capabilities
    assert offered.completion_provider
    assert offered.hover_provider
    others = (offered.inlay_hint_provider, offered.code_action_provider, offered.inline_completion_provider)
    assert others == (None, None, None)
    document = editor.open(f"It was a {MASK}| day.")
    assert await document.complete()
    assert await document.hover(MASK)
