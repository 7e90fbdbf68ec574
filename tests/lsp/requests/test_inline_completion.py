"""``textDocument/inlineCompletion``: the best word as ghost text at the mask before the cursor."""

from __future__ import annotations

import pytest
from lsprotocol import types

from fillmask_ls import MASK
from lsp.conftest import Connect
from lsp.editor import Document, Editor


async def ghost_texts(document: Document) -> list[types.InlineCompletionItem]:
    if document.editor.result.capabilities.inline_completion_provider is None:
        pytest.skip("the client shows no ghost text")
    params = types.InlineCompletionParams(
        types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic),
        types.TextDocumentIdentifier(document.uri),
        document.position(document.cursor),
    )
    result = await document.editor.client.text_document_inline_completion_async(params)
    assert result is None or isinstance(result, list)
    return list(result or [])


async def test_the_best_word_replaces_the_mask(editor: Editor) -> None:
    document = editor.open(f"🙂 Paris is the capital of {MASK}|.")
    [item] = await ghost_texts(document)
    items = await document.complete()
    assert items
    assert item.insert_text == items[0].label
    assert item.range == document.range(MASK)
    assert str(item.filter_text).startswith(MASK)


async def test_second_item_fills_the_whole_passage(editor: Editor) -> None:
    document = editor.open(f"Paris is the {MASK} of {MASK}|, they say.")
    word, passage = await ghost_texts(document)
    assert word.insert_text in str(passage.insert_text)
    assert MASK not in str(passage.insert_text)
    assert passage.range
    text = document.text
    start, end = document.index(passage.range.start), document.index(passage.range.end)
    assert (
        text[:start] + str(passage.insert_text) + text[end:]
        == "Paris is the " + str(passage.insert_text) + ", they say."
    )


async def test_letters_after_the_mask_are_kept(vscode: Editor) -> None:
    [item] = await ghost_texts(vscode.open(f"Paris is the capital of {MASK}Ele|."))
    assert item.insert_text == "Elephant"


@pytest.mark.parametrize("text", ["", "No mask| here.", f"|{MASK}", f"x| {MASK}"])
async def test_ghost_text_away_from_masks_is_empty(vscode: Editor, text: str) -> None:
    assert await ghost_texts(vscode.open(text)) == []


async def test_the_setting_turns_ghost_text_off(connect: Connect) -> None:
    editor = await connect("neovim", configuration={"fillmask": {"inlineCompletion": {"enabled": False}}})
    assert await ghost_texts(editor.open(f"It was a {MASK}|.")) == []
