"""``textDocument/inlayHint``: the best word after each mask."""

from __future__ import annotations

import asyncio

from lsprotocol import types

from fillmask_ls import MASK
from lsp.conftest import Connect
from lsp.editor import Document, Editor
from scripted_engine import ScriptedEngine


async def hints(document: Document, of: str = "") -> list[types.InlayHint]:
    params = types.InlayHintParams(types.TextDocumentIdentifier(document.uri), document.range(of))
    result = await document.editor.client.text_document_inlay_hint_async(params)
    assert result is not None, "null: Neovim would keep the previous hints"
    return list(result)


async def test_each_mask_has_the_best_word_and_its_probability(editor: Editor) -> None:
    document = editor.open(f"🙂 Paris is the {MASK} of {MASK}.\n\n- {MASK} is blue.", "markdown")
    result = await hints(document)
    assert len(result) == 3
    for hint, begin in zip(
        result, [i for i in range(len(document.text)) if document.text.startswith(MASK, i)], strict=True
    ):
        end = begin + len(MASK)
        assert hint.position == document.position(end)
        assert isinstance(hint.label, str)
        assert hint.label == "house 50.0 %"
        [edit] = hint.text_edits or []
        assert (edit.range.start, edit.range.end, edit.new_text) == (document.position(begin), hint.position, "house")
        assert isinstance(hint.tooltip, types.MarkupContent)
        assert "like choosing among" in hint.tooltip.value


async def test_the_hint_of_the_embedded_model_is_the_first_word_of_its_hover(bert: Editor) -> None:
    document = bert.open(f"Paris is the capital of {MASK}.")
    [hint] = await hints(document)
    hover = await document.hover(MASK)
    assert hover
    assert f"**{str(hint.label).split()[0]}**" in str(hover.contents.value)


async def test_only_masks_in_the_range_have_hints(vscode: Editor) -> None:
    document = vscode.open(f"first {MASK} line\nsecond {MASK} line\nthird {MASK} line\n")
    [hint] = await hints(document, f"second {MASK}")
    assert hint.position.line == 1


async def test_at_most_two_hundred_masks_have_hints(vscode: Editor) -> None:
    document = vscode.open(f"{MASK} is here. " * 2000)
    assert len(await hints(document)) == 200


async def test_without_masks_or_for_a_document_that_is_not_open_the_list_is_empty(
    vscode: Editor, engine: ScriptedEngine
) -> None:
    assert await hints(vscode.open("Nothing here.")) == []
    unopened = vscode.open("x")
    unopened.uri = "file:///not/open"
    assert await hints(unopened) == []
    assert engine.received == []


async def test_the_setting_turns_hints_on_and_off_and_the_client_is_asked_to_refresh(connect: Connect) -> None:
    editor = await connect("vscode", configuration={"fillmask": {"inlayHints": {"enabled": False}}})
    refreshed = asyncio.Event()
    editor.client.feature(types.WORKSPACE_INLAY_HINT_REFRESH)(lambda _params: refreshed.set())
    document = editor.open(f"It was a {MASK} day.")
    assert await hints(document) == []
    refreshed.clear()
    await editor.configure({"fillmask": {}})
    await refreshed.wait()
    assert len(await hints(document)) == 1


async def test_unlikely_words_have_no_hint(connect: Connect) -> None:
    engine = ScriptedEngine(["house", "river"])
    editor = await connect("vscode", local=engine, configuration={"fillmask": {"inlayHints": {"minimum": 60}}})
    document = editor.open(f"It was a {MASK} day.")
    assert await hints(document) == []
    await editor.configure({"fillmask": {"inlayHints": {"minimum": 50}}})
    assert len(await hints(document)) == 1


async def test_a_long_word_leaves_room_for_its_probability(connect: Connect) -> None:
    word = "Donaudampfschifffahrtsgesellschaftskapitän"
    editor = await connect("vscode", local=ScriptedEngine([word]))
    [hint] = await hints(editor.open(f"It was a {MASK} day."))
    assert str(hint.label).endswith("… 50.0 %")
    assert len(str(hint.label)) <= 43  # VS Code cuts off the rest
    assert hint.text_edits
    assert hint.text_edits[0].new_text == word
