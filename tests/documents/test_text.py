"""Edits as clients send them, against the protocol's own words on a plain string."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fillmask_ls import MASK
from fillmask_ls.documents import text as text_module
from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.text import Position, TextDocument
from fillmask_ls.words import find_masks

PIECES = st.sampled_from(
    [
        "a",
        "b ",
        "\n",
        "\r",
        "\r\n",
        "\n\r",
        "é",
        "e\u0301",
        "😀",
        "👩‍👩‍👧",
        "\x0c",
        "\x0b",
        "\x85",
        "\u2028",
        "\u2029",
        "\ud83d",
        "[MASK]",
        "[MA",
        "SK]",
        # Twice: line ends that meet, or part, at the end of a chunk are where mistakes hide.
        "\r",
        "\n",
    ]
)
TEXTS = st.lists(PIECES, max_size=12).map("".join)
LONG_TEXTS = st.lists(PIECES, min_size=60, max_size=90).map("".join)
CODE_UNITS = {Encoding.UTF8: ("utf-8", 1), Encoding.UTF16: ("utf-16-le", 2), Encoding.UTF32: ("utf-32-le", 4)}


def units(text: str, encoding: Encoding) -> int:
    codec, size = CODE_UNITS[encoding]
    return len(text.encode(codec, "surrogatepass")) // size


def offset(text: str, line: int, column: int, encoding: Encoding) -> int:
    """Where a position lies in the whole text, by counting its characters one by one."""
    starts = [0, *(match.end() for match in re.finditer("\r\n|\r|\n", text))]
    if line >= len(starts):
        return len(text)
    index = starts[line]
    while index < len(text) and text[index] not in "\r\n":
        column -= units(text[index], encoding)
        if column < 0:
            break
        index += 1
    return index


@pytest.fixture(params=[24, 4096], ids=["small chunks", "chunks as they are"])
def chunk_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Small ones, so that short texts have many."""
    monkeypatch.setattr(text_module, "_SIZE", request.param)
    return int(request.param)


@pytest.mark.usefixtures("chunk_size")
@given(st.data())
@settings(
    max_examples=5 * settings.default.max_examples,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_edits_give_what_the_protocol_says(data: st.DataObject) -> None:
    encoding = data.draw(st.sampled_from(Encoding))
    plain = data.draw(TEXTS | LONG_TEXTS)
    document = TextDocument("", plain, encoding=encoding)
    for _ in range(data.draw(st.integers(1, 8))):
        ends = [Position(data.draw(st.integers(0, 20)), data.draw(st.integers(0, 12))) for _ in range(2)]
        start, end = sorted(ends)
        new = data.draw(TEXTS)
        low, high = (offset(plain, at.line, at.column, encoding) for at in (start, end))
        plain = plain[: min(low, high)] + new + plain[max(low, high) :]
        document.replace(start, end, new)
        assert_same(document, plain)


def assert_same(document: TextDocument, plain: str) -> None:
    """The document answers every question as the plain string does."""
    assert document.text == plain
    assert len(document) == len(plain)
    lines = re.split("\r\n|\r|\n", plain)
    assert [document.line(i) for i in range(document.line_count)] == lines
    assert document.masks(0, len(plain)) == find_masks(plain)
    assert document.has_masks == (MASK in plain)
    some = range(len(plain) % 7, len(plain) + 1, 7)
    assert list(document.positions(some)) == [document.position(index) for index in some]
    starts = [0, *(match.end() for match in re.finditer("\r\n|\r|\n", plain))]
    for line, start in enumerate(starts):
        for index in range(start, start + len(lines[line]) + 1):
            position = Position(line, units(plain[start:index], document.encoding))
            assert document.position(index) == position
            assert document.index(position) == index
            assert document.slice(start - 2, index) == plain[max(0, start - 2) : index]


@pytest.mark.parametrize("separator", ["\x0c", "\x0b", "\x1c", "\x85", "\u2028", "\u2029"])
def test_what_is_no_line_end_for_the_protocol_ends_no_line(separator: str) -> None:
    document = TextDocument("", f"a{separator}b\nc")
    assert document.line(0) == f"a{separator}b"
    assert document.line_count == 2


def test_an_empty_document_takes_text() -> None:
    document = TextDocument("", "")
    assert document.line_count == 1
    document.replace(Position(0, 0), Position(0, 0), "x\n")
    assert (document.text, document.line_count) == ("x\n", 2)


def test_a_full_change_replaces_everything() -> None:
    document = TextDocument("", "a\nb")
    document.replace_all("c")
    assert document.text == "c"


def test_positions_outside_are_clamped() -> None:
    document = TextDocument("", "ab\ncd")
    document.replace(Position(0, 99), Position(99, 99), "!")
    assert document.text == "ab!"


def test_a_snapshot_stays_as_it_was() -> None:
    document = TextDocument("file:///a", "one\n[MASK] two\n" * 1000)
    taken, before = document.snapshot(), document.text
    document.replace(Position(500, 0), Position(501, 3), "[MASK]\n\n")
    assert taken.text == before
    assert taken.masks(0, len(taken)) != document.masks(0, len(document))
    taken.replace_all("")
    assert document.line(500) == MASK
