"""``textDocument/semanticTokens``: a token for each mask."""

from __future__ import annotations

import pytest
from lsprotocol import types

from lsp.editor import Document, Editor
from lsp.in_process import RawClient

LINE = (
    "# 😀 The man was taken to the [MASK] by ambulance. It was late, and nobody else had been there that night. Ok.\n"
)


def spans(document: Document, tokens: types.SemanticTokens | None) -> list[str]:
    """Decode the tokens as the protocol defines them, and return their texts."""
    assert tokens is not None
    assert len(tokens.data) % 5 == 0
    texts = []
    line = column = 0
    for at in range(0, len(tokens.data), 5):
        lines, columns, length, kind, modifiers = tokens.data[at : at + 5]
        line, column = line + lines, columns if lines else column + columns
        assert (kind, modifiers) == (0, 0)
        texts.append(document.text_in(types.Range(types.Position(line, column), types.Position(line, column + length))))
    return texts


async def test_every_mask_of_a_document_or_range_is_a_token(editor: Editor) -> None:
    provider = editor.result.capabilities.semantic_tokens_provider
    if provider is None:
        pytest.skip("the client shows no semantic tokens")
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


CAPABILITIES = {
    "textDocument": {"semanticTokens": {"requests": {}, "tokenTypes": [], "tokenModifiers": [], "formats": []}}
}


async def test_other_requests_are_answered_while_a_large_document_is_read(raw: RawClient) -> None:
    await raw.initialize(CAPABILITIES)
    raw.open(LINE * 10_000)
    request_id = raw.send_request("textDocument/semanticTokens/full", {"textDocument": {"uri": "file:///a.txt"}})
    await raw.request("textDocument/hover", raw.position_params(0, 0))
    assert not raw.has_response(request_id)
    answer = await raw.wait_for_response(request_id)
    assert answer["result"]["data"] == [0, 30, 6, 0, 0] + [1, 30, 6, 0, 0] * 9_999


async def test_stale_tokens_are_refused(raw: RawClient) -> None:
    await raw.initialize(CAPABILITIES)
    raw.open(LINE * 100)
    request_id = raw.send_request("textDocument/semanticTokens/full", {"textDocument": {"uri": "file:///a.txt"}})
    raw.change("file:///a.txt", 2, ((0, 0), (0, 0), "x"))
    assert (await raw.wait_for_response(request_id))["error"]["code"] == types.LSPErrorCodes.ContentModified
