"""Random edits in every encoding, compared with a plain string."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from functools import partial

import pytest
from lsprotocol import types

from documents.plain_text import PlainText, split_lines, units
from fillmask_ls.documents import chunks as chunks_module
from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.text import Position, TextDocument
from fillmask_ls.lsp import documents as documents_module
from fillmask_ls.lsp.documents import Documents
from fillmask_ls.words import find_masks
from reliability.campaign import seeded

URI = "file:///a.txt"
PARTS = ["a", "b ", "\n", "\r", "\r\n", "é", "e\u0301", "😀", "\x0c", "\u2028", "\ud83d", "[MASK]", "[MA", "SK]"]
MAX_LENGTH = 400
Change = types.TextDocumentContentChangePartial | types.TextDocumentContentChangeWholeDocument


class Editor:
    """A client that edits a document at random.

    Attributes:
        text: the expected text.
    """

    def __init__(self, dice: random.Random, encoding: Encoding) -> None:
        self.dice, self.encoding = dice, encoding
        self.version = 0
        self._plain = PlainText("", encoding)

    @property
    def text(self) -> str:
        return self._plain.text

    def edit(self) -> tuple[int, list[Change]]:
        """Return random changes and their version."""
        self.version += self.dice.choice([1, 1, 1, 7])
        return self.version, [self._change() for _ in range(self.dice.choice([1, 1, 1, 3]))]

    def _change(self) -> Change:
        new = "".join(self.dice.choices(PARTS, k=self.dice.randrange(8)))
        if self.dice.random() < 0.02 or len(self.text) > MAX_LENGTH:
            self._plain = PlainText(new, self.encoding)
            return types.TextDocumentContentChangeWholeDocument(new)
        start, end = self._position(), self._position()
        self._plain.replace(Position(start.line, start.character), Position(end.line, end.character), new)
        return types.TextDocumentContentChangePartial(types.Range(start, end), new)

    def _position(self) -> types.Position:
        """Return a random position, which can be after the end of the line or text, or inside a character."""
        line = self.dice.randrange(self.text.count("\n") + self.text.count("\r") + 2)
        column = self.dice.randrange(self.dice.choice([3, 12, 60]))
        return types.Position(line, self.dice.choice([column, 2**31 - 1]) if self.dice.random() < 0.05 else column)


def play(seed: int, edits: int) -> int:
    """Play sessions of some edits each, in random encodings; return the number of edits."""
    dice = seeded(seed)
    count = 0
    while count < edits:
        count += play_session(dice.randrange(2**32))
    return count


def play_session(seed: int, edits: int = 50) -> int:
    dice = random.Random(seed)
    encoding = dice.choice(list(Encoding))
    editor, documents = Editor(dice, encoding), Documents()
    documents.encoding = encoding
    documents.open(types.TextDocumentItem(URI, "plaintext", 0, ""))
    for _ in range(edits):
        version, changes = editor.edit()
        documents.change(types.VersionedTextDocumentIdentifier(version, URI), changes)
        check(documents.get(URI), editor.text, encoding, f"session {seed} at version {version}: {changes}")
    return edits


def check(document: TextDocument | None, plain: str, encoding: Encoding, where: str) -> None:
    assert document is not None, where
    assert document.text == plain, where
    assert document.masks(0, len(document)) == find_masks(plain), where
    end = document.position(len(plain))
    assert end.column == units(split_lines(plain)[-1], encoding), where


@pytest.fixture(params=[24, 4096], ids=["small chunks", "default chunks"])
def _chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents_module, "TextDocument", partial(TextDocument, chunk_size=request.param))


@pytest.mark.usefixtures("_chunks")
def test_text_is_right_after_every_random_edit() -> None:
    play(1, 1_000)


@pytest.mark.long
@pytest.mark.usefixtures("_chunks")
@pytest.mark.timeout(3600)
def test_text_is_right_after_a_hundred_thousand_edits() -> None:
    """``FILLMASK_EDITS`` in the environment sets another number."""
    print(play(2, int(os.environ.get("FILLMASK_EDITS", 100_000))), "edits, no difference")


def test_document_is_dropped_when_a_change_arrives_out_of_order() -> None:
    documents, lost = Documents(), []
    documents.on_loss = lost.append
    documents.open(types.TextDocumentItem(URI, "plaintext", 1, ""))
    start = types.Range(types.Position(0, 0), types.Position(0, 0))
    change = [types.TextDocumentContentChangePartial(start, "x")]
    for version in (2, 4, 3):
        documents.change(types.VersionedTextDocumentIdentifier(version, URI), change)
    assert documents.get(URI) is None
    assert lost == [URI]


def test_client_that_does_not_count_versions_is_served() -> None:
    documents = Documents()
    documents.open(types.TextDocumentItem(URI, "plaintext", 5, ""))
    for text in ["a", "b", "c"]:
        change = types.TextDocumentContentChangeWholeDocument(text)
        documents.change(types.VersionedTextDocumentIdentifier(0, URI), [change])
        document = documents.get(URI)
        assert document is not None
        assert document.text == text


def _column_in_characters(document: TextDocument, position: Position) -> int:
    start, end = document.line_span(position.line)
    return min(start + position.column, end)


@pytest.mark.parametrize(
    ("target", "bug"),
    [
        ((chunks_module, "LINE_END"), re.compile("\r\n|\n")),
        ((TextDocument, "index"), _column_in_characters),
        ((chunks_module, "chunk_end"), lambda text, index: index),
    ],
    ids=["CR is no line end", "columns are characters", "a mask is split between chunks"],
)
def test_campaign_finds_a_planted_bug(
    target: tuple[object, str], bug: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents_module, "TextDocument", partial(TextDocument, chunk_size=24))
    monkeypatch.setattr(*target, bug)
    with pytest.raises(AssertionError):
        play(3, 3_000)
