"""Masks in the cells of a notebook."""

from __future__ import annotations

from typing import Any

from lsprotocol import types

from fillmask_ls.engine.api import PredictQuestion
from lsp.editor import Editor
from scripted_engine import ScriptedEngine

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


async def passage(editor: Editor, engine: ScriptedEngine, number: int, at: types.Position) -> str | None:
    """Return the passage that the model reads for a hover in a cell; None if there is no mask."""
    params = types.HoverParams(types.TextDocumentIdentifier(uri(number)), at)
    if await editor.client.text_document_hover_async(params) is None:
        return None
    return str(engine.questions(PredictQuestion)[-1].text)


HEADING, LAST = "Hospitals. He was very ill.", "He was taken to the [MASK] by ambulance."
COMMENT, MARKDOWN = types.Position(0, 42), types.Position(0, 24)


async def test_the_passage_is_the_cell_and_the_markdown_cells_around_it(vscode: Editor, engine: ScriptedEngine) -> None:
    assert vscode.result.capabilities.notebook_document_sync is not None
    vscode.client.notebook_document_did_open(opened(CELLS))
    assert (
        await passage(vscode, engine, 1, COMMENT) == f"{HEADING} The man was taken to the [MASK] by ambulance. {LAST}"
    )
    assert await passage(vscode, engine, 3, MARKDOWN) == f"{HEADING} {LAST}"
    assert await passage(vscode, engine, 2, types.Position(0, 10))


async def test_edits_of_a_cell_move_its_masks(vscode: Editor, engine: ScriptedEngine) -> None:
    client = vscode.client
    client.notebook_document_did_open(opened(CELLS))
    insert = types.TextDocumentContentChangePartial(
        range=types.Range(types.Position(0, 0), types.Position(0, 0)), text="😀\n"
    )
    change = types.NotebookDocumentCellContentChanges(types.VersionedTextDocumentIdentifier(2, uri(3)), [insert])
    client.notebook_document_did_change(changed(text_content=[change]))
    assert await passage(vscode, engine, 3, types.Position(0, 0)) is None
    assert await passage(vscode, engine, 3, types.Position(1, 24))


async def test_added_and_removed_cells_change_the_passage(vscode: Editor, engine: ScriptedEngine) -> None:
    client = vscode.client
    client.notebook_document_did_open(opened(CELLS))
    structure = types.NotebookDocumentCellChangeStructure(
        array=types.NotebookCellArrayChange(start=0, delete_count=2, cells=[types.NotebookCell(MARKUP, uri(9))]),
        did_open=[item(9, "markdown", "New.")],
        did_close=[types.TextDocumentIdentifier(uri(0)), types.TextDocumentIdentifier(uri(1))],
    )
    client.notebook_document_did_change(changed(structure=structure))
    assert await passage(vscode, engine, 1, COMMENT) is None
    assert await passage(vscode, engine, 3, MARKDOWN) == f"New. {LAST}"
    client.notebook_document_did_change(changed(data=[types.NotebookCell(CODE, uri(9))]))
    assert await passage(vscode, engine, 3, MARKDOWN) == LAST


async def test_a_closed_notebook_has_no_masks(vscode: Editor, engine: ScriptedEngine) -> None:
    client = vscode.client
    client.notebook_document_did_open(opened(CELLS))
    client.notebook_document_did_close(
        types.DidCloseNotebookDocumentParams(
            types.NotebookDocumentIdentifier(NOTEBOOK), [types.TextDocumentIdentifier(uri(n)) for n in range(4)]
        )
    )
    assert await passage(vscode, engine, 3, MARKDOWN) is None
    assert await vscode.open("She was taken to the [MASK] by ambulance.").hover("[MASK]")


async def test_messages_about_a_notebook_that_is_not_open_are_ignored(vscode: Editor, engine: ScriptedEngine) -> None:
    client = vscode.client
    client.notebook_document_did_change(changed(data=[types.NotebookCell(CODE, uri(0))]))
    client.notebook_document_did_close(
        types.DidCloseNotebookDocumentParams(types.NotebookDocumentIdentifier(NOTEBOOK), [])
    )
    assert await passage(vscode, engine, 0, types.Position(0, 0)) is None


async def test_hints_are_refreshed_when_another_markdown_cell_has_changed(vscode: Editor) -> None:
    refreshed: list[None] = []
    vscode.client.feature(types.WORKSPACE_INLAY_HINT_REFRESH)(lambda _params: refreshed.append(None))
    vscode.client.notebook_document_did_open(opened(CELLS))
    await vscode.wait_for_model()
    await vscode.settle()
    refreshed.clear()

    def change(number: int, version: int) -> None:
        text = types.TextDocumentContentChangeWholeDocument("It was a boat.")
        identifier = types.VersionedTextDocumentIdentifier(version, uri(number))
        content = types.NotebookDocumentCellContentChanges(identifier, [text])
        vscode.client.notebook_document_did_change(changed(text_content=[content]))

    change(1, 2)
    await vscode.settle()
    for version in (2, 3, 4):
        change(0, version)
    await vscode.wait_until(lambda: bool(refreshed))
    await vscode.settle()
    assert len(refreshed) == 1
