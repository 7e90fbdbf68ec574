"""The masks of a document as its outline."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fillmask_ls.lsp.features import symbols
from fillmask_ls.lsp.loading import Loading
from lsprotocol import types

from fillmask_ls.documents.text import TextDocument
from fillmask_ls.engine.api import EngineError
from fillmask_ls.engine.local import LocalEngine
from fillmask_ls.lsp import requests
from fillmask_ls.lsp.server import FillmaskServer
from lsp.editor import Document, Editor, start, stop
from wire import Wire

pytestmark = pytest.mark.asyncio(loop_scope="session")
HOSPITAL = "The man was taken to the [MASK] by ambulance."
WORDS = r"\w+ [\d.]+ %, \w+ [\d.]+ %, \w+ [\d.]+ %"


async def outline(document: Document) -> list[Any]:
    params = types.DocumentSymbolParams(types.TextDocumentIdentifier(document.uri))
    found = await document.editor.client.text_document_document_symbol_async(params)
    assert found is not None
    return list(found)


async def test_each_mask_with_the_words_around_it_and_those_that_fit(editor: Editor) -> None:
    document = editor.open(f"# 😀 Heading\n\n- 😀 {HOSPITAL} Then it was [MASK].\n\nA [MASK]", "markdown")
    first, second, third = await outline(document)
    assert first.name == "- 😀 The man was taken to the [MASK] by ambulance. Then it was…"
    assert re.fullmatch(WORDS, first.detail)
    assert "hospital" in first.detail
    assert document.at(first.range) == document.at(second.range) == document.text.splitlines()[2]
    assert (third.name, document.at(third.range)) == ("A [MASK]", "A [MASK]")
    places = [document.index(each.selection_range.start) for each in (first, second, third)]
    assert places == [match.start() for match in re.finditer(r"\[MASK\]", document.text)]
    assert {document.at(each.selection_range) for each in (first, second, third)} == {"[MASK]"}
    assert {each.kind for each in (first, second, third)} == {types.SymbolKind.Key}


async def test_no_mask_no_outline(editor: Editor) -> None:
    assert await outline(editor.open("# Nothing to see")) == []


async def test_masks_beyond_the_first_hundred_have_no_words_and_beyond_five_thousand_are_left_out() -> None:
    document = TextDocument("", "[MASK] " * 5_200)
    assert symbols.with_words(document) == (0, 700 - 1)
    assert symbols.with_words(TextDocument("", "")) == (0, 0)
    found = symbols.symbols(document, {(7, 13): "word 5.0 %"}, types.SymbolKind.Key)
    assert [each.detail for each in found] == [None, "word 5.0 %"] + [None] * 4_998
    assert [each.selection_range.start.character for each in found] == list(range(0, 35_000, 7))


async def test_a_client_of_the_first_protocol_gets_a_flat_list() -> None:
    first = types.TextDocumentClientCapabilities(document_symbol=types.DocumentSymbolClientCapabilities())
    plain = await start(types.ClientCapabilities(text_document=first))
    try:
        document = plain.open(f"😀 {HOSPITAL}")
        [symbol] = await outline(document)
        assert isinstance(symbol, types.SymbolInformation)
        assert (symbol.location.uri, document.at(symbol.location.range)) == (document.uri, "[MASK]")
        assert symbol.kind == types.SymbolKind.String
        assert "[MASK]" in symbol.name
        assert re.fullmatch(WORDS, str(symbol.container_name))
    finally:
        await stop(plain)


async def test_without_a_model_the_masks_are_there_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_model(_engine: object, _query: object) -> Any:
        raise EngineError("no model")

    monkeypatch.setattr(LocalEngine, "answer", no_model)
    monkeypatch.setattr(FillmaskServer, "client_capabilities", types.ClientCapabilities())
    monkeypatch.setattr(Loading, "load", lambda _loading, _settings: None)
    server = FillmaskServer()
    server.protocol.documents.open(types.TextDocumentItem("file:///a", "plaintext", 1, HOSPITAL))
    params = types.DocumentSymbolParams(types.TextDocumentIdentifier("file:///a"))
    [symbol] = await requests.outline(server, params)
    assert isinstance(symbol, types.SymbolInformation)
    assert (symbol.container_name, symbol.name) == (None, HOSPITAL)


async def test_an_outline_of_what_is_no_more_is_not_given() -> None:
    with Wire() as wire:
        wire.initialize({"textDocument": {"documentSymbol": {}}})
        wire.open(HOSPITAL)
        asked = wire.ask("textDocument/documentSymbol", {"textDocument": {"uri": "file:///a.txt"}})
        wire.edit((0, 0), (0, 0), "x", 2, "file:///a.txt")
        assert wire.answer(asked, timeout=5)["error"]["code"] == types.LSPErrorCodes.ContentModified
