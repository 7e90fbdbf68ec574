"""A line above each paragraph with masks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from fillmask_ls.lsp.features import code_lens
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls import mlm
from fillmask_ls.engine.api import LossQuestion
from lsp.editor import Document, Editor, capabilities, start, stop
from wire import Wire

pytestmark = pytest.mark.asyncio(loop_scope="session")
TEXT = "# 😀 Heading\r\n\r\nThe man was taken\r\nto the hospital by ambulance.\r\n \t\r\n😀 Other words, 😀 here."


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=["vscode", "neovim"])
async def shown(request: pytest.FixtureRequest) -> AsyncIterator[Editor]:
    """Two editors that show the lines above, with their servers."""
    started = await start(capabilities(request.param), configuration={"fillmask": {"codeLens": {"enabled": True}}})
    yield started
    await stop(started)


async def lenses(document: Document) -> list[types.CodeLens]:
    params = types.CodeLensParams(types.TextDocumentIdentifier(document.uri))
    return list(await document.editor.client.text_document_code_lens_async(params) or [])


def place(document: Document, lens: types.CodeLens) -> str:
    """What a lens' command is about."""
    assert lens.command is not None
    [argument] = lens.command.arguments or []
    assert argument["uri"] == document.uri
    ends = (types.Position(**argument["range"][end]) for end in ("start", "end"))
    return document.at(types.Range(*ends))


async def test_how_many_masks_a_paragraph_has_and_the_loss_of_what_they_hide(
    shown: Editor, model: mlm.MaskedLM
) -> None:
    document = shown.open(TEXT, "markdown")
    assert await lenses(document) == []
    document.replace("taken\r\nto the hospital", "[MASK]\r\nto the [MASK]")
    document.replace("words", "[MASK]")
    document.replace("here", "[MASK]")
    found = await lenses(document)
    assert [lens.range.start.line for lens in found] == [2, 2, 5, 5]
    assert all(lens.range.start.character == 0 for lens in found)
    fill, hidden, fill_other, _ = found
    assert fill.command is not None
    assert (fill.command.title, fill.command.command) == ("2 masks: fill all", "fillmask.fillAll")
    assert place(document, fill) == "[MASK]\r\nto the [MASK]"
    assert place(document, fill_other) == "[MASK], 😀 [MASK]"

    assert hidden.command is None
    resolved = await shown.client.code_lens_resolve_async(hidden)
    assert resolved.command is not None
    assert (resolved.command.command, resolved.range) == ("fillmask.unmask", hidden.range)
    assert place(document, resolved) == place(document, fill)
    [loss] = re.fullmatch(r"loss (\d+\.\d\d) nats for the hidden words", resolved.command.title).groups()  # type: ignore[union-attr]
    # What the other paragraph's masks hide is known, so they stand for it.
    assert float(loss) == pytest.approx(reference(model), abs=0.1)

    document.replace("[MASK], 😀", "[MASK] or [MASK], 😀")
    found = await lenses(document)
    titles = [lens.command.title if lens.command else None for lens in found]
    assert titles == ["2 masks: fill all", None, "3 masks: fill all"]
    with pytest.raises(JsonRpcException) as refused:
        await shown.client.code_lens_resolve_async(hidden)
    assert refused.value.code == types.LSPErrorCodes.ContentModified

    document.replace_all("One [MASK]!")
    [one] = await lenses(document)
    assert one.command is not None
    assert one.command.title == "1 mask: fill"


def reference(model: mlm.MaskedLM) -> float:
    """The loss by hand: each word is one piece."""
    text = "Heading. The man was [MASK] to the [MASK] by ambulance. Other words, here."
    text = text.replace("Heading", "😀 Heading").replace("Other words, ", "😀 Other words, 😀 ")
    ids = model.tokenizer.encode(text).ids
    labels = model.tokenizer.encode(text.replace("[MASK]", "taken", 1).replace("[MASK]", "hospital")).ids
    assert len(ids) == len(labels)
    import torch

    logits = mlm.forward(model, torch.tensor([ids])).logits
    asked = [label if id == model.tokenizer.mask_id else -100 for id, label in zip(ids, labels, strict=True)]
    return float(mlm.cross_entropy(logits, torch.tensor([asked])))


async def test_a_lens_that_is_not_ours_is_refused_and_a_complete_one_comes_back(shown: Editor) -> None:
    nowhere = types.Range(types.Position(0, 0), types.Position(0, 0))
    data: Any
    for data in (None, 5, {"uri": "file:///x"}, {"uri": "a", "version": 1, "range": []}):
        with pytest.raises(JsonRpcException) as refused:
            await shown.client.code_lens_resolve_async(types.CodeLens(nowhere, data=data))
        assert refused.value.code == -32602
    complete = types.CodeLens(nowhere, types.Command("t", "c"))
    assert (await shown.client.code_lens_resolve_async(complete)).command == complete.command


async def test_a_cell_of_a_notebook(shown: Editor) -> None:
    uri, book = "vscode-notebook-cell:/b.ipynb#1", "file:///b.ipynb"
    cell = types.TextDocumentItem(uri, "python", 1, "x = 1\n\n# The [MASK] is blue.")
    shown.client.notebook_document_did_open(
        types.DidOpenNotebookDocumentParams(
            types.NotebookDocument(book, "jupyter", 1, [types.NotebookCell(types.NotebookCellKind.Code, uri)]), [cell]
        )
    )
    [lens] = await lenses(Document(shown, uri, cell.text, 0))
    assert lens.range.start.line == 2


async def test_the_setting_turns_them_on_and_off_and_the_client_asks_anew() -> None:
    refreshed = asyncio.Event()
    editor = await start(capabilities("neovim"), configuration={"fillmask": {}})
    editor.client.feature(types.WORKSPACE_CODE_LENS_REFRESH)(lambda _params: refreshed.set())
    try:
        document = editor.open("The [MASK] is blue.")
        assert await lenses(document) == []
        for enabled, count in [(True, 1), (False, 0)]:
            editor.client.set_configuration({"fillmask": {"codeLens": {"enabled": enabled}}})
            editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
            await asyncio.wait_for(refreshed.wait(), 30)
            refreshed.clear()
            assert len(await lenses(document)) == count
    finally:
        await stop(editor)


async def test_the_client_asks_anew_when_the_model_is_ready() -> None:
    with Wire() as wire:
        wire.initialize(
            {"workspace": {"codeLens": {"refreshSupport": True}}}, initializationOptions={"codeLens.enabled": True}
        )
        wire.open("It was a [MASK] day.")
        assert wire.complete(0, 15)["items"]
        wire.request("textDocument/hover", wire.at(0, 0))
        assert "workspace/codeLens/refresh" in [message["method"] for message in wire.notifications]


async def test_a_question_where_some_masks_are_known_and_others_not() -> None:
    from fillmask_ls.documents.context import Passage

    text = "A [MASK] b [MASK] c [MASK]."
    passage = Passage(text, ((2, 8), (11, 17), (20, 26)), 1, range(100, 100 + len(text)))
    asked = code_lens.question(passage, [(111, 117)], {(102, 108): "word", (111, 117): "other"})
    assert asked == LossQuestion("A word b [MASK] c ….", ((9, 15),), ("other",))
    assert code_lens.mean_loss([asked, LossQuestion("", (), ("a", "b", "c"))], [1.0, 5.0]) == 4.0
