"""``textDocument/documentSymbol``: the masks of a document as its outline."""

from __future__ import annotations

import re
from typing import Any

from lsprotocol import types

from fillmask_ls.engine.api import EngineError
from lsp.conftest import Connect
from lsp.editor import Document, Editor
from lsp.in_process import RawClient
from scripted_engine import ScriptedEngine

HOSPITAL = "The man was taken to the [MASK] by ambulance."
DETAIL = "house 50.0 %, river 25.0 %, garden 12.5 %"


async def outline(document: Document) -> list[Any]:
    params = types.DocumentSymbolParams(types.TextDocumentIdentifier(document.uri))
    symbols = await document.editor.client.text_document_document_symbol_async(params)
    assert symbols is not None
    return list(symbols)


async def test_each_symbol_has_the_line_of_its_mask_and_the_best_words(editor: Editor) -> None:
    document = editor.open(f"# 😀 Heading\n\n- 😀 {HOSPITAL} Then it was [MASK].\n\nA [MASK]", "markdown")
    first, second, third = await outline(document)
    assert first.name == "- 😀 The man was taken to the [MASK] by ambulance. Then it was…"
    assert first.detail == DETAIL
    assert document.text_in(first.range) == document.text_in(second.range) == document.text.splitlines()[2]
    assert (third.name, document.text_in(third.range)) == ("A [MASK]", "A [MASK]")
    starts = [document.index(each.selection_range.start) for each in (first, second, third)]
    assert starts == [match.start() for match in re.finditer(r"\[MASK\]", document.text)]
    assert {document.text_in(each.selection_range) for each in (first, second, third)} == {"[MASK]"}
    assert {each.kind for each in (first, second, third)} == {types.SymbolKind.Key}


async def test_without_masks_the_outline_is_empty(editor: Editor) -> None:
    assert await outline(editor.open("# Nothing to see")) == []


async def test_at_most_a_hundred_masks_have_words_and_five_thousand_are_listed(vscode: Editor) -> None:
    symbols = await outline(vscode.open("[MASK] " * 5_200))
    assert [each.detail is not None for each in symbols] == [True] * 100 + [False] * 4_900
    assert [each.selection_range.start.character for each in symbols] == list(range(0, 35_000, 7))


async def test_a_client_without_hierarchical_symbols_gets_a_flat_list(connect: Connect) -> None:
    first = types.TextDocumentClientCapabilities(document_symbol=types.DocumentSymbolClientCapabilities())
    plain = await connect(types.ClientCapabilities(text_document=first))
    document = plain.open(f"😀 {HOSPITAL}")
    [symbol] = await outline(document)
    assert isinstance(symbol, types.SymbolInformation)
    assert (symbol.location.uri, document.text_in(symbol.location.range)) == (document.uri, "[MASK]")
    assert symbol.kind == types.SymbolKind.String
    assert "[MASK]" in symbol.name
    assert symbol.container_name == DETAIL


async def test_without_a_model_the_outline_has_no_words(vscode: Editor, engine: ScriptedEngine) -> None:
    engine.error = EngineError("no model")
    [symbol] = await outline(vscode.open(HOSPITAL))
    assert (symbol.name, symbol.detail) == (HOSPITAL, None)


async def test_a_stale_outline_is_refused(raw: RawClient, engine: ScriptedEngine) -> None:
    await raw.initialize({"textDocument": {"documentSymbol": {}}})
    engine.hold()
    raw.open(HOSPITAL)
    request_id = raw.send_request("textDocument/documentSymbol", {"textDocument": {"uri": "file:///a.txt"}})
    await engine.wait_until(lambda: bool(engine.received))
    raw.change("file:///a.txt", 2, ((0, 0), (0, 0), "x"))
    assert (await raw.wait_for_response(request_id))["error"]["code"] == types.LSPErrorCodes.ContentModified
