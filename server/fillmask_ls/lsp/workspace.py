"""The documents and notebooks that the client has open."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.text import Position, TextDocument

logger = logging.getLogger(__name__)


_CHANGES_REMEMBERED = 32
"""Of a document, each with what was before it: so many later ones may overtake a change on its way."""

_ContentChange = types.TextDocumentContentChangePartial | types.TextDocumentContentChangeWholeDocument


class LateError(Exception):
    """A change came after more later ones than are remembered."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What one notification does to a document; ``before``: the document as it was."""

    version: int
    contents: Sequence[_ContentChange]
    before: TextDocument | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the text before it is left."""
        return any(isinstance(content, types.TextDocumentContentChangeWholeDocument) for content in self.contents)

    @property
    def brings_masks(self) -> bool:
        """Whether masks are in the text that it inserts."""
        return any(MASK in content.text for content in self.contents)

    def make(self, document: TextDocument) -> None:
        for content in self.contents:
            if isinstance(content, types.TextDocumentContentChangePartial):
                start, end = content.range.start, content.range.end
                document.replace(Position(start.line, start.character), Position(end.line, end.character), content.text)
            else:
                document.replace_all(content.text)
        document.version = self.version


class _History:
    """The last changes of one document, with what was before each: for what an undo brings back, and for editors that send
    changes in another order than they were made in, which a version tells (Helix 25.01 sends 40, 45, 41, 46)."""

    def __init__(self, version: int) -> None:
        self._opened = self._oldest = version
        self._oldest_is_whole = False
        self._changes: list[_Change] = []

    def change(self, document: TextDocument, change: _Change) -> TextDocument:
        """The document after a change and those that were made later, which may have come before it.

        It is another object when these had to be made anew: nothing that was said of the text holds.

        Raises:
            LateError: what was before it is not remembered.
        """
        if not self._opened < change.version < document.version:  # or a client that doesn't count
            self._make(document, change)
            return document
        if change.version < self._oldest:
            if self._oldest_is_whole:
                return document
            raise LateError
        later = [each for each in self._changes if each.version > change.version]
        assert later[0].before is not None  # noqa: S101 - all that are remembered have one
        document = later[0].before
        del self._changes[-len(later) :]
        for each in (change, *later):
            self._make(document, each)
        return document

    def _make(self, document: TextDocument, change: _Change) -> None:
        if change.is_whole:
            self._changes.clear()
            self._oldest, self._oldest_is_whole = change.version, True
        else:
            self._changes.append(replace(change, before=document.snapshot()))
            if len(self._changes) > _CHANGES_REMEMBERED:
                self._oldest, self._oldest_is_whole = self._changes.pop(0).version, False
        change.make(document)
        if change.brings_masks:
            self._recall(document)

    def _recall(self, document: TextDocument) -> None:
        """Where edits were undone, masks hide what they hid when the text was the same: not the words that were tried."""
        for before in (each.before for each in reversed(self._changes)):
            if before and len(before) == len(document) and before.text == document.text:
                document.masked_words = before.masked_words.copy()
                return


class Workspace:
    """What is open, by URI; a notebook's cells are documents like others. Nothing is ever read from disk.

    Attributes:
        encoding: of the columns in the client's positions.
        changed: called with the URI of a document that was opened, changed or closed.
        lost: called with the URI of a document that is left alone until it is opened again: its text is not known.
    """

    def __init__(self) -> None:
        self.encoding = Encoding.UTF16
        self.changed: Callable[[str], None] = lambda _uri: None
        self.lost: Callable[[str], None] = lambda _uri: None
        self._documents: dict[str, TextDocument] = {}
        self._histories: dict[str, _History] = {}
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
        self._histories[item.uri] = _History(item.version)
        self.changed(item.uri)

    def change(
        self,
        identifier: types.VersionedTextDocumentIdentifier,
        changes: Iterable[types.TextDocumentContentChangeEvent],
    ) -> None:
        """Make changes in their order, each in the text that the one before it left."""
        uri = identifier.uri
        document = self._documents.get(uri)
        if document is None:
            logger.warning("ignored a change of a document that is not open")
            return
        try:
            self._documents[uri] = self._histories[uri].change(document, _Change(identifier.version, list(changes)))
        except LateError:
            logger.error("a change came so late that a document's text is not known any more")
            self.close(uri)
            self.lost(uri)
            return
        self.changed(uri)

    def close(self, uri: str) -> None:
        """Forget a document."""
        self._documents.pop(uri, None)
        self._histories.pop(uri, None)
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
