"""``textDocument/documentHighlight``: the masks of one passage."""

from __future__ import annotations

from lsprotocol import types

from lsp.editor import Document, Editor


async def highlighted(document: Document, index: int) -> list[int] | None:
    params = types.DocumentHighlightParams(types.TextDocumentIdentifier(document.uri), document.position(index))
    highlights = await document.editor.client.text_document_document_highlight_async(params)
    if highlights is None:
        return None
    assert [document.text_in(each.range) for each in highlights] == ["[MASK]"] * len(highlights)
    return [document.index(each.range.start) for each in highlights]


async def test_a_mask_is_highlighted_with_the_others_of_its_passage(editor: Editor) -> None:
    far = "\n\n" + "It was late, and nobody else had been there that night. " * 60 + "\n\n"
    document = editor.open(f"😀 The [MASK] was taken\nto the [MASK] by 😀 [MASK].{far}Elsewhere, a [MASK].", "markdown")
    masks = [index for index in range(len(document.text)) if document.text.startswith("[MASK]", index)]
    for at in masks[:3]:
        assert await highlighted(document, at + 3) == masks[:3]
    assert await highlighted(document, masks[0]) == masks[:3]
    assert await highlighted(document, masks[2] + 6) == masks[:3]
    assert await highlighted(document, masks[3]) == masks[3:]


async def test_away_from_masks_nothing_is_highlighted(editor: Editor) -> None:
    document = editor.open("The [MASK] was here.")
    assert await highlighted(document, 1) is None
    assert await highlighted(document, document.text.index("was") + 1) is None
    assert await highlighted(Document(editor, "file:///never-opened", "[MASK]", 0), 2) is None
