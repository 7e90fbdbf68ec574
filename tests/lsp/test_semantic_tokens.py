"""Masks in a colour of their own."""

from __future__ import annotations

import time

import pytest
from lsprotocol import types

from lsp.editor import Document, Editor
from wire import Wire

LINE = (
    "# 😀 The man was taken to the [MASK] by ambulance. It was late, and nobody else had been there that night. Ok.\n"
)


def spans(document: Document, tokens: types.SemanticTokens | None) -> list[str]:
    """The tokens' texts, by the protocol's own words."""
    assert tokens is not None
    assert len(tokens.data) % 5 == 0
    found = []
    line = column = 0
    for at in range(0, len(tokens.data), 5):
        lines, columns, length, kind, modifiers = tokens.data[at : at + 5]
        line, column = line + lines, columns if lines else column + columns
        assert (kind, modifiers) == (0, 0)
        found.append(document.at(types.Range(types.Position(line, column), types.Position(line, column + length))))
    return found


@pytest.mark.asyncio(loop_scope="session")
async def test_every_mask_is_a_token_wherever_it_stands(editor: Editor) -> None:
    provider = editor.result.capabilities.semantic_tokens_provider
    if provider is None:
        pytest.skip("the client shows no such tokens")
    assert isinstance(provider, types.SemanticTokensOptions)
    assert provider.legend.token_types == ("macro",)
    assert (provider.full, provider.range) == (True, True)
    document = editor.open("😀 [MASK] é [MASK][MASK]\r\n\r\n`x = [MASK]` 😀😀 [MASK]el\n[MAS [MASK]", "markdown")
    identifier = types.TextDocumentIdentifier(document.uri)
    client = editor.client
    full = await client.text_document_semantic_tokens_full_async(types.SemanticTokensParams(identifier))
    assert spans(document, full) == ["[MASK]"] * 6
    start, end = document.text.index("é"), document.text.index("x =")
    for low, high, count in [(start, end, 2), (start, start, 0), (start + 4, start + 9, 2), (0, len(document.text), 6)]:
        place = types.Range(document.position(low), document.position(high))
        part = await client.text_document_semantic_tokens_range_async(
            types.SemanticTokensRangeParams(identifier, place)
        )
        assert spans(document, part) == ["[MASK]"] * count
    none = types.SemanticTokensParams(types.TextDocumentIdentifier(editor.open("Nothing.").uri))
    nothing = await client.text_document_semantic_tokens_full_async(none)
    assert nothing is not None
    assert not nothing.data


def test_a_hundred_thousand_in_ten_megabytes_keep_nobody_waiting() -> None:
    with Wire() as wire:
        wire.initialize(
            {
                "textDocument": {
                    "semanticTokens": {"requests": {}, "tokenTypes": [], "tokenModifiers": [], "formats": []}
                }
            }
        )
        wire.open(LINE * 100_000)
        uri = {"textDocument": {"uri": "file:///a.txt"}}
        assert wire.request("textDocument/hover", wire.at(0, 0))["result"] is None
        start = time.perf_counter()
        asked = wire.ask("textDocument/semanticTokens/full", uri)
        waited = []
        while asked not in [message.get("id") for message in waited]:
            wire.ask("textDocument/hover", wire.at(0, 0))
            waited.append(wire.receive())
        assert time.perf_counter() - start < 5  # half a second
        [answer] = [message for message in waited if message.get("id") == asked]
        assert answer["result"]["data"] == [0, 30, 6, 0, 0] + [1, 30, 6, 0, 0] * 99_999
        assert len(waited) > 5  # others were answered meanwhile

        asked = wire.ask("textDocument/semanticTokens/full", uri)
        wire.edit((0, 0), (0, 0), "x", 2, "file:///a.txt")
        while (answer := wire.receive()).get("id") != asked:
            pass
        assert answer["error"]["code"] == types.LSPErrorCodes.ContentModified
