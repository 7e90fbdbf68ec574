"""``textDocument/codeLens`` and ``codeLens/resolve``: a line above each paragraph with masks."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls.engine.api import LossQuestion
from lsp.conftest import Connect
from lsp.editor import Document, Editor
from lsp.in_process import RawClient
from scripted_engine import ScriptedEngine

TEXT = "# 😀 Heading\r\n\r\nThe man was taken\r\nto the hospital by ambulance.\r\n \t\r\n😀 Other words, 😀 here."
ENABLED = {"fillmask": {"codeLens": {"enabled": True}}}


@pytest_asyncio.fixture(params=["vscode", "neovim"])
async def editor(request: pytest.FixtureRequest, connect: Connect) -> Editor:
    """Two editors that show code lenses, with these turned on."""
    return await connect(request.param, configuration=ENABLED)


async def lenses(document: Document) -> list[types.CodeLens]:
    params = types.CodeLensParams(types.TextDocumentIdentifier(document.uri))
    return list(await document.editor.client.text_document_code_lens_async(params) or [])


def argument_text(document: Document, lens: types.CodeLens) -> str:
    """Return the text that a lens's command is about."""
    assert lens.command is not None
    [argument] = lens.command.arguments or []
    assert argument["uri"] == document.uri
    ends = (types.Position(**argument["range"][end]) for end in ("start", "end"))
    return document.text_in(types.Range(*ends))


async def test_lenses_count_the_masks_and_give_the_loss_of_the_masked_words(
    editor: Editor, engine: ScriptedEngine
) -> None:
    document = editor.open(TEXT, "markdown")
    assert await lenses(document) == []
    document.replace("taken\r\nto the hospital", "[MASK]\r\nto the [MASK]")
    document.replace("words", "[MASK]")
    document.replace("here", "[MASK]")
    found = await lenses(document)
    assert [lens.range.start.line for lens in found] == [2, 2, 5, 5]
    assert all(lens.range.start.character == 0 for lens in found)
    fill, masked, fill_other, _ = found
    assert fill.command is not None
    assert (fill.command.title, fill.command.command) == ("2 blanks: fill all", "fillmask.fillAll")
    assert argument_text(document, fill) == "[MASK]\r\nto the [MASK]"
    assert argument_text(document, fill_other) == "[MASK], 😀 [MASK]"

    assert masked.command is None
    resolved = await editor.client.code_lens_resolve_async(masked)
    assert resolved.command is not None
    assert (resolved.command.command, resolved.range) == ("fillmask.unmask", masked.range)
    assert argument_text(document, resolved) == argument_text(document, fill)
    assert resolved.command.title == "restore the words (each is as hard to guess as one of 3 words; loss 1.25 nats)"
    [question] = engine.questions(LossQuestion)
    # The words of the other paragraph's masks are known, so the model reads them.
    assert question.text.startswith("😀 Heading. The man was [MASK] to the [MASK] by ambulance. ")
    assert question.text.endswith("Other words, 😀 here.")
    assert question.words == ("taken", "hospital")


async def test_lenses_follow_edits_of_the_document(editor: Editor) -> None:
    document = editor.open("😀 Other words, 😀 here.")
    document.replace("words", "[MASK]")
    document.replace("here", "[MASK]")
    _, masked = await lenses(document)
    document.replace("[MASK], 😀", "[MASK] or [MASK], 😀")
    [lens] = await lenses(document)
    assert lens.command is not None
    assert lens.command.title == "3 blanks: fill all"
    with pytest.raises(JsonRpcException) as refused:
        await editor.client.code_lens_resolve_async(masked)
    assert refused.value.code == types.LSPErrorCodes.ContentModified
    document.replace_all("One [MASK]!")
    [one] = await lenses(document)
    assert one.command is not None
    assert one.command.title == "1 blank: fill"


async def test_the_loss_of_the_embedded_model_is_the_cross_entropy_of_the_words(connect: Connect) -> None:
    bert = await connect("vscode", configuration=ENABLED, local=None)
    document = bert.open("The man was taken to the hospital by ambulance.")
    document.replace("hospital", "[MASK]")
    _, masked = await lenses(document)
    resolved = await bert.client.code_lens_resolve_async(masked)
    assert resolved.command is not None
    loss = float(resolved.command.title.removesuffix(" nats)").rpartition(" ")[2])
    params = types.ExecuteCommandParams(
        "fillmask.score", [{"text": "The man was taken to the hospital by ambulance.", "metric": "original"}]
    )
    score = await bert.client.workspace_execute_command_async(params)
    words = score["words"] if isinstance(score, dict) else score.words
    bits = {word["text"]: word["surprisal"] for word in map(_as_dict, words)}["hospital"]
    assert loss == pytest.approx(bits * math.log(2), abs=0.01)


def _as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else value._asdict() if hasattr(value, "_asdict") else vars(value)


async def test_a_lens_of_another_server_is_refused_and_a_resolved_one_is_returned(editor: Editor) -> None:
    nowhere = types.Range(types.Position(0, 0), types.Position(0, 0))
    data: Any
    for data in (None, 5, {"uri": "file:///x"}, {"uri": "a", "version": 1, "range": []}):
        with pytest.raises(JsonRpcException) as refused:
            await editor.client.code_lens_resolve_async(types.CodeLens(nowhere, data=data))
        assert refused.value.code == -32602
    complete = types.CodeLens(nowhere, types.Command("t", "c"))
    assert (await editor.client.code_lens_resolve_async(complete)).command == complete.command


async def test_a_notebook_cell_has_lenses(editor: Editor) -> None:
    uri, book = "vscode-notebook-cell:/b.ipynb#1", "file:///b.ipynb"
    cell = types.TextDocumentItem(uri, "python", 1, "x = 1\n\n# The [MASK] is blue.")
    editor.client.notebook_document_did_open(
        types.DidOpenNotebookDocumentParams(
            types.NotebookDocument(book, "jupyter", 1, [types.NotebookCell(types.NotebookCellKind.Code, uri)]), [cell]
        )
    )
    [lens] = await lenses(Document(editor, uri, cell.text, 0))
    assert lens.range.start.line == 2


async def test_the_setting_turns_lenses_on_and_off_and_the_client_is_asked_to_refresh(connect: Connect) -> None:
    editor = await connect("neovim", configuration={"fillmask": {}})
    refreshed = asyncio.Event()
    editor.client.feature(types.WORKSPACE_CODE_LENS_REFRESH)(lambda _params: refreshed.set())
    document = editor.open("The [MASK] is blue.")
    assert await lenses(document) == []
    for enabled, count in [(True, 1), (False, 0)]:
        refreshed.clear()
        await editor.configure({"fillmask": {"codeLens": {"enabled": enabled}}})
        await refreshed.wait()
        assert len(await lenses(document)) == count


async def test_the_client_is_asked_to_refresh_when_the_model_is_ready(raw: RawClient) -> None:
    await raw.initialize(
        {"workspace": {"codeLens": {"refreshSupport": True}}}, initializationOptions={"codeLens.enabled": True}
    )
    await raw.wait_for_message("workspace/codeLens/refresh")
