"""Masks in the cells of a notebook, as VS Code sends them."""

from __future__ import annotations

from typing import Any

import pytest
from lsprotocol import types

from fillmask_ls.documents.context import passage
from fillmask_ls.documents.masks import Target
from fillmask_ls.lsp.documents import Documents
from fillmask_ls.words import find_masks
from lsp.editor import Editor

NOTEBOOK = "file:///work%20book.ipynb"
MARKUP, CODE = types.NotebookCellKind.Markup, types.NotebookCellKind.Code
CELLS = [
    (MARKUP, "markdown", "# Hospitals\n\nHe was *very* ill."),
    (CODE, "python", "import os  # The man was taken to the [MASK] by ambulance."),
    (CODE, "python", "value = [MASK]"),
    (MARKUP, "markdown", "He was taken to the **[MASK]** by ambulance."),
]


def uri(number: int) -> str:
    return f"vscode-notebook-cell:/work%20book.ipynb#W{number}"


def item(number: int, language: str, text: str) -> types.TextDocumentItem:
    return types.TextDocumentItem(uri=uri(number), language_id=language, version=1, text=text)


def opened(cells: list[tuple[types.NotebookCellKind, str, str]]) -> types.DidOpenNotebookDocumentParams:
    return types.DidOpenNotebookDocumentParams(
        types.NotebookDocument(
            uri=NOTEBOOK,
            notebook_type="jupyter-notebook",
            version=1,
            cells=[types.NotebookCell(kind, uri(number)) for number, (kind, _, _) in enumerate(cells)],
        ),
        [item(number, language, text) for number, (_, language, text) in enumerate(cells)],
    )


def changed(**changes: Any) -> types.DidChangeNotebookDocumentParams:
    return types.DidChangeNotebookDocumentParams(
        types.VersionedNotebookDocumentIdentifier(version=2, uri=NOTEBOOK),
        types.NotebookDocumentChangeEvent(cells=types.NotebookDocumentCellChanges(**changes)),
    )


async def best_word(editor: Editor, number: int, at: types.Position) -> str | None:
    hover = await editor.client.text_document_hover_async(
        types.HoverParams(types.TextDocumentIdentifier(uri(number)), at)
    )
    if hover is None:
        return None
    assert isinstance(hover.contents, types.MarkupContent)
    return hover.contents.value.split("**")[1]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_mask_in_a_markdown_cell_and_in_a_comment_of_a_code_cell(vscode: Editor) -> None:
    assert vscode.result.capabilities.notebook_document_sync is not None
    client = vscode.client
    client.notebook_document_did_open(opened(CELLS))
    assert await best_word(vscode, 3, types.Position(0, 24)) == "hospital"
    assert await best_word(vscode, 1, types.Position(0, 42)) == "hospital"
    assert await best_word(vscode, 2, types.Position(0, 10))

    insert = types.TextDocumentContentChangePartial(
        range=types.Range(types.Position(0, 0), types.Position(0, 0)), text="😀\n"
    )
    change = types.NotebookDocumentCellContentChanges(types.VersionedTextDocumentIdentifier(2, uri(3)), [insert])
    client.notebook_document_did_change(changed(text_content=[change]))
    assert await best_word(vscode, 3, types.Position(0, 0)) is None
    assert await best_word(vscode, 3, types.Position(1, 24)) == "hospital"

    client.notebook_document_did_close(
        types.DidCloseNotebookDocumentParams(
            types.NotebookDocumentIdentifier(NOTEBOOK), [types.TextDocumentIdentifier(uri(n)) for n in range(4)]
        )
    )
    assert await best_word(vscode, 3, types.Position(1, 24)) is None
    assert await vscode.open("She was taken to the [MASK] by ambulance.").hover("[MASK]")


def context_of(workspace: Documents, number: int) -> str:
    document = workspace.get(uri(number))
    assert document is not None
    before, after = workspace.neighbors(document.uri)
    return passage(document, Target(*find_masks(document.text)[0]), before=before, after=after).text


def test_the_context_is_the_cell_and_the_markdown_cells_around_it() -> None:
    workspace = Documents()
    workspace.open_notebook(opened(CELLS))
    heading, last = "Hospitals. He was very ill.", "He was taken to the [MASK] by ambulance."
    assert context_of(workspace, 1) == f"{heading} The man was taken to the [MASK] by ambulance. {last}"
    assert context_of(workspace, 3) == f"{heading} {last}"

    structure = types.NotebookDocumentCellChangeStructure(
        array=types.NotebookCellArrayChange(start=0, delete_count=2, cells=[types.NotebookCell(MARKUP, uri(9))]),
        did_open=[item(9, "markdown", "New.")],
        did_close=[types.TextDocumentIdentifier(uri(0)), types.TextDocumentIdentifier(uri(1))],
    )
    workspace.change_notebook(changed(structure=structure))
    assert workspace.get(uri(0)) is None
    assert context_of(workspace, 3) == f"New. {last}"

    workspace.change_notebook(changed(data=[types.NotebookCell(CODE, uri(9))]))
    assert context_of(workspace, 3) == last
    assert workspace.neighbors("file:///elsewhere.md") == ([], [])


def test_a_notebook_that_is_not_open_is_left_alone() -> None:
    workspace = Documents()
    workspace.change_notebook(changed(data=[types.NotebookCell(CODE, uri(0))]))
    workspace.close_notebook(types.DidCloseNotebookDocumentParams(types.NotebookDocumentIdentifier(NOTEBOOK), []))
    assert workspace.get(uri(0)) is None
