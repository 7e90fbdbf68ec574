"""Edits and positions of a document, compared with a plain string."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents.plain_text import PlainText, split_lines, units
from fillmask_ls import MASK
from fillmask_ls.documents.chunks import CHUNK_SIZE
from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.text import Position, TextDocument
from fillmask_ls.words import find_masks

PARTS = st.sampled_from(
    ["a", "b ", "é", "e\u0301", "😀", "👩‍👩‍👧", "\x0c", "\x0b", "\x85", "\u2028", "\u2029", "\ud83d", MASK, "[MA", "SK]", "\n\r",
     # Listed twice, because line ends at the end of a chunk are error-prone.
     "\n", "\r", "\r\n", "\n", "\r", "\r\n"]
)  # fmt: skip
TEXTS = st.lists(PARTS, max_size=12).map("".join)
LONG_TEXTS = st.lists(PARTS, min_size=60, max_size=90).map("".join)
ASTRAL_TEXTS = st.lists(st.sampled_from(["a", "😀", "👍", "\n", MASK, "\ud83d", "\ude00"]), max_size=12).map("".join)
SMALL_CHUNKS = 24
CHUNK_SIZES = st.sampled_from([SMALL_CHUNKS, CHUNK_SIZE])
POSITIONS = st.builds(Position, st.integers(0, 20), st.integers(0, 12))


@settings(deadline=None)
@given(st.data(), CHUNK_SIZES, st.sampled_from(Encoding), TEXTS | LONG_TEXTS)
def test_edits_give_the_text_that_the_protocol_defines(
    data: st.DataObject, chunk_size: int, encoding: Encoding, text: str
) -> None:
    plain = PlainText(text, encoding)
    document = TextDocument("", text, encoding=encoding, chunk_size=chunk_size)
    for start, end, new in data.draw(st.lists(st.tuples(POSITIONS, POSITIONS, TEXTS), min_size=1, max_size=6)):
        plain.replace(start, end, new)
        document.replace(start, end, new)
        assert_equal(document, plain.text)


@settings(deadline=None)
@given(st.data(), CHUNK_SIZES, ASTRAL_TEXTS)
def test_utf16_edits_inside_surrogate_pairs_never_shift_a_column(
    data: st.DataObject, chunk_size: int, text: str
) -> None:
    plain = PlainText(text, Encoding.UTF16)
    document = TextDocument("", plain.text, encoding=Encoding.UTF16, chunk_size=chunk_size)
    for start, end, new in data.draw(st.lists(st.tuples(POSITIONS, POSITIONS, ASTRAL_TEXTS), min_size=1, max_size=8)):
        plain.replace(start, end, new)
        document.replace(start, end, new)
        assert_equal(document, plain.text)


def assert_equal(document: TextDocument, text: str) -> None:
    """Assert that all methods of the document agree with a plain string."""
    assert document.text == text
    assert len(document) == len(text)
    lines = split_lines(text)
    assert [document.line(number) for number in range(document.line_count)] == lines
    assert document.masks(0, len(text)) == find_masks(text)
    assert document.has_masks == (MASK in text)
    indexes = range(len(text) % 7, len(text) + 1, 7)
    assert list(document.positions(indexes)) == [document.position(index) for index in indexes]
    line_starts = [0, *(match.end() for match in re.finditer("\r\n|\r|\n", text))]
    for number, start in enumerate(line_starts):
        for index in range(start, start + len(lines[number]) + 1):
            position = Position(number, units(text[start:index], document.encoding))
            assert document.position(index) == position
            assert document.index(position) == index
            assert document.slice(start - 2, index) == text[max(0, start - 2) : index]


def test_half_a_surrogate_pair_can_be_replaced_and_restored() -> None:
    document = TextDocument("", "a😀b", encoding=Encoding.UTF16)
    document.replace(Position(0, 2), Position(0, 3), "x")
    assert document.text == "a\ud83dxb"
    document.replace(Position(0, 2), Position(0, 3), "\ude00")
    assert document.text == "a😀b"


def test_a_position_inside_a_character_is_its_start_for_a_request() -> None:
    document = TextDocument("", "a😀b", encoding=Encoding.UTF16)
    assert document.index(Position(0, 2)) == 1


@pytest.mark.parametrize("separator", ["\x0c", "\x0b", "\x1c", "\x85", "\u2028", "\u2029"])
def test_only_the_protocols_line_ends_end_a_line(separator: str) -> None:
    document = TextDocument("", f"a{separator}b\nc")
    assert document.line(0) == f"a{separator}b"
    assert document.line_count == 2


def test_an_empty_document_accepts_text() -> None:
    document = TextDocument("", "")
    assert document.line_count == 1
    document.replace(Position(0, 0), Position(0, 0), "x\n")
    assert (document.text, document.line_count) == ("x\n", 2)


def test_a_full_change_replaces_everything() -> None:
    document = TextDocument("", "a\nb")
    document.replace_all("c")
    assert document.text == "c"


def test_positions_outside_the_text_are_clamped() -> None:
    document = TextDocument("", "ab\ncd")
    document.replace(Position(0, 99), Position(99, 99), "!")
    assert document.text == "ab!"


def test_a_snapshot_does_not_change_with_its_document() -> None:
    document = TextDocument("file:///a", "one\n[MASK] two\n" * 1000)
    snapshot, text = document.snapshot(), document.text
    document.replace(Position(500, 0), Position(501, 3), "[MASK]\n\n")
    assert snapshot.text == text
    assert snapshot.masks(0, len(snapshot)) != document.masks(0, len(document))
    snapshot.replace_all("")
    assert document.line(500) == MASK
