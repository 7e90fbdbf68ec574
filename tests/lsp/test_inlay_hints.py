"""Inlay hints: the best word behind each mask."""

from __future__ import annotations

import asyncio

import pytest
from lsprotocol import types

from fillmask_ls import MASK
from lsp.editor import Document, Editor, capabilities, start, stop

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def hints(document: Document, of: str = "") -> list[types.InlayHint]:
    params = types.InlayHintParams(types.TextDocumentIdentifier(document.uri), document.range(of))
    found = await document.editor.client.text_document_inlay_hint_async(params)
    assert found is not None, "Neovim leaves the hints of what was there before"
    return list(found)


async def test_the_best_word_and_its_probability_behind_each_mask(editor: Editor) -> None:
    document = editor.open(f"🙂 Paris is the {MASK} of {MASK}.\n\n- {MASK} is blue.", "markdown")
    found = await hints(document)
    assert len(found) == 3
    for hint, begin in zip(
        found, [i for i in range(len(document.text)) if document.text.startswith(MASK, i)], strict=True
    ):
        end = begin + len(MASK)
        assert hint.position == document.position(end)
        assert isinstance(hint.label, str)
        word, _, probability = hint.label.partition(" ")
        assert probability.endswith("%")
        [edit] = hint.text_edits or []
        assert (edit.range.start, edit.range.end, edit.new_text) == (document.position(begin), hint.position, word)
        assert isinstance(hint.tooltip, types.MarkupContent)
        assert "Entropy" in hint.tooltip.value


async def test_the_word_is_the_one_that_a_hover_shows_first(vscode: Editor) -> None:
    document = vscode.open(f"Paris is the capital of {MASK}.")
    [hint] = await hints(document)
    hover = await document.hover(MASK)
    assert hover
    assert f"**{str(hint.label).split()[0]}**" in str(hover.contents.value)


async def test_only_in_the_range_that_is_seen(vscode: Editor) -> None:
    document = vscode.open(f"first {MASK} line\nsecond {MASK} line\nthird {MASK} line\n")
    [hint] = await hints(document, f"second {MASK}")
    assert hint.position.line == 1


async def test_of_a_document_with_very_many_masks_the_first(vscode: Editor) -> None:
    document = vscode.open(f"{MASK} is here. " * 2000)
    assert len(await hints(document)) == 200


async def test_none_without_masks_or_for_a_document_that_is_not_open(vscode: Editor) -> None:
    assert await hints(vscode.open("Nothing here.")) == []
    stranger = vscode.open("x")
    stranger.uri = "file:///not/open"
    assert await hints(stranger) == []


async def test_turned_off_and_on_while_running_and_asked_for_anew() -> None:
    editor = await start(capabilities("vscode"), configuration={"fillmask": {"inlayHints": {"enabled": False}}})
    refreshed = asyncio.Event()
    try:
        editor.client.feature(types.WORKSPACE_INLAY_HINT_REFRESH)(lambda _params: refreshed.set())
        document = editor.open(f"It was a {MASK} day.")
        assert await hints(document) == []
        await document.hover(MASK)
        refreshed.clear()
        editor.client.set_configuration({"fillmask": {}})
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
        await asyncio.wait_for(refreshed.wait(), 10)
        assert len(await hints(document)) == 1
    finally:
        await stop(editor)
