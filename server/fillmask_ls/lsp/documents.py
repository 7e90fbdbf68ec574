"""The documents and notebooks that the client has open. Nothing is ever read from disk."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.text import Position, TextDocument

logger = logging.getLogger(__name__)

_MAX_UNDO = 32


@dataclass(slots=True)
class _OpenDocument:
    """An open document, the version it was opened with, and its last states, which an undo may restore."""

    document: TextDocument
    opened_version: int
    states: deque[TextDocument] = field(default_factory=lambda: deque(maxlen=_MAX_UNDO))

    def change(self, version: int, changes: Iterable[types.TextDocumentContentChangeEvent]) -> None:
        document, before = self.document, self.document.snapshot()
        brings_masks = False
        for change in changes:
            brings_masks = brings_masks or MASK in change.text
            if isinstance(change, types.TextDocumentContentChangePartial):
                start, end = change.range.start, change.range.end
                document.replace(Position(start.line, start.character), Position(end.line, end.character), change.text)
            else:
                document.replace_all(change.text)
        document.version = version
        self.states.append(before)
        if brings_masks:
            self._recall_masked_words()

    def _recall_masked_words(self) -> None:
        """After an undo, restore the masked words recorded when the text was last the same."""
        for state in reversed(self.states):
            if len(state) == len(self.document) and state.text == self.document.text:
                self.document.masked_words = state.masked_words.copy()
                return


class Documents:
    """The open documents by URI; a notebook's cells are documents like others.

    Attributes:
        encoding: of the columns in the client's positions.
        on_change: called with the URI of a document that was opened, changed or closed.
        on_prose_cell_change: called when a Markdown cell, which the other cells of its notebook are read with, may have
            changed.
        on_loss: called with the URI of a document whose text is no longer known; it is ignored until it is opened again.
    """

    def __init__(self) -> None:
        self.encoding = Encoding.UTF16
        self.on_change: Callable[[str], None] = lambda _uri: None
        self.on_prose_cell_change: Callable[[], None] = lambda: None
        self.on_loss: Callable[[str], None] = lambda _uri: None
        self._open: dict[str, _OpenDocument] = {}
        self._notebooks: dict[str, list[types.NotebookCell]] = {}
        self._changed_at = -inf

    def get(self, uri: str) -> TextDocument | None:
        """Return an open document, else None."""
        entry = self._open.get(uri)
        return entry.document if entry is not None else None

    def uris(self) -> list[str]:
        """Return the URIs of all open documents."""
        return list(self._open)

    async def wait_until_idle(self, seconds: float) -> None:
        """Wait until no document has changed for this many seconds."""
        while (remaining := self._changed_at + seconds - time.monotonic()) > 0:  # noqa: ASYNC110 - no event at each keystroke
            await asyncio.sleep(remaining)

    def open(self, item: types.TextDocumentItem) -> None:
        """Open a document; one that is open already starts again."""
        document = TextDocument(
            item.uri, item.text, encoding=self.encoding, version=item.version, language_id=str(item.language_id)
        )
        self._open[item.uri] = _OpenDocument(document, item.version)
        self._report_change(item.uri)

    def change(
        self,
        identifier: types.VersionedTextDocumentIdentifier,
        changes: Iterable[types.TextDocumentContentChangeEvent],
    ) -> None:
        """Apply changes in order, each to the result of the previous one.

        A change that arrives after a later one (Helix 25.01) would corrupt the text, so the document is dropped.
        """
        uri, version = identifier.uri, identifier.version
        entry = self._open.get(uri)
        if entry is None:
            logger.warning("ignored a change of a document that is not open")
        elif entry.opened_version < version < entry.document.version:  # other versions: the client doesn't count them
            self.drop(uri)
        else:
            entry.change(version, changes)
            self._report_change(uri)

    def drop(self, uri: str) -> None:
        """Close a document whose text is no longer known."""
        if uri in self._open:
            logger.error("changes of a document arrived out of order or malformed; its text is no longer known")
            self.close(uri)
            self.on_loss(uri)

    def close(self, uri: str) -> None:
        """Close a document."""
        self._open.pop(uri, None)
        self._report_change(uri)

    def open_notebook(self, params: types.DidOpenNotebookDocumentParams) -> None:
        """Open a notebook and the documents of its cells."""
        self._notebooks[params.notebook_document.uri] = list(params.notebook_document.cells)
        for item in params.cell_text_documents:
            self.open(item)

    def change_notebook(self, params: types.DidChangeNotebookDocumentParams) -> None:
        """Apply changes of a notebook's cells and of the text in them."""
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
        prose_cells = {cell.document for cell in cells if cell.kind is types.NotebookCellKind.Markup}
        if changes.structure or any(content.document.uri in prose_cells for content in changes.text_content or []):
            self.on_prose_cell_change()

    def close_notebook(self, params: types.DidCloseNotebookDocumentParams) -> None:
        """Close a notebook and the documents of its cells."""
        self._notebooks.pop(params.notebook_document.uri, None)
        for cell in params.cell_text_documents:
            self.close(cell.uri)

    def neighbors(self, uri: str) -> tuple[list[TextDocument], list[TextDocument]]:
        """Return the Markdown cells before and after a notebook's cell, the nearest first; none for other documents."""
        for cells in self._notebooks.values():
            index = next((number for number, cell in enumerate(cells) if cell.document == uri), None)
            if index is not None:
                return self._markdown(reversed(cells[:index])), self._markdown(cells[index + 1 :])
        return [], []

    def _markdown(self, cells: Iterable[types.NotebookCell]) -> list[TextDocument]:
        documents = (self.get(cell.document) for cell in cells if cell.kind is types.NotebookCellKind.Markup)
        return [document for document in documents if document is not None]

    def _report_change(self, uri: str) -> None:
        self._changed_at = time.monotonic()
        self.on_change(uri)
