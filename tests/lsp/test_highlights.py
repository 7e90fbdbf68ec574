"""The masks that are read together light up together."""

from __future__ import annotations

import pytest
from lsprotocol import types

from lsp.editor import Document, Editor

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def lit(document: Document, index: int) -> list[int] | None:
    params = types.DocumentHighlightParams(types.TextDocumentIdentifier(document.uri), document.position(index))
    found = await document.editor.client.text_document_document_highlight_async(params)
    if found is None:
        return None
    assert [document.at(each.range) for each in found] == ["[MASK]"] * len(found)
    return [document.index(each.range.start) for each in found]


async def test_a_mask_and_the_others_of_its_passage(editor: Editor) -> None:
    far = "\n\n" + "It was late, and nobody else had been there that night. " * 60 + "\n\n"
    document = editor.open(f"😀 The [MASK] was taken\nto the [MASK] by 😀 [MASK].{far}Elsewhere, a [MASK].", "markdown")
    masks = [index for index in range(len(document.text)) if document.text.startswith("[MASK]", index)]
    for at in masks[:3]:
        assert await lit(document, at + 3) == masks[:3]
    assert await lit(document, masks[0]) == masks[:3]
    assert await lit(document, masks[2] + 6) == masks[:3]
    assert await lit(document, masks[3]) == masks[3:]


async def test_elsewhere_nothing(editor: Editor) -> None:
    document = editor.open("The [MASK] was here.")
    assert await lit(document, 1) is None
    assert await lit(document, document.text.index("was") + 1) is None
    assert await lit(Document(editor, "file:///never-opened", "[MASK]", 0), 2) is None
