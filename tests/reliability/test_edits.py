"""Edits by the hundred thousand against the plain model, in every encoding, some of them late: the text never differs."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
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
from reliability.campaign import chance

URI = "file:///a.txt"
PIECES = [
    "a",
    "b ",
    "\n",
    "\r",
    "\r\n",
    "é",
    "e\u0301",
    "😀",
    "\x0c",
    "\u2028",
    "\ud83d",
    "[MASK]",
    "[MA",
    "SK]",
    "\r",
    "\n",
]
LONGEST = 400
Change = types.TextDocumentContentChangePartial | types.TextDocumentContentChangeWholeDocument


class Writer:
    """Makes edits as a client does, and knows what the text must be after each."""

    def __init__(self, dice: random.Random, encoding: Encoding) -> None:
        self.dice, self.encoding = dice, encoding
        self.version = 0
        self._plain = PlainText("", encoding)

    @property
    def text(self) -> str:
        return self._plain.text

    def edit(self) -> tuple[int, list[Change]]:
        self.version += self.dice.choice([1, 1, 1, 7])
        return self.version, [self._change() for _ in range(self.dice.choice([1, 1, 1, 3]))]

    def _change(self) -> Change:
        new = "".join(self.dice.choices(PIECES, k=self.dice.randrange(8)))
        if self.dice.random() < 0.02 or len(self.text) > LONGEST:
            self._plain = PlainText(new, self.encoding)
            return types.TextDocumentContentChangeWholeDocument(new)
        start, end = self._position(), self._position()
        self._plain.replace(Position(start.line, start.character), Position(end.line, end.character), new)
        return types.TextDocumentContentChangePartial(types.Range(start, end), new)

    def _position(self) -> types.Position:
        """Mostly near; sometimes past the line, past the text, or inside a character."""
        line = self.dice.randrange(self.text.count("\n") + self.text.count("\r") + 2)
        column = self.dice.randrange(self.dice.choice([3, 12, 60]))
        return types.Position(line, self.dice.choice([column, 2**31 - 1]) if self.dice.random() < 0.05 else column)


def delivered(
    edits: Iterator[tuple[int, list[Change]]], dice: random.Random, late: float
) -> Iterator[tuple[int, list[Change]]]:
    """The edits, some of them some places later: as an editor sends them that sends each from a task of its own."""
    held: list[tuple[int, tuple[int, list[Change]]]] = []
    for number, edit in enumerate(edits):
        if dice.random() < late:
            held.append((number + dice.randrange(1, 8), edit))
        else:
            yield edit
        for due in [each for each in held if each[0] <= number]:
            held.remove(due)
            yield due[1]
    yield from (edit for _, edit in held)


def campaign(seed: int, edits: int, late: float) -> int:
    """Returns how many edits were played, each session in another encoding and from an empty text."""
    dice = chance(seed)
    done = 0
    while done < edits:
        session = dice.randrange(2**32)
        done += played(session, late)
    return done


def played(seed: int, late: float, edits: int = 50) -> int:
    dice = random.Random(seed)
    encoding = dice.choice(list(Encoding))
    writer, workspace = Writer(dice, encoding), Documents()
    workspace.encoding = encoding
    workspace.open(types.TextDocumentItem(URI, "plaintext", 0, ""))
    made: list[tuple[int, list[Change]]] = []
    texts: dict[int, str] = {}

    def writing() -> Iterator[tuple[int, list[Change]]]:
        for _ in range(edits):
            made.append(writer.edit())
            texts[made[-1][0]] = writer.text
            yield made[-1]

    sent = set()
    for version, changes in delivered(writing(), dice, late):
        workspace.change(types.VersionedTextDocumentIdentifier(version, URI), changes)
        sent.add(version)
        if len(sent) == len(made):  # nothing is on its way
            check(workspace.get(URI), texts[made[-1][0]], encoding, f"session {seed} at version {version}: {changes}")
    return edits


def check(document: TextDocument | None, plain: str, encoding: Encoding, where: str) -> None:
    assert document is not None, where
    assert document.text == plain, where
    assert document.masks(0, len(document)) == find_masks(plain), where
    end = document.position(len(plain))
    assert end.column == units(split_lines(plain)[-1], encoding), where


@pytest.fixture(params=[24, 4096], ids=["small chunks", "chunks as they are"])
def _chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents_module, "TextDocument", partial(TextDocument, chunk_size=request.param))


@pytest.mark.usefixtures("_chunks")
def test_edits_by_chance() -> None:
    campaign(1, 1_000, 0)


@pytest.mark.long
@pytest.mark.usefixtures("_chunks")
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_edits() -> None:
    print(campaign(2, 100_000, 0), "edits, no divergence")


def test_a_change_that_comes_too_late_leaves_no_wrong_text() -> None:
    workspace, lost = Documents(), []
    workspace.on_loss = lost.append
    workspace.open(types.TextDocumentItem(URI, "plaintext", 1, ""))
    start = types.Range(types.Position(0, 0), types.Position(0, 0))
    change = [types.TextDocumentContentChangePartial(start, "x")]
    for version in [*range(3, 50), 2]:
        workspace.change(types.VersionedTextDocumentIdentifier(version, URI), change)
    assert workspace.get(URI) is None
    assert lost == [URI]


def test_who_does_not_count_is_taken_at_his_word() -> None:
    workspace = Documents()
    workspace.open(types.TextDocumentItem(URI, "plaintext", 5, ""))
    for text in ["a", "b", "c"]:
        workspace.change(
            types.VersionedTextDocumentIdentifier(0, URI), [types.TextDocumentContentChangeWholeDocument(text)]
        )
        found = workspace.get(URI)
        assert found is not None
        assert found.text == text


def _columns_in_characters(document: TextDocument, position: Position) -> int:
    start, end = document.line_span(position.line)
    return min(start + position.column, end)


@pytest.mark.parametrize(
    ("place", "bug"),
    [
        ((chunks_module, "LINE_END"), re.compile("\r\n|\n")),
        ((TextDocument, "index"), _columns_in_characters),
        ((chunks_module, "chunk_end"), lambda text, index: index),
    ],
    ids=["CR ends no line", "columns are characters", "a mask lies in two chunks"],
)
def test_a_planted_bug_is_caught(
    place: tuple[object, str], bug: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents_module, "TextDocument", partial(TextDocument, chunk_size=24))
    monkeypatch.setattr(*place, bug)
    with pytest.raises(AssertionError):
        campaign(3, 3_000, 0)
