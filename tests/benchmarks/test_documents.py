"""Compare a keystroke in a large document, and the passage for its completion, with pygls' own document."""

from __future__ import annotations

import random

import pytest
from lsprotocol import types
from pygls.workspace import PositionCodec
from pygls.workspace import TextDocument as PyglsDocument

from benchmarks.paired_runs import Run, compare, timed
from fillmask_ls import MASK
from fillmask_ls.documents import masks
from fillmask_ls.documents.context import passage
from fillmask_ls.documents.text import Position, TextDocument

SENTENCE = "It was a dark and stormy night, and the rain fell in torrents – except when it was checked by a gust.\n"


def prose(size: int) -> str:
    """Return paragraphs of about ``size`` characters, with a mask in the middle."""
    rng = random.Random(size)
    lines = [SENTENCE + "\n" * (rng.random() < 0.2) for _ in range(size // len(SENTENCE))]
    lines[len(lines) // 2] = f"The {MASK} is what was typed last.\n"
    return "".join(lines)


def ours(text: str) -> Run:
    document = TextDocument("", text)
    line, column = document.position(text.index(MASK))

    def keystroke() -> None:
        document.replace(Position(line, column), Position(line, column), "x")
        index = document.index(Position(line, column + 1 + len(MASK)))
        focus = masks.mask_before_cursor(document, index)
        assert focus is not None
        passage(document, focus)
        document.replace(Position(line, column), Position(line, column + 1), "")

    return timed(keystroke)


def pygls(text: str) -> Run:
    document = PyglsDocument("file:///a.txt", text, position_codec=PositionCodec(types.PositionEncodingKind.Utf16))
    before = text[: text.index(MASK)]
    line, column = before.count("\n"), len(before) - before.rfind("\n") - 1

    def change(end: int, new: str) -> None:
        edited = types.Range(types.Position(line, column), types.Position(line, end))
        document.apply_change(types.TextDocumentContentChangePartial(range=edited, text=new))

    def keystroke() -> None:
        change(column, "x")
        index = document.offset_at_position(types.Position(line, column + 1 + len(MASK)))
        assert document.source[:index].endswith(MASK)
        document.lines[max(0, line - 20) : line + 20]
        change(column + 1, "")

    return timed(keystroke)


@pytest.mark.parametrize(("size", "max_ratio"), [(1_000_000, 0.2), (10_000_000, 0.01)], ids=["1 MB", "10 MB"])
def test_a_keystroke_costs_a_fraction_of_pygls(size: int, max_ratio: float) -> None:
    text = prose(size)
    assert compare(f"keystroke, {size:,} characters", ours(text), pygls(text), rounds=20) <= max_ratio


def test_a_keystroke_costs_the_same_in_a_large_document() -> None:
    large, small = ours(prose(10_000_000)), ours(prose(100_000))
    assert compare("keystroke, 10 MB against 100 KB", large, small, rounds=500, warm_up=20) <= 2
