"""The documents and notebooks that the client has open."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from lsprotocol import types

from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.text import Position, TextDocument

logger = logging.getLogger(__name__)


class Workspace:
    """What is open, by URI; a notebook's cells are documents like others. Nothing is ever read from disk.

    Attributes:
        encoding: of the columns in the client's positions.
        changed: called with the URI of a document that was opened, changed or closed.
    """

    def __init__(self) -> None:
        self.encoding = Encoding.UTF16
        self.changed: Callable[[str], None] = lambda _uri: None
        self._documents: dict[str, TextDocument] = {}
        self._notebooks: dict[str, list[types.NotebookCell]] = {}

    def get(self, uri: str) -> TextDocument | None:
        """An open document, else None."""
        return self._documents.get(uri)

    def uris(self) -> list[str]:
        """Of all open documents."""
        return list(self._documents)

    def open(self, item: types.TextDocumentItem) -> None:
        """Keep a document; one that is open already begins anew."""
        self._documents[item.uri] = TextDocument(
            item.uri, item.text, encoding=self.encoding, version=item.version, language_id=str(item.language_id)
        )
        self.changed(item.uri)

    def change(
        self,
        identifier: types.VersionedTextDocumentIdentifier,
        changes: Iterable[types.TextDocumentContentChangeEvent],
    ) -> None:
        """Make changes in their order, each in the text that the one before it left."""
        document = self._documents.get(identifier.uri)
        if document is None:
            logger.warning("ignored a change of a document that is not open")
            return
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                start, end = change.range.start, change.range.end
                document.replace(Position(start.line, start.character), Position(end.line, end.character), change.text)
            else:
                document.replace_all(change.text)
        document.version = identifier.version
        self.changed(identifier.uri)

    def close(self, uri: str) -> None:
        """Forget a document."""
        self._documents.pop(uri, None)
        self.changed(uri)

    def open_notebook(self, params: types.DidOpenNotebookDocumentParams) -> None:
        """Keep a notebook and its cells' documents."""
        self._notebooks[params.notebook_document.uri] = list(params.notebook_document.cells)
        for item in params.cell_text_documents:
            self.open(item)

    def change_notebook(self, params: types.DidChangeNotebookDocumentParams) -> None:
        """Follow what happened to a notebook's cells and to the text in them."""
        cells = self._notebooks.get(params.notebook_document.uri)
        changes = params.change.cells
        if cells is None or changes is None:
            return
        if changes.structure:
            array = changes.structure.array
            cells[array.start : array.start + array.delete_count] = array.cells or []
            for item in changes.structure.did_open or []:
                self.open(item)
            for closed in changes.structure.did_close or []:
                self.close(closed.uri)
        changed = {cell.document: cell for cell in changes.data or []}
        cells[:] = [changed.get(cell.document, cell) for cell in cells]
        for content in changes.text_content or []:
            self.change(content.document, content.changes)

    def close_notebook(self, params: types.DidCloseNotebookDocumentParams) -> None:
        """Forget a notebook and its cells' documents."""
        self._notebooks.pop(params.notebook_document.uri, None)
        for cell in params.cell_text_documents:
            self.close(cell.uri)

    def prose_around(self, uri: str) -> tuple[list[TextDocument], list[TextDocument]]:
        """The Markdown cells before and behind a cell, the nearest first; none for any other document."""
        for cells in self._notebooks.values():
            at = next((number for number, cell in enumerate(cells) if cell.document == uri), None)
            if at is not None:
                return self._prose(reversed(cells[:at])), self._prose(cells[at + 1 :])
        return [], []

    def _prose(self, cells: Iterable[types.NotebookCell]) -> list[TextDocument]:
        found = (self.get(cell.document) for cell in cells if cell.kind is types.NotebookCellKind.Markup)
        return [document for document in found if document is not None]
